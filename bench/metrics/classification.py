"""Classification: accuracy, precision, recall and F1 over fixed labels, average recall, calibration, risk-coverage.

A target is one label, or a list of them where several may be right. An answer is {"label", "confidence"}, with the
confidence in [0, 1] or None, or {"labels"}. An answer's label that is not in the list is simply wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.metrics.metric import Array, Metric, RankedMetric, Row

AVERAGES = ("macro", "micro", "weighted")


def _wanted(target: str | Sequence[str]) -> frozenset[str]:
    return frozenset((target,) if isinstance(target, str) else target)


def _given(answer: Mapping[str, Any]) -> frozenset[str]:
    """The answer's labels; TypeError for one string, whose characters would be counted silently as labels.

    ValueError for a confidence that is no probability, with which calibration would leave its range.
    """
    sure = answer.get("confidence")
    if sure is not None and (isinstance(sure, bool) or not isinstance(sure, int | float) or not 0 <= sure <= 1):
        raise ValueError(f"the confidence {str(sure)[:40]} is no number from 0 to 1")
    if "label" in answer:
        return frozenset((answer["label"],))
    if isinstance(answer["labels"], str):
        raise TypeError(f"labels must be a list, got the string {answer['labels']!r}")
    return frozenset(answer["labels"])


def is_right(target: str | Sequence[str], answer: Mapping[str, Any]) -> float:
    """1.0 where the answer's labels are the target's, else 0.0; raises for what is no answer."""
    return float(_given(answer) == _wanted(target))


def ratio(above: Array, below: Array) -> Array:
    """above / below, and 0 where that is 0/0."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)


def _counter(labels: Sequence[str]) -> Callable[[frozenset[str], frozenset[str]], Row]:
    """Makes an example's row: whether each label was right, then given, then wanted: [3 · labels]."""
    size, place = len(labels), {label: i for i, label in enumerate(labels)}

    def count(wanted: frozenset[str], given: frozenset[str]) -> Row:
        if unknown := sorted(wanted - place.keys()):
            raise ValueError(f"target {unknown[0]!r} is not one of the {size} labels")
        row = [0.0] * (3 * size)
        for part, found in enumerate((wanted & given, given, wanted)):
            for label in found & place.keys():
                row[part * size + place[label]] = 1.0
        return row

    return count


def counted(name: str, labels: Sequence[str], summarise: Callable[[Array, Array], Array], signature: str) -> Metric:
    """A metric of the sums over examples of right, given and wanted, and of their number: [..., 3, labels], [...] -> [...]."""
    count, size = _counter(labels), len(labels)
    return Metric(
        name,
        measure=lambda target, answer: count(_wanted(target), _given(answer)),
        summarise=lambda totals, n: summarise(totals.reshape(*totals.shape[:-1], 3, size), n),
        worst=lambda target: count(_wanted(target), frozenset()),
        best=lambda target: count(_wanted(target), _wanted(target)),
        signature=signature,
    )


def averaged(score: str, labels: Sequence[str], average: str = "macro") -> Metric:
    """Precision, recall or f1 (`score`) over a fixed list of labels, in [0, 1]; 0/0 counts as 0.

    macro: the mean over all labels, also those that never occur; weighted: the mean weighted by how often each label is
    the target; micro: of the labels' pooled counts. A failed example counts its targets, and nothing as given.
    Source: scikit-learn's precision_recall_fscore_support with labels=all of them, zero_division=0.
    """
    if average not in AVERAGES or score not in ("precision", "recall", "f1"):
        raise ValueError(f"{average} {score} is not one of {AVERAGES} of precision, recall, f1")

    def summarise(sums: Array, n: Array) -> Array:
        right, given, wanted = np.moveaxis(sums.sum(axis=-1, keepdims=True) if average == "micro" else sums, -2, 0)
        parts = {"precision": (right, given), "recall": (right, wanted), "f1": (2 * right, given + wanted)}
        value = ratio(*parts[score])
        if average == "weighted":
            return ratio((value * wanted).sum(axis=-1), wanted.sum(axis=-1))
        return np.asarray(value.mean(axis=-1))

    signature = f"{average} over {len(labels)} labels, 0/0 = 0"
    return replace(counted(f"{average}_{score}", labels, summarise, signature), jackknife=True)


