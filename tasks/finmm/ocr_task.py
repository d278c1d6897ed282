"""All the text of a page."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from bench.data.shapes import a_text
from bench.metrics.metric import AnyMetric
from bench.metrics.page_text import PAGE_TEXT
from bench.task import Unparsed
from bench.types import Example, Json, Prediction, Read, Request, Text
from tasks.finmm.pages import FinmmPages, drawn, page_card, page_id
from tasks.finmm.picture.text import reading_lines


class FinmmOCR(FinmmPages):
    """The text of each page, row by row over the whole width, as `tasks.finmm.picture.text.reading_lines` has it."""

    name, version, output = "finmm_ocr", 1, Read
    metrics: ClassVar[tuple[AnyMetric, ...]] = PAGE_TEXT
    card = replace(
        page_card("text of documents, row by row over the whole width", 96, (0.9, 1.0)), gives_away={"frequent": 0.9178}
    )

    def example(self, seed: int, index: int) -> Example:
        """The document and its lines."""
        document = drawn(seed, index)
        key = page_id(seed, index)
        return Example(key, {"seed": seed, "index": index}, "\n".join(reading_lines(document)), key)

    def request(self, example: Example) -> Request:
        """The instruction, then the page."""
        told = Text("Write down all the text of the page, row by row from top to bottom, and nothing else.", "system")
        return Request(example.id, (told, self.page(example)), Read(max_new_tokens=2_000))

    def answer(self, prediction: Prediction) -> str | Unparsed:
        """The reply as it is, without a fence around it."""
        text = (prediction.text or "").strip()
        if text.startswith("```") and text.endswith("```") and len(text) > 6:
            text = text[3:-3].partition("\n")[2].strip()
        return text or Unparsed("")

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The lines."""
        return Prediction(example.id, text=example.target)
