"""Exact match and token F1 of SQuAD 2.0 with the best thresholds, in [0, 1] (thresholds: as the probabilities).

Predictions: {"text", "no_answer": probability that there is no answer}; references: lists of accepted strings, [] for none.
Of equal probabilities the earlier prediction comes first. Without probabilities take `squad_v2_reading`.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.reading import SQUAD_V2

SquadV2 = module(__name__, SQUAD_V2, __doc__, predictions={"text": "string", "no_answer": "float64"})
