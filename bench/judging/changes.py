"""The examples on which two compared runs differ, worst first for the second one, with what each answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.judging.compare import Comparison
from bench.judging.pair import Side
from bench.metrics.metric import AnyMetric, Array, Metric, RankedMetric
from bench.runs.folder import RunFolder
from bench.scoring.foreign import SAID_AND_MEASURED
from bench.stats.swaps import Numbers, value
from bench.text.shown import terminal
from bench.types import Prediction

_WIDTH = 160  # characters of an answer that are shown


@dataclass(frozen=True)
class Change:
    """An example whose rows differ. `effect` is what the score of B would lose if A's answer stood here instead of B's.

    `a` and `b` are the example's own values where the score is their mean; else None, as is the effect for a metric
    of the order of the examples.
    """

    id: str
    a: float | None
    b: float | None
    effect: float | None
    a_answer: str
    b_answer: str


@dataclass(frozen=True)
class Changes:
    """`worst` are the first of `n` changed examples; `better` and `worse` count them for B, None where nothing tells."""

    worst: tuple[Change, ...]
    n: int
    better: int | None
    worse: int | None
    note: str


def changes(comparison: Comparison, metric: AnyMetric, most: int) -> Changes:
    """At most `most` of the examples that the deciding metric measures differently on the two sides."""
    if not isinstance(metric, Metric | RankedMetric) or comparison.metrics[0].difference is None:
        return Changes((), 0, None, None, f"{metric.name} gives no rows, so no example can be said to have changed")
    a, b = comparison.a_rows.rows[metric.name], comparison.b_rows.rows[metric.name]
    changed = np.flatnonzero((a != b).any(axis=1))
    if isinstance(metric, RankedMetric):
        note = f"{metric.name} is one of the order of all examples: no example has a value, and they are in the order of the data"
        return Changes(_told(comparison, changed[:most], {}, {}, {}), len(changed), None, None, note)
    effects = _effects(metric, a, b, changed)
    gain = effects if metric.higher_is_better else -effects
    gain[np.abs(gain) < 1e-12] = 0.0  # rounding is neither gain nor loss
    order = np.argsort(gain, kind="stable")
    chosen = changed[order][:most]
    effect = dict(zip(changed.tolist(), effects.tolist(), strict=True))
    own = [_own(metric, rows) for rows in (a, b)]
    note = "" if all(one is not None for one in own) else (
        f"{metric.name} is no mean over examples, so none has a value of its own; the effect is what B's score has from answering "
        "here as B rather than as A did"
    )  # fmt: skip
    values = [{} if note or one is None else dict(enumerate(one.tolist())) for one in own]
    worst = _told(comparison, chosen, values[0], values[1], effect)
    return Changes(worst, len(changed), int((gain > 0).sum()), int((gain < 0).sum()), note)


def _effects(metric: Metric, a: Array, b: Array, changed: Numbers) -> Array:
    """What the summary of b has from each of the changed rows being b's and not a's: [changed]."""
    total, n = b.sum(axis=0), np.full(len(changed), float(len(b)))
    return np.asarray(
        metric.summarise(total, np.array(float(len(b)))) - metric.summarise(total - b[changed] + a[changed], n)
    )


def _own(metric: Metric, rows: Array) -> Array | None:
    """Each row's own value where the metric is the mean of them: [n]; else None."""
    values = np.asarray(metric.summarise(rows, np.ones(len(rows))))
    return values if np.isclose(values.mean(), value(metric, rows), rtol=1e-9, atol=1e-9) else None


def _told(
    comparison: Comparison, chosen: Numbers, a: Mapping[int, float], b: Mapping[int, float], effect: Mapping[int, float]
) -> tuple[Change, ...]:
    ids = [comparison.a_rows.ids[i] for i in chosen]
    answers = [_answers(side, set(ids)) for side in (comparison.a, comparison.b)]
    return tuple(
        Change(name, a.get(i), b.get(i), effect.get(i), answers[0].get(name, ""), answers[1].get(name, ""))
        for i, name in zip(chosen.tolist(), ids, strict=True)
    )


def _answers(side: Side, ids: set[str]) -> dict[str, str]:
    """What the run said to these examples, a line each."""
    return {one.id: one_line(said(one)) for one in RunFolder(side.folder).predictions() if one.id in ids}


def said(prediction: Prediction) -> str:
    """A prediction as text: the words, the likeliest label, the numbers, the submitted answer, or the error."""
    if prediction.error is not None:
        return f"(failed: {prediction.error})"
    if prediction.label_scores:
        label = max(prediction.label_scores, key=prediction.label_scores.__getitem__)
        return f"{label} ({prediction.label_scores[label]:.3g})"
    if prediction.values is not None:
        return ", ".join(f"{name} {number:.3g}" for name, number in prediction.values.items())
    if isinstance(prediction.answer, Mapping) and set(prediction.answer) == set(
        SAID_AND_MEASURED
    ):  # of an imported log
        return str(prediction.answer["said"]) or "(nothing)"
    return (
        str(prediction.answer)
        if prediction.text is None and prediction.answer is not None
        else prediction.text or "(nothing)"
    )


def one_line(text: str) -> str:
    """The text on one line, cut, and without what could steer a terminal."""
    return terminal(" ".join(text.split()), _WIDTH)
