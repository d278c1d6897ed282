"""The voices of finmm: utterances of customers and agents, spoken by synthesisers."""

from tasks.finmm.voice.corpus import sound_file, write_voices
from tasks.finmm.voice.utterance import CHANNELS, Utterance, make_utterance

__all__ = ["CHANNELS", "Utterance", "make_utterance", "sound_file", "write_voices"]
