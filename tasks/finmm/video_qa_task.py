"""Questions on films of documents and of screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from bench.data.shapes import a_text
from bench.errors import BenchError
from bench.metrics.reading import ANLS
from bench.task import Card, Task, Unparsed
from bench.types import Example, Json, Prediction, Request, Span, Video
from tasks.answers import said_shortly
from tasks.finmm import LICENCE
from tasks.finmm.video import Clip, clip_file, clip_of
from tasks.prompts import film
from tasks.slices import of_short_answer


class FinmmVideoQA(Task):
    """Short answers to questions on what a film shows; the films are rendered when they are asked for."""

    name, version, metrics, output = "finmm_video_qa", 1, (ANLS,), Span
    parts = frozenset({"text", "video"})
    makes_media = True
    card = Card(
        title="finmm: questions on filmed documents and screens",
        source="tasks/finmm/video (rendered)",
        revision="1",
        licence=LICENCE,
        split="test (clip_seed 7)",
        n_examples=119,
        language="en",
        chance=(0.0, 0.12),
        scenario="reading",
        cluster="clip",
    )

    def __init__(self, clips: int = 40, clip_seed: int = 7) -> None:
        if clips < 1:
            raise BenchError(f"task.clips={clips} must be at least 1")
        if clip_seed < 0:
            raise BenchError(f"task.clip_seed={clip_seed} must be at least 0")
        self.clips, self.clip_seed = clips, clip_seed

    def examples(self) -> Sequence[Example]:
        """All questions of each clip in turn, a filmed document and a screen by turns; nothing is rendered for that."""
        found = []
        for clip in self._films:
            for question in clip.questions:
                inputs = {"seed": clip.seed, "index": clip.index, "kind": clip.kind, "question": question.text}
                found.append(Example(question.id, inputs, list(question.answers), cluster=clip.id))
        return found

    def request(self, example: Example) -> Request:
        """The film, then the question."""
        clip = Video(clip_file(example.inputs["seed"], example.inputs["index"]))
        question = example.inputs["question"]
        return Request(example.id, film(clip, question), Span(max_new_tokens=24, stop=("\n", '"'), question=question))

    def answer(self, prediction: Prediction) -> str | Unparsed:
        """The first line, without a lead or quotes; a final full stop stays."""
        return said_shortly(prediction, keep_full_stop=True)

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The answer as it is to be read."""
        return Prediction(example.id, text=example.target[0])

    def slices(self, example: Example) -> Mapping[str, str]:
        """Whether a document or a screen is filmed, what is asked for, with which word, and the answer's length."""
        return {"film": example.inputs["kind"], "question type": self._asked[example.id]} | of_short_answer(example)

    @cached_property
    def _films(self) -> Sequence[Clip]:
        return [
            clip_of(("document", "screen")[number % 2], self.clip_seed, number // 2) for number in range(self.clips)
        ]

    @cached_property
    def _asked(self) -> Mapping[str, str]:
        return {question.id: question.kind for clip in self._films for question in clip.questions}
