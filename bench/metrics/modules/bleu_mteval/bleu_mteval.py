"""Cumulative BLEU-1 to BLEU-4 of mteval-v14c, in [0, 1]. Predictions: strings; references: lists of strings.

`clean`: whether texts are cleaned as in DSTC7 track 2 first (True). For sacrebleu's BLEU take `chrf_bleu`.
"""

from bench.metrics import dstc7
from bench.metrics.evaluate_module import module

BleuMteval = module(
    __name__, lambda clean=True: [dstc7.bleu(n, dstc7.clean if clean else str) for n in (1, 2, 3, 4)], __doc__
)