def average_recall(labels: Sequence[str]) -> Metric:
    """Unweighted average recall: the mean recall of the labels that are the target of at least one example, in [0, 1].

    A label without an example has no recall and is left out of the mean, also where a resample lost all its examples.
    Source: Schuller et al. 2009, "The INTERSPEECH 2009 Emotion Challenge".
    """

    def summarise(sums: Array, n: Array) -> Array:
        right, wanted = sums[..., 0, :], sums[..., 2, :]
        return ratio(ratio(right, wanted).sum(axis=-1), (wanted > 0).sum(axis=-1))

    signature = f"recall over those of {len(labels)} labels that occur as targets"
    return counted("uar", labels, summarise, signature)


ACCURACY = Metric("accuracy", measure=lambda target, answer: (is_right(target, answer),), signature="all labels right")


def no_confidences(answers: Sequence[Mapping[str, Any]]) -> str:
    """Why confidences cannot be used, "" if every answer carries one."""
    if not answers:
        return "every example failed, and no answer carries a confidence"
    without = sum(answer.get("confidence") is None for answer in answers)
    return f"{without} of {len(answers)} answers carry no confidence" if without else ""


def calibration_error(bins: int = 15) -> Metric:
    """Expected calibration error of the top label's confidence, in [0, 1]: lower is better.

    Confidences fall into bins of equal width, each without its lower edge (0 is in the first); the error is the mean over
    examples of their bin's |accuracy - mean confidence|. A row holds right - confidence in its bin's column: [bins].
    Resampling would add noise within bins, and push the interval up; so it is a jackknife's. A failed example was sure and
    wrong.
    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks" (ICML).
    """
    edges = [i / bins for i in range(1, bins)]

    def row(right: float, confidence: float) -> Row:
        cells = [0.0] * bins
        cells[bisect_left(edges, confidence)] = right - confidence
        return cells

    return Metric(
        "ece",
        measure=lambda target, answer: row(is_right(target, answer), answer["confidence"]),
        summarise=lambda totals, n: np.asarray(np.abs(totals).sum(axis=-1) / n),
        worst=lambda target: row(0.0, 1.0),
        best=lambda target: row(1.0, 1.0),
        higher_is_better=False,
        jackknife=True,
        signature=f"top label, {bins} bins of equal width",
        absent=no_confidences,
    )


def _area(rows: Array, weights: Array) -> Array:
    """The area under each weighting's risk-coverage curve: rows [n, (confidence, wrong)], weights [b, n] -> [b].

    Of m examples of one confidence, of which e are wrong, the k-th is taken as e/m wrong: the mean over their orders. With
    C examples and E wrong ones before them, their risks then add up to
    sum over k = 1..m of (E + k e/m) / (C + k)  =  e + (E - C e/m) (H(C + m) - H(C)),  H the harmonic numbers.
    """
    order = np.argsort(-rows[:, 0], kind="stable")
    confidence, wrong = rows[order, 0], rows[order, 1]
    starts = np.flatnonzero(np.concatenate([[True], confidence[1:] != confidence[:-1]]))
    drawn = weights[:, order]
    m = np.add.reduceat(drawn, starts, axis=1)
    e = np.add.reduceat(drawn * wrong, starts, axis=1)
    after, errors = np.cumsum(m, axis=1), np.cumsum(e, axis=1)
    # Weights are counts: how often an example was drawn.
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(after[:, -1].max()) + 1))])
    risen = harmonic[after.astype(np.intp)] - harmonic[(after - m).astype(np.intp)]
    risks = e + (errors - e - (after - m) * ratio(e, m)) * risen
    return np.asarray(risks.sum(axis=1) / after[:, -1])


AURC = RankedMetric(
    "aurc",
    measure=lambda target, answer: (answer["confidence"], 1.0 - is_right(target, answer)),
    summarise=_area,
    worst=lambda target: (1.0, 1.0),
    best=lambda target: (1.0, 0.0),
    higher_is_better=False,
    # Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks" (NeurIPS)
    signature="mean risk over the coverages 1/n..n/n, ties averaged",
    absent=no_confidences,
)


def single_label(labels: Sequence[str]) -> tuple[Metric | RankedMetric, ...]:
    """What a task with one label an example reports; the first one ranks."""
    f1 = (averaged("f1", labels), averaged("f1", labels, "weighted"))
    return (ACCURACY, *f1, calibration_error(), AURC)
