"""Of the numbers in all summaries the share that stands in their sources with the same size, in [0, 1].

Predictions and references (the sources): lists of lines.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.grounding import NUMBERS_IN_SOURCE

NumbersInSource = module(
    __name__,
    [NUMBERS_IN_SOURCE],
    __doc__,
    predictions=["string"],
    references=["string"],
    target=lambda lines: {"source": lines},
)
