"""Valence and arousal of what customers and agents say, from how it sounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from bench.errors import BenchError
from bench.metrics.concordance import ccc
from bench.task import Card
from bench.types import Audio, Example, Request
from tasks.finmm import LICENCE
from tasks.finmm.emotion_task import SCALES
from tasks.finmm.speech_task import refuse_odd
from tasks.finmm.voice import Utterance, make_utterance, sound_file
from tasks.finmm.voice.sentences import LEARNED_FROM
from tasks.scales import ScaledTask


class FinmmVoiceEmotion(ScaledTask):
    """The feeling of a speaker on OMG-Emotion's scales, from the recording; what is said tells some of it, too.

    The voices are synthetic: speed, pitch and loudness follow the annotated feeling with noise, so a score says whether a model
    hears those, not whether it knows people.
    """

    name, version, scales = "finmm_voice_emotion", 1, SCALES
    parts = frozenset({"audio"})
    makes_media = True
    metrics = (ccc("valence", *SCALES["valence"]), ccc("arousal", *SCALES["arousal"]))
    card = Card(
        title="finmm: emotion of voices",
        source="tasks/finmm/voice (rendered)",
        revision="1",
        licence=LICENCE,
        split="test (utterance_seed 7)",
        n_examples=720,
        language="en",
        chance=(-0.2, 0.2),
        scenario="operations",
        cluster="conversation",
    )

    def __init__(self, utterances: int = 720, utterance_seed: int = 7, training_utterances: int = 300) -> None:
        refuse_odd(utterances, utterance_seed)
        if training_utterances < 1:
            raise BenchError(f"task.training_utterances={training_utterances} must be at least 1")
        self.utterances, self.utterance_seed, self.training_utterances = utterances, utterance_seed, training_utterances

    def examples(self) -> Sequence[Example]:
        """The utterances in order; nothing is rendered for that."""
        return [_example(one) for one in self._asked.values()]

    def training(self) -> Sequence[Example]:
        """Utterances of another seed: other words."""
        return [_example(one) for one in self._taught.values()]

    @cached_property
    def _asked(self) -> Mapping[str, Utterance]:
        made = (make_utterance(self.utterance_seed, index) for index in range(self.utterances))
        return {one.id: one for one in made}

    @cached_property
    def _taught(self) -> Mapping[str, Utterance]:
        seed = self.utterance_seed + LEARNED_FROM
        return {one.id: one for one in (make_utterance(seed, index) for index in range(self.training_utterances))}

    def request(self, example: Example) -> Request:
        """The recording alone."""
        recording = sound_file(example.inputs["seed"], example.inputs["index"])
        return Request(example.id, (Audio(recording),), self.asked())

    def slices(self, example: Example) -> Mapping[str, str]:
        """The emotion by name, the line, and who speaks with which accent."""
        one = self._asked.get(example.id) or self._taught[example.id]
        found = {"line": one.channel, "role": one.role, "accent": one.speaker.accent}
        return found if example.target is None else found | {"emotion": one.emotion}


def _example(one: Utterance) -> Example:
    target = {"valence": one.valence, "arousal": one.arousal}
    return Example(one.id, {"seed": one.seed, "index": one.index}, target, one.conversation)
