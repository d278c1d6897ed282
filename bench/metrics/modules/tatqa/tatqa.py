"""F1, exact match and scale accuracy of TAT-QA, in [0, 1].

Predictions: {"answer": list of strings, "scale"}; references the same, with "type": span, multi-span, arithmetic or count.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.tatqa import TATQA

Tatqa = module(
    __name__,
    TATQA,
    __doc__,
    predictions={"answer": ["string"], "scale": "string"},
    references={"answer": ["string"], "scale": "string", "type": "string"},
)
