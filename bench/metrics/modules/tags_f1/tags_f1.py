"""Macro and micro F1 of the tags of words, in [0, 1].

Predictions and references: lists of tags, one a word; `labels`: the list of those that count, so without "O".
"""

from collections.abc import Sequence

from bench.metrics.evaluate_module import module
from bench.metrics.labelling import set_metric
from bench.metrics.metric import Metric


def _numbered(tags: Sequence[str]) -> list[tuple[int, str]]:
    return list(enumerate(tags))


def _metrics(labels: Sequence[str]) -> tuple[Metric, ...]:
    return (
        set_metric("macro_f1", labels, lambda gold: gold, lambda gold, found: found, macro=True),
        set_metric("micro_f1", labels, lambda gold: gold, lambda gold, found: found),
    )


TagsF1 = module(__name__, _metrics, __doc__, predictions=["string"], answer=_numbered, target=_numbered)
