"""A number for each example: the root of the mean squared error, and whether its sign is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.metrics.classification import averaged
from bench.metrics.concordance import mse, mse_from_moments
from bench.metrics.metric import Metric

SIGNS = ("negative", "zero", "positive")


def rmse(name: str, low: float, high: float) -> Metric:
    """The root mean squared error of the values called `name`, on their scale; lower is better, a failure is at the far end."""
    return replace(
        mse(name, low, high),
        name=f"rmse_{name}",
        summarise=lambda totals, n: np.sqrt(np.maximum(mse_from_moments(totals, n), 0.0)),
    )


def sign_of(value: float) -> str:
    """ "negative", "zero" or "positive"."""
    return SIGNS[1 + (value > 0) - (value < 0)]


def sign_f1(name: str) -> Metric:
    """Weighted F1 of the signs of the values called `name`, a zero being a sign too; a failure has none. In [0, 1]."""
    inner = averaged("f1", SIGNS, "weighted")
    return replace(
        inner,
        name=f"sign_f1_{name}",
        measure=lambda target, answer: inner.measure(sign_of(target[name]), {"label": sign_of(answer[name])}),
        worst=lambda target: inner.worst(sign_of(target[name])),
        best=lambda target: inner.best(sign_of(target[name])),
        signature="weighted f1 over negative, zero and positive, 0/0 = 0",
    )
