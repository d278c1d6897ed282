"""Cumulative NIST-1 to NIST-4 of mteval-v14c, 0 or more. Predictions: strings; references: lists of strings.

`clean`: whether texts are cleaned as in DSTC7 track 2 first (True).
"""

from bench.metrics import dstc7
from bench.metrics.evaluate_module import module

Nist = module(
    __name__, lambda clean=True: [dstc7.nist(n, dstc7.clean if clean else str) for n in (1, 2, 3, 4)], __doc__
)
