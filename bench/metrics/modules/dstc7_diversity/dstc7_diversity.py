"""Entropy of 1- to 4-grams in nats, diversity (distinct share of 1- and 2-grams), mean length in tokens, as in DSTC7 track 2.

Predictions: strings; references: lists of strings, which are not read: [] will do. `clean`: whether texts are cleaned
first (True).
"""

from bench.metrics import dstc7
from bench.metrics.evaluate_module import module

_OF_ANSWERS = ("entropy_", "div_", "avg_len")
Dstc7Diversity = module(
    __name__,
    lambda clean=True: [
        metric for metric in dstc7.dstc7_metrics(dstc7.clean if clean else str) if metric.name.startswith(_OF_ANSWERS)
    ],
    __doc__,
)
