"""Concordance correlation coefficient, in [-1, 1]. Predictions and references: numbers."""

from dataclasses import replace

from bench.metrics import concordance
from bench.metrics.evaluate_module import module


def _named(number: float) -> dict[str, float]:
    return {"value": number}


_CCC = replace(concordance.ccc("value", -1.0, 1.0), name="ccc")
Ccc = module(__name__, [_CCC], __doc__, predictions="float64", references="float64", answer=_named, target=_named)
