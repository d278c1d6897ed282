"""Concordance correlation (OMG-Emotion) from its five moments, and what the organisers print beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.metrics.metric import Array, Metric, RankedMetric, Row, defined


def _moments(target: float, value: float) -> Row:
    return (target, value, target * target, value * value, target * value)


def reach(low: float, high: float) -> tuple[float, float]:
    """How far a submitted value may be off its scale, which the official script does not look at: by the scale's width."""
    return low - (high - low), high + (high - low)


def rated(value: object, low: float, high: float) -> float:
    """The value as a number within `reach`; ValueError says what was found. Squares of wilder ones leave no digit to correlate."""
    least, most = reach(low, high)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"found {str(value)[:40]}, expected a number from {low:g} to {high:g}")
    return float(value)


def ccc_from_moments(totals: Array, n: Array) -> Array:
    """Lin's concordance correlation coefficient, in [-1, 1], from sums of t, p, t², p², tp: [..., 5] -> [...].

    2 cov / (var t + var p + (mean t - mean p)²) with population moments. A constant prediction has 0. Where the formula
    is 0/0 (one value throughout, predicted exactly) agreement is complete and the value is 1.
    Source: Lin 1989, "A concordance correlation coefficient to evaluate reproducibility" (Biometrics 45).
    """
    mean_t, mean_p, mean_tt, mean_pp, mean_tp = np.moveaxis(totals / np.asarray(n)[..., None], -1, 0)
    var_t, var_p = np.maximum(mean_tt - mean_t**2, 0.0), np.maximum(mean_pp - mean_p**2, 0.0)
    covariance = mean_tp - mean_t * mean_p
    below = var_t + var_p + (mean_t - mean_p) ** 2
    flat = below < 1e-12  # rounding error of the moments of values within [-1, 1]
    return np.where(flat, 1.0, 2 * covariance / np.where(flat, 1.0, below))


def mse_from_moments(totals: Array, n: Array) -> Array:
    """The mean squared error from the same sums: [..., 5] -> [...]."""
    return np.asarray((totals[..., 2] - 2 * totals[..., 4] + totals[..., 3]) / n)


def pearson_from_moments(totals: Array, n: Array) -> Array:
    """Pearson's correlation, in [-1, 1], from the same sums: [..., 5] -> [...]; 0 where either side is constant."""
    mean_t, mean_p, mean_tt, mean_pp, mean_tp = np.moveaxis(totals / np.asarray(n)[..., None], -1, 0)
    below = np.maximum(mean_tt - mean_t**2, 0.0) * np.maximum(mean_pp - mean_p**2, 0.0)
    flat = below < 1e-24
    return np.where(flat, 0.0, (mean_tp - mean_t * mean_p) / np.sqrt(np.where(flat, 1.0, below)))


def _flat(rows: Array) -> str:
    """Why there is no correlation, "" where the references vary."""
    return "" if len(rows) and np.ptp(rows[:, 0]) > 0 else "the references are all the same, nothing can go with them"


def _flat_within(rows: Array) -> str:
    """The same within videos, "" where the references of any of them vary."""
    videos = (rows[rows[:, 5] == video] for video in np.unique(rows[:, 5]))
    return "" if any(not _flat(one) for one in videos) else "the references are all the same within each video"


def _far_end(target: float, low: float, high: float) -> float:
    """The end of the scale that is farther from the target: what a failure counts as."""
    return low if target > (low + high) / 2 else high


def ccc(name: str, low: float, high: float) -> Metric:
    """The CCC of the values called `name`, whose scale is [low, high]; a failure counts as the far end of the scale.

    Undefined where the references are all the same: any answer but those very numbers would have 0.
    """
    return Metric(
        f"ccc_{name}",
        measure=lambda target, answer: _moments(target[name], rated(answer[name], low, high)),
        summarise=ccc_from_moments,
        worst=lambda target: _moments(target[name], _far_end(target[name], low, high)),
        best=lambda target: _moments(target[name], target[name]),
        signature="population moments, all utterances",
        undefined=_flat,
    )


def mse(name: str, low: float, high: float) -> Metric:
    """The mean squared error of the values called `name`; lower is better, a failure as in `ccc`."""
    return replace(
        ccc(name, low, high),
        name=f"mse_{name}",
        summarise=mse_from_moments,
        higher_is_better=False,
        is_fraction=False,
        signature="all utterances",
        undefined=defined,
    )


def pearson(name: str, low: float, high: float) -> Metric:
    """Pearson's correlation of the values called `name`; a failure as in `ccc`."""
    return replace(
        ccc(name, low, high), name=f"pearson_{name}", summarise=pearson_from_moments, signature="all utterances"
    )


def ccc_per_video(name: str, low: float, high: float) -> RankedMetric:
    """The mean over videos of the CCC within each; a failure as in `ccc`.

    The target has the number of its video, from 0 on, as `video`. An utterance counts as often as it was drawn in its
    video's CCC, and a video as often as its utterances were on average; one of which none was drawn is left out.
    """

    def summarise(rows: Array, weights: Array) -> Array:
        order = np.argsort(rows[:, 5], kind="stable")
        drawn, sorted_rows = weights[:, order], rows[order]
        starts = np.flatnonzero(np.diff(sorted_rows[:, 5], prepend=-1.0))
        n = np.add.reduceat(drawn, starts, axis=1)  # [b, videos]
        totals = [np.add.reduceat(drawn * column, starts, axis=1) for column in sorted_rows[:, :5].T]
        within = ccc_from_moments(np.stack(totals, axis=-1), np.where(n > 0, n, 1.0))
        times = n / np.diff(starts, append=len(order))
        return np.asarray((times * within).sum(axis=-1) / times.sum(axis=-1))

    def row(target: Mapping[str, float], value: float) -> Row:
        return (*_moments(target[name], value), target["video"])

    return RankedMetric(
        f"ccc_{name}_per_video",
        measure=lambda target, answer: row(target, rated(answer[name], low, high)),
        summarise=summarise,
        worst=lambda target: row(target, _far_end(target[name], low, high)),
        best=lambda target: row(target, target[name]),
        signature="population moments, mean over videos",
        undefined=_flat_within,
    )
