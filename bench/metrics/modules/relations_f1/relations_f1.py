"""Macro F1 of relations as one set over all examples, and macro and micro F1 with the ids of an example apart, in [0, 1].

Predictions and references: lists of {"root", "tag", "relation"} with the ids of what is related; `labels`: the list of all
relations, others do not count.
"""

from collections.abc import Iterable, Mapping, Sequence

from bench.metrics.evaluate_module import module
from bench.metrics.labelling import Item, pooled_macro_f1, set_metric
from bench.metrics.metric import Metric, RankedMetric

_RELATION = {"root": "string", "tag": "string", "relation": "string"}


def _relations(items: Iterable[Mapping[str, str]]) -> list[Item]:
    return [tuple(item[part] for part in _RELATION) for item in items]


def _metrics(labels: Sequence[str]) -> tuple[Metric | RankedMetric, ...]:
    return (
        pooled_macro_f1("macro_f1", labels, lambda gold: gold, lambda gold, found: found, signature="one set"),
        set_metric("macro_f1_by_example", labels, lambda gold: gold, lambda gold, found: found, macro=True),
        set_metric("micro_f1_by_example", labels, lambda gold: gold, lambda gold, found: found),
    )


RelationsF1 = module(
    __name__, _metrics, __doc__, predictions=[_RELATION], references=[_RELATION], answer=_relations, target=_relations
)
