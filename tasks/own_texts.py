"""Texts of one's own by a file of conf/task alone: numbers on scales for each, or a text that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from bench.data.shapes import a_text
from bench.data.submissions import number
from bench.errors import BenchError
from bench.metrics.concordance import ccc, pearson
from bench.metrics.generation import BLEU, CHRF
from bench.metrics.metric import AnyMetric, Metric
from bench.metrics.regression import rmse
from bench.metrics.rouge import rouge
from bench.task import Unparsed
from bench.text.number_said import number_said
from bench.types import Example, Generate, Json, Prediction, Request, Text
from tasks.own_rows import RowsTask, a_length, ranked, some
from tasks.scales import ScaledTask
from tasks.slices import words


class ScoreTask(RowsTask, ScaledTask):
    """Numbers that people gave the column `text`: a column for each of `scales` {name: [lowest, highest]}.

    Under `about` also: `instruction`, and `ranks`, which is ccc_NAME of the first scale else.
    """

    roles = ("text",)
    about = ("scales", "instruction")
    about_too = (*RowsTask.about_too, "ranks")
    instruction: ClassVar[str]

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """Scales and metrics."""
        given = about["scales"]
        if not isinstance(given, Mapping) or not given or not all(map(_is_scale, given.values())):
            raise BenchError(f"task.about.scales: found {str(given)[:60]!r}, expected {{name: [lowest, highest]}}")
        scales = {str(name): (float(low), float(high)) for name, (low, high) in given.items()}
        made: list[AnyMetric] = [make(name, *ends) for make in (ccc, pearson, rmse) for name, ends in scales.items()]
        return {
            **super().defined(about), "scales": scales, "instruction": str(about["instruction"]),
            "metrics": ranked(made, about.get("ranks")),
        }  # fmt: skip

    def of_row(self, where: str, row: Mapping[str, Json]) -> tuple[Mapping[str, Json], Json, str]:
        """The text and its numbers, which are held out together."""
        text = self.text(row, "text", where)
        given = {name: self.may_be(row, name, where) for name in self.scales}
        if not any(given.values()):
            return {"text": text}, None, text
        target = {}
        for name, (low, high) in self.scales.items():
            try:
                target[name] = float(number(given[name] or "", low, high))
            except ValueError as error:
                raise BenchError(f"{where}: {name!r}: {error}; correct the row, or task.about.scales") from None
        return {"text": text}, target, text

    def request(self, example: Example) -> Request:
        """What is asked, then the text."""
        return Request(example.id, (Text(self.instruction, "system"), Text(example.inputs["text"])), self.asked())

    def answer(self, prediction: Prediction) -> dict[str, float] | Unparsed:
        """The values, held within their scales, or those that a text says; of one scale the number that it gives."""
        if prediction.text is None or prediction.values is not None or len(self.scales) > 1:
            return super().answer(prediction)
        ((name, (low, high)),) = self.scales.items()
        said = number_said(prediction.text, low, high)
        return Unparsed({name: None}) if said is None else {name: float(min(max(said, low), high))}

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the text."""
        return {"length": words(example.inputs["text"])}


class TextTask(RowsTask):
    """A text written for each `text`: a summary, a reply, a translation, held against `reference`, in JSON Lines also several.

    Under `about`: `instruction`, `max_new_tokens`, and `ranks`: rougeL, chrf or bleu.
    """

    output = Generate
    roles = ("text", "reference")
    about = ("instruction",)
    about_too = (*RowsTask.about_too, "max_new_tokens", "ranks")
    instruction: ClassVar[str]
    longest: ClassVar[int]

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """What is asked, and the metrics."""
        return {
            **super().defined(about), "instruction": str(about["instruction"]),
            "longest": a_length(about.get("max_new_tokens"), 96), "metrics": ranked((ROUGE_L, CHRF, BLEU), about.get("ranks")),
        }  # fmt: skip

    def of_row(self, where: str, row: Mapping[str, Json]) -> tuple[Mapping[str, Json], Json, str]:
        """The text, and what people wrote."""
        text, name = self.text(row, "text", where), self.named("reference")
        return {"text": text}, some(row.get(name), f"{where}: {name!r}") or None, text

    def request(self, example: Example) -> Request:
        """What is asked, then the text."""
        parts = (Text(self.instruction, "system"), Text(example.inputs["text"]))
        return Request(example.id, parts, Generate(self.longest))

    def answer(self, prediction: Prediction) -> str:
        """The reply with white space folded."""
        return " ".join((prediction.text or "").split())

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The longest reference."""
        return Prediction(example.id, text=max(example.target, key=len))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the text, and of the first reference."""
        found = {"length": words(example.inputs["text"], (20, 50, 200))}
        return found | ({"reference": words(example.target[0], (10, 20, 50))} if example.target else {})


def _is_scale(found: Json) -> bool:
    if not isinstance(found, list) or len(found) != 2 or any(type(one) not in (int, float) for one in found):
        return False
    return bool(found[0] < found[1])


def _nearest(inner: Metric) -> Metric:
    """The metric against the reference that it is best with."""

    def measure(references: Sequence[str], answer: str) -> Sequence[float]:
        return max((inner.measure(one, answer) for one in references), key=lambda row: row[0])

    return replace(inner, measure=measure, signature=f"{inner.signature}, best of the references")


ROUGE_L = _nearest(rouge("rougeL"))
