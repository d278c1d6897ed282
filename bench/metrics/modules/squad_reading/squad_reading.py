"""Exact match and token F1 of SQuAD 1.1, in [0, 1]. Predictions: strings; references: lists of accepted strings."""

from bench.metrics.evaluate_module import module
from bench.metrics.reading import EXACT_MATCH, TOKEN_F1

SquadReading = module(__name__, [EXACT_MATCH, TOKEN_F1], __doc__)
