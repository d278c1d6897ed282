"""Pearson's correlation, in [-1, 1], and the mean squared error. Predictions and references: numbers."""

from dataclasses import replace

from bench.metrics import concordance
from bench.metrics.evaluate_module import module


def _named(number: float) -> dict[str, float]:
    return {"value": number}


_BOTH = (
    replace(concordance.pearson("value", -1.0, 1.0), name="pearson"),
    replace(concordance.mse("value", -1.0, 1.0), name="mse"),
)
PearsonMse = module(__name__, _BOTH, __doc__, predictions="float64", references="float64", answer=_named, target=_named)
