"""F1 of exact spans with their label, F1 of spans alone, and of the spans found the share with the right label, in [0, 1].

Predictions and references: lists of {"start", "end", "label"}; `labels`: the list of them all. A span with another label
counts as a span alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.metrics.evaluate_module import module
from bench.metrics.labelling import Item, label_accuracy, set_metric
from bench.metrics.metric import Metric

_SPAN = {"start": "int64", "end": "int64", "label": "string"}


def _spans(items: Iterable[Mapping[str, Any]]) -> list[Item]:
    return [tuple(item[part] for part in _SPAN) for item in items]


def _bare(spans: Iterable[Item]) -> list[Item]:
    return [(start, end, "span") for start, end, _ in spans]


def _metrics(labels: Sequence[str]) -> tuple[Metric, ...]:
    return (
        set_metric("f1", labels, lambda gold: gold, lambda gold, found: found),
        set_metric("span_f1", ["span"], _bare, lambda gold, found: _bare(found)),
        label_accuracy("label_accuracy", lambda gold: gold, lambda gold, found: found, signature="of the spans found"),
    )


LabelledSpans = module(
    __name__, _metrics, __doc__, predictions=[_SPAN], references=[_SPAN], answer=_spans, target=_spans
)
