"""SQuAD 1.1: questions on Wikipedia paragraphs, each answered by a span."""

from __future__ import annotations

from collections.abc import Sequence

from bench import artifacts
from bench.data import hub, squad_format
from bench.metrics.reading import EXACT_MATCH, TOKEN_F1
from bench.task import Card, Task
from bench.types import Example, Prediction, Request, Span
from tasks.answers import short_answer
from tasks.prompts import passage


class SquadV1(Task):
    """Short answers to questions on a paragraph; every question has one."""

    name, version, metrics, output = "squad_v1", 1, (TOKEN_F1, EXACT_MATCH), Span
    card = Card(
        title="SQuAD 1.1",
        source="hub:rajpurkar/squad",
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
        licence="CC BY-SA 4.0",
        split="validation (dev-v1.1.json)",
        n_examples=10_570,
        language="en",
        chance=(0.02, 0.06),
        scenario="operations",
        citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text (EMNLP)",
        references={"human": 0.91221, "best published (test)": 0.95719},
    )

    def __init__(self, sources: list[str], sha256: str | None = None) -> None:
        self.sources, self.sha256 = sources, sha256

    def fetch(self) -> None:
        """Bring the data set into the cache, if it is not in the data directory."""
        source, path = artifacts.first(self.sources, sha256=self.sha256)
        if path is None:
            hub.rows(source, "validation")

    def examples(self) -> Sequence[Example]:
        """The questions in the order of the file, from the first source at hand."""
        source, path = artifacts.first(self.sources, sha256=self.sha256)
        if path is not None:
            return list(squad_format.examples(path))
        return list(squad_format.examples_from_rows(hub.rows(source, "validation")))

    def request(self, example: Example) -> Request:
        """Worked examples and the passage first, so that questions share a prefix."""
        context, question = example.inputs["context"], example.inputs["question"]
        output = Span(max_new_tokens=24, stop=("\n", '"'), question=question, context=context)
        return Request(example.id, passage(context, question), output)

    def answer(self, prediction: Prediction) -> str:
        """The first line, without a lead or quotes."""
        return short_answer(prediction.text or "")

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer."""
        return Prediction(example.id, text=example.target[0])
