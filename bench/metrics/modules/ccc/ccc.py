"""Concordance correlation coefficient, in [-1, 1]. Predictions and references: numbers."""

from dataclasses import replace

from bench.metrics import concordance
from bench.metrics.module import module

_NAMED = concordance.ccc("value", -1.0, 1.0)
_PLAIN = replace(_NAMED, name="ccc", measure=lambda target, value: _NAMED.measure({"value": target}, {"value": value}))
Ccc = module([_PLAIN], __doc__, predictions="float64", references="float64")
