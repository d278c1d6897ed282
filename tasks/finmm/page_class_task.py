"""Which kind of financial document a page is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bench.metrics.classification import single_label
from bench.metrics.metric import AnyMetric
from bench.types import Choose, Example, Request, Text
from tasks.finmm.pages import FinmmPages, drawn, page_card, page_id
from tasks.finmm.picture import KINDS
from tasks.labels import LabelTask, mixed, readable


class FinmmPageClass(FinmmPages, LabelTask):
    """One of eight kinds of document for each page; many pages say it in a title, cheques and receipts often do not."""

    name, version, labels = "finmm_page_class", 1, KINDS
    metrics: ClassVar[tuple[AnyMetric, ...]] = single_label(KINDS)
    instruction = "Say which kind of document is in the picture."
    card = page_card("kinds of documents", 96, (0.03, 0.23))

    def _of(self, seed: int) -> list[Example]:
        return mixed(super()._of(seed))  # the kinds take turns, so that the order would tell them

    def example(self, seed: int, index: int) -> Example:
        """The document and its kind."""
        key = page_id(seed, index)
        return Example(key, {"seed": seed, "index": index}, drawn(seed, index).kind, key)

    def request(self, example: Example) -> Request:
        """The instruction with the kinds, then the page."""
        names = tuple(map(readable, self.labels))
        told = Text(f"{self.instruction} One of: {', '.join(names)}.", "system")
        return Request(example.id, (told, self.page(example)), Choose(names))

    def examples(self) -> Sequence[Example]:
        """The documents in a mixed order; no picture is drawn for that."""
        return self._of(self.document_seed)
