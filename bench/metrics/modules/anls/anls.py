"""ANLS of DocVQA, in [0, 1]. Predictions: strings; references: lists of accepted strings."""

from bench.metrics.evaluate_module import module
from bench.metrics.reading import ANLS

Anls = module(__name__, [ANLS], __doc__)
