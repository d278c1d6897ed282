"""What customers and agents say over clean, narrow, noisy, shared and lossy lines, written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from bench.artifacts.fetch import locate
from bench.data.look import Look
from bench.data.shapes import TRANSCRIPT, a_text
from bench.errors import BenchError
from bench.metrics.lens import of_key
from bench.metrics.speech import WER, as_it_stands
from bench.metrics.spoken_values import VALUES, right
from bench.task import Card, Task
from bench.types import Audio, Example, Json, Prediction, Request, Transcribe
from tasks.finmm import LICENCE
from tasks.finmm.voice import Utterance, make_utterance, sound_file, write_voices
from tasks.finmm.voice.neural import SHA256, SOURCE
from tasks.finmm.voice.sentences import LEARNED_FROM
from tasks.finmm.voice.utterance import bare
from tasks.slices import words
from tasks.transcripts import spoken_words

# Of the voices' kinds those that a bank loses money on when they are misheard; what else is a number counts as one.
_KINDS = {"amount": "amount", "date": "date", "account": "account"}


class FinmmSpeech(Task):
    """Word error rate on utterances that synthesisers speak, and whether amounts, dates and account numbers are right.

    The recordings are rendered when they are asked for. With `neural` every third utterance is spoken by a neural voice.
    """

    name, version, output = "finmm_speech", 1, Transcribe
    parts = frozenset({"audio"})
    makes_media = True
    metrics = (of_key(WER, "words"), *VALUES)
    card = Card(
        title="finmm: voices of customers and agents",
        source="tasks/finmm/voice (rendered)",
        revision="1",
        licence=LICENCE,
        split="test (utterance_seed 7)",
        n_examples=200,
        language="en",
        chance=(0.9, 1.1),
        scenario="operations",
        cluster="conversation",
    )

    def __init__(self, utterances: int = 200, utterance_seed: int = 7, neural: bool = False) -> None:
        self.utterances, self.utterance_seed, self.neural = utterances, utterance_seed, neural
        refuse_odd(utterances, utterance_seed)

    def fetch(self) -> None:
        """Bring the weights of the neural voice, where it speaks."""
        if self.neural:
            locate(SOURCE, sha256=SHA256)

    def examples(self) -> Sequence[Example]:
        """The utterances in order; nothing is rendered for that."""
        return [self._example(one) for one in self._spoken.values()]

    def _example(self, one: Utterance) -> Example:
        found = [
            {"kind": _KINDS.get(entity.kind, "number"), "written": entity.written, "spoken": entity.spoken}
            for entity in one.entities
        ]
        whole = right(found, one.text)  # "1.5" of "1.5 million" is no value of its own
        entities = [entity for entity, is_whole in zip(found, whole, strict=True) if is_whole]
        inputs = {"seed": one.seed, "index": one.index, "neural": self.neural}
        return Example(one.id, inputs, {"text": one.text, "words": slots(one), "entities": entities}, one.conversation)

    @cached_property
    def _spoken(self) -> Mapping[str, Utterance]:
        made = (make_utterance(self.utterance_seed, index, self.neural) for index in range(self.utterances))
        return {one.id: one for one in made}

    def request(self, example: Example) -> Request:
        """The recording alone."""
        inputs = example.inputs
        recording = sound_file(inputs["seed"], inputs["index"], inputs["neural"])
        return Request(example.id, (Audio(recording),), Transcribe("en"))

    def answer(self, prediction: Prediction) -> str:
        """The words without the punctuation around them."""
        return spoken_words(prediction.text or "")

    def checked(self, example: Example, answer: Json) -> str:
        """A transcript in one text."""
        return a_text(answer, TRANSCRIPT)

    def ideal(self, example: Example) -> Prediction:
        """The reference as it is written."""
        return Prediction(example.id, text=as_it_stands(example.target["words"]))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The line, who speaks with which accent, what it is about, and the length."""
        one = self._spoken[example.id]
        return {
            "line": one.channel, "role": one.role, "accent": one.speaker.accent, "topic": one.topic,
            "length": words(one.text, (8, 16)),
        }  # fmt: skip

    def look(self, example: Example) -> Look:
        """The words and the values with the ways to say them."""
        return Look(words=example.target["words"])

    def write(self, folder: Path) -> None:
        """Write the recordings and their annotations."""
        write_voices(folder, self.utterance_seed, self.utterances, self.neural)


def refuse_odd(utterances: int, seed: int) -> None:
    """Raise BenchError for a number or a seed of no evaluation."""
    if utterances < 1:
        raise BenchError(f"task.utterances={utterances} must be at least 1")
    if not 0 <= seed < LEARNED_FROM:
        raise BenchError(
            f"task.utterance_seed={seed} must be from 0 to {LEARNED_FROM - 1}; those above are for training"
        )


def slots(one: Utterance) -> list[Json]:
    """The words in order, each entity with the ways in which it may be said."""
    found: list[Json] = []
    said, at = [word.lower() for word in one.words], 0
    for entity, (first, last) in zip(one.entities, one.places, strict=True):
        found += said[at:first]
        found.append({"label": entity.kind.upper(), "alternatives": entity.ways()})
        at = last + 1
    return [bare(slot) if isinstance(slot, str) else slot for slot in [*found, *said[at:]]]
