"""Key information of financial documents: who, what, when and how much, by the kind of document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from bench.data.look import Look
from bench.metrics.entities import ENTITIES
from bench.metrics.metric import AnyMetric
from bench.types import Example
from tasks.fields import FieldsTask
from tasks.finmm.docvqa_task import boxes_of
from tasks.finmm.key_fields import KEY_FIELDS, field_of
from tasks.finmm.pages import FinmmPages, drawn, page_card, page_id


class FinmmPageFields(FinmmPages, FieldsTask):
    """Nine to eleven fields of each kind of document; some are not on every page, and are null there."""

    name, version = "finmm_page_fields", 1
    metrics: ClassVar[tuple[AnyMetric, ...]] = ENTITIES
    card = page_card("key information of documents", 96, (0.0, 0.02))

    def example(self, seed: int, index: int) -> Example:
        """The document and the values of its fields."""
        document = drawn(seed, index)
        target: list[Mapping[str, Any]] = [field_of(document, key) for key in KEY_FIELDS[document.kind]]
        key = page_id(seed, index)
        return Example(key, {"seed": seed, "index": index, "kind": document.kind}, target, key)

    def asked(self, example: Example) -> Sequence[tuple[str, str]]:
        """The fields of the kind of document, each with what it means."""
        return [(key.name, key.meaning) for key in KEY_FIELDS[example.inputs["kind"]]]

    def look(self, example: Example) -> Look:
        """Where on the page each field is printed."""
        page = boxes_of(example.inputs["seed"], example.inputs["index"])
        keys = [key for key in KEY_FIELDS[example.inputs["kind"]] if key.source in page]
        return Look(boxes=tuple(replace(page[key.source], name=key.name) for key in keys))
