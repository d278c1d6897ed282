"""Concordance correlation (OMG-Emotion) from its five moments."""

from __future__ import annotations

import numpy as np

from bench.metrics.metric import Array, Metric, Row


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


def ccc(name: str, low: float, high: float) -> Metric:
    """The CCC of the values called `name`, whose scale is [low, high]; a failure counts as the far end of the scale."""
    return Metric(
        f"ccc_{name}",
        measure=lambda target, answer: _moments(target[name], answer[name]),
        summarise=ccc_from_moments,
        worst=lambda target: _moments(target[name], low if target[name] > (low + high) / 2 else high),
        best=lambda target: _moments(target[name], target[name]),
        signature="population moments, all utterances",
    )
