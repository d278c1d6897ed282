"""The figures that papers on labelled texts and tables print of the same predictions, each under a name that says which it is.

As metrics, for the module of `evaluate`; out of a file of others' replies `published.label_figures` takes them, by which
each wording that is no label is a class of its own. "F1" alone is any of five numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.metrics.binary import by_prediction, macro_with_none, mcc
from bench.metrics.classification import ACCURACY, averaged, counted, ratio
from bench.metrics.metric import Array, Metric


def macro_of_gold(labels: Sequence[str]) -> Metric:
    """Macro F1 over the labels that are the target of at least one example, in [0, 1]; answers of other labels count against them.

    Source: scikit-learn's f1_score with labels=those of the targets.
    """

    def summarise(sums: Array, n: Array) -> Array:
        right, given, wanted = sums[..., 0, :], sums[..., 1, :], sums[..., 2, :]
        there = wanted > 0
        return ratio((ratio(2 * right, given + wanted) * there).sum(axis=-1), there.sum(axis=-1))

    signature = f"macro over those of {len(labels)} labels that occur as targets, 0/0 = 0"
    return replace(counted("f1_macro_gold_labels", labels, summarise, signature), jackknife=True)


def unparsed(labels: Sequence[str]) -> Metric:
    """The share of answers that are none of the labels, in [0, 1]; less is better. A failed example is one of them."""

    def summarise(sums: Array, n: Array) -> Array:
        return ratio(n - sums[..., 1, :].sum(axis=-1), n)

    found = counted("unparsed", labels, summarise, f"none of {len(labels)} labels")
    return replace(found, higher_is_better=False)


def label_metrics(labels: Sequence[str]) -> tuple[Metric, ...]:
    """All of them over a fixed list of labels, of which one is right for each example; Matthews' correlation ranks."""
    return (
        mcc(labels), ACCURACY, averaged("f1", labels, "weighted"), averaged("precision", labels, "weighted"),
        macro_of_gold(labels), macro_with_none(labels), by_prediction(labels), unparsed(labels),
    )  # fmt: skip
