"""Distinct-1 and distinct-2, in [0, 1], and the entropy of 4-grams in nats, of all predictions as one corpus.

Predictions: strings; references: lists of strings, which are not read: [] will do.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.generation import DISTINCT_1, DISTINCT_2, ENTROPY_4

Distinct = module(__name__, [DISTINCT_1, DISTINCT_2, ENTROPY_4], __doc__)
