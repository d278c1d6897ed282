"""Two classes, of which the rare one matters: Matthews' correlation, balanced accuracy, and what needs probabilities.

Targets are labels, answers {"label", "confidence"} as in `bench.metrics.classification`. Of two labels the probability of the
positive one is the confidence where it was given, else the rest; where answers carry no confidence (a text gives a label alone)
the metrics of the ranking are absent, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.metrics.classification import average_recall, counted, is_right, no_confidences, ratio
from bench.metrics.metric import Array, Metric, RankedMetric, Row


def mcc(labels: Sequence[str]) -> Metric:
    """Matthews' correlation of answers and targets over these labels, in [-1, 1]; 0 where either side has one label only.

    An answer of none of the labels is a class of its own. Of more than two labels it is R_K. Sources: Matthews 1975 (Biochim.
    Biophys. Acta 405); Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
    """

    def summarise(sums: Array, n: Array) -> Array:
        right, given, wanted = np.moveaxis(sums, -2, 0)
        other = np.maximum(n - given.sum(axis=-1), 0.0)
        both = right.sum(axis=-1) * n - (given * wanted).sum(axis=-1)
        of_given = n**2 - (given**2).sum(axis=-1) - other**2
        of_wanted = n**2 - (wanted**2).sum(axis=-1)
        return ratio(both, np.sqrt(np.maximum(of_given * of_wanted, 0.0)))

    found = counted("mcc", labels, summarise, f"{len(labels)} labels and one for none of them, 0/0 = 0")
    return replace(found, jackknife=True, least=-1.0)


def balanced_accuracy(labels: Sequence[str]) -> Metric:
    """The mean recall of the labels that occur as targets, in [0, 1]: a half for who says the same label always, of two."""
    return replace(average_recall(labels), name="balanced_accuracy")


def by_prediction(labels: Sequence[str]) -> Metric:
    """F1 weighted by how often each label is given, in [0, 1]: what a weighted F1 is with its arguments swapped.

    Published so by the CALM paper (Feng et al. 2023), where "always the commonest" is worth .80 on German credit instead of .52.
    """

    def summarise(sums: Array, n: Array) -> Array:
        right, given, wanted = np.moveaxis(sums, -2, 0)
        return ratio((ratio(2 * right, given + wanted) * given).sum(axis=-1), np.asarray(n))

    return counted("f1_weighted_by_prediction", labels, summarise, "f1, weighted by the answers; 0/0 = 0")


def macro_with_none(labels: Sequence[str]) -> Metric:
    """Macro F1 over the labels that are a target or an answer, and over "none of them" as soon as one answer is that; in [0, 1].

    That class has F1 0. Source: scikit-learn's f1_score without a list of labels.
    """

    def summarise(sums: Array, n: Array) -> Array:
        right, given, wanted = np.moveaxis(sums, -2, 0)
        classes = (given + wanted > 0).sum(axis=-1) + (n - given.sum(axis=-1) > 1e-9)
        return ratio(ratio(2 * right, given + wanted).sum(axis=-1), classes)

    return replace(counted("f1_macro_all_labels", labels, summarise, "macro, with a class of none"), jackknife=True)


def _ranked(
    name: str, positive: str, labels: Sequence[str], summarise: Any, signature: str, *, fraction: bool = True
) -> RankedMetric:
    """A metric of the ranking by the probability of `positive`, from rows (that probability, whether it is the target).

    A draw that lost all of one class has no value, where the examples have both.
    """
    if len(labels) != 2 or positive not in labels:
        raise ValueError(f"{name}: {positive!r} must be one of two labels, found {list(labels)}")

    def measure(target: str, answer: Mapping[str, Any]) -> Row:
        is_right(target, answer)  # raises for what is no answer
        sure = float(answer["confidence"])
        other = answer["label"] != positive
        if other and answer["label"] not in labels:
            return float(target != positive), float(target == positive)  # an answer of neither is as wrong as can be
        return (1.0 - sure if other else sure), float(target == positive)

    def defined(rows: Array, weights: Array) -> Array:
        both = np.stack([weights @ rows[:, 1], weights @ (1 - rows[:, 1])])
        lost = (both == 0).any(axis=0) & bool(0 < rows[:, 1].sum() < len(rows))
        return np.where(lost, np.nan, summarise(rows, weights))

    def one_class(rows: Array) -> str:
        if 0 < rows[:, 1].sum() < len(rows):
            return ""
        return (
            f"{'all examples are' if rows[:, 1].any() else 'no example is'} {positive!r}, a ranking takes both labels"
        )

    return RankedMetric(
        name,
        measure=measure,
        summarise=defined,
        worst=lambda target: (float(target != positive), float(target == positive)),
        best=lambda target: (float(target == positive), float(target == positive)),
        is_fraction=fraction,
        signature=f"by the probability of {positive!r}; {signature}",
        absent=no_confidences,
        undefined=one_class,
    )


def _curve(rows: Array, weights: Array) -> tuple[Array, Array]:
    """For each weighting and threshold, the highest first: how many positives and negatives lie at it or above: [b, t] each."""
    order = np.argsort(-rows[:, 0], kind="stable")
    scores, positive = rows[order, 0], rows[order, 1]
    ends = np.flatnonzero(np.concatenate([scores[1:] != scores[:-1], [True]]))
    drawn = weights[:, order]
    return np.cumsum(drawn * positive, axis=1)[:, ends], np.cumsum(drawn * (1 - positive), axis=1)[:, ends]


def _before(found: Array) -> Array:
    """Each row with a 0 before its first."""
    return np.concatenate([np.zeros((len(found), 1)), found], axis=1)


def roc_auc(positive: str, labels: Sequence[str]) -> RankedMetric:
    """The area under the ROC curve, in [0, 1]: how often a positive stands above a negative, ties a half.

    Undefined without both, as in scikit-learn.

    Source: Hanley and McNeil 1982 (Radiology 143); scikit-learn's roc_auc_score.
    """

    def summarise(rows: Array, weights: Array) -> Array:
        right, wrong = (_before(part) for part in _curve(rows, weights))
        area = (np.diff(wrong, axis=1) * (right[:, 1:] + right[:, :-1]) / 2).sum(axis=1)
        pairs = right[:, -1] * wrong[:, -1]
        return np.asarray(np.where(pairs > 0, area / np.where(pairs > 0, pairs, 1.0), 0.5))

    return _ranked("roc_auc", positive, labels, summarise, "ties a half")


def average_precision(positive: str, labels: Sequence[str]) -> RankedMetric:
    """The mean of the precision at each threshold, weighted by the recall it adds, in [0, 1].

    Undefined without both labels: there is nothing to rank, where scikit-learn warns and says 0 or 1. Its chance level is the
    share of positives. Source: scikit-learn's average_precision_score (no interpolation).
    """

    def summarise(rows: Array, weights: Array) -> Array:
        right, wrong = _curve(rows, weights)
        added = np.diff(_before(right), axis=1)
        return ratio((added * ratio(right, right + wrong)).sum(axis=1), right[:, -1])

    return _ranked("average_precision", positive, labels, summarise, "no interpolation")


def recall_at_false_alarms(positive: str, labels: Sequence[str], rate: float = 0.01) -> RankedMetric:
    """The highest share of positives found by a threshold that takes at most `rate` of the negatives for positives; in [0, 1]."""

    def summarise(rows: Array, weights: Array) -> Array:
        right, wrong = _curve(rows, weights)
        alarms = ratio(wrong, wrong[:, -1:])
        return np.asarray(np.where(alarms <= rate + 1e-12, ratio(right, right[:, -1:]), 0.0).max(axis=1))

    return _ranked(
        f"recall_at_{100 * rate:g}_percent_false_alarms", positive, labels, summarise, "whole thresholds only"
    )


def lift(positive: str, labels: Sequence[str], share: float = 0.1) -> RankedMetric:
    """How many times commoner positives are in the top `share` of the ranking than among all, in [0, 1 / share]; 1 is chance.

    Of examples of one probability that the cut goes through, their mean counts. Undefined without both labels.
    """

    def summarise(rows: Array, weights: Array) -> Array:
        right, wrong = (_before(part) for part in _curve(rows, weights))
        total = right + wrong
        cut = share * total[:, -1:]
        inside = np.clip(ratio(cut - total[:, :-1], np.diff(total, axis=1)), 0.0, 1.0)
        found = (inside * np.diff(right, axis=1)).sum(axis=1)
        return ratio(found * total[:, -1], cut[:, 0] * right[:, -1])

    return _ranked(
        f"lift_{100 * share:g}", positive, labels, summarise, f"top {100 * share:g} %, ties shared", fraction=False
    )
