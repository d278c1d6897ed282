"""Exact match and token F1 of SQuAD 2.0, in [0, 1]. Predictions: strings, "" for no answer; references: lists of accepted
strings, [] for none.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.reading import EXACT_MATCH_V2, TOKEN_F1_V2

SquadV2Reading = module(__name__, [EXACT_MATCH_V2, TOKEN_F1_V2], __doc__)
