"""Share of numbers that are right within 1 %, in [0, 1], of the examples whose reference is a number.

Predictions: strings; references: {"text", "factor": of the unit that is asked for (1000000 for millions), or None}.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.numbers import NUMERIC_MATCH

NumericMatch = module(__name__, [NUMERIC_MATCH], __doc__, references={"text": "string", "factor": "float64"})
