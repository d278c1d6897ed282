"""Concordance correlation (OMG-Emotion) from its five moments, and what the organisers print beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.metrics.metric import Array, Metric, RankedMetric, Row


def _moments(target: float, value: float) -> Row:
    return (target, value, target * target, value * value, target * value)


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


def _far_end(target: float, low: float, high: float) -> float:
    """The end of the scale that is farther from the target: what a failure counts as."""
    return low if target > (low + high) / 2 else high


def ccc(name: str, low: float, high: float) -> Metric:
    """The CCC of the values called `name`, whose scale is [low, high]; a failure counts as the far end of the scale."""
    return Metric(
        f"ccc_{name}",
        measure=lambda target, answer: _moments(target[name], answer[name]),
        summarise=ccc_from_moments,
        worst=lambda target: _moments(target[name], _far_end(target[name], low, high)),
        best=lambda target: _moments(target[name], target[name]),
        signature="population moments, all utterances",
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
    )


def pearson(name: str, low: float, high: float) -> Metric:
    """Pearson's correlation of the values called `name`; a failure as in `ccc`."""
    return replace(
        ccc(name, low, high), name=f"pearson_{name}", summarise=pearson_from_moments, signature="all utterances"
    )


def ccc_per_video(name: str, low: float, high: float) -> RankedMetric:
    """The mean over videos of the CCC within each; a failure as in `ccc`.

    The target has the number of its video, from 0 on, as `video`. A video counts as often as its utterances were drawn:
    the CCC within it is that of all its utterances, as they are drawn together or not at all.
    """

    def summarise(rows: Array, weights: Array) -> Array:
        _, which, sizes = np.unique(rows[:, 5], return_inverse=True, return_counts=True)
        totals = np.zeros((len(sizes), 5))
        np.add.at(totals, which, rows[:, :5])
        first = np.unique(which, return_index=True)[1]
        drawn, within = weights[:, first], ccc_from_moments(totals, sizes.astype(np.float64))
        return np.asarray((drawn * within).sum(axis=-1) / drawn.sum(axis=-1))

    def row(target: Mapping[str, float], value: float) -> Row:
        return (*_moments(target[name], value), target["video"])

    return RankedMetric(
        f"ccc_{name}_per_video",
        measure=lambda target, answer: row(target, answer[name]),
        summarise=summarise,
        worst=lambda target: row(target, _far_end(target[name], low, high)),
        best=lambda target: row(target, target[name]),
        signature="population moments, mean over videos",
    )
