"""ROUGE-1, -2, -L and -Lsum with Porter's stems: mean F1, in [0, 1]. Predictions and references: lists of lines."""

from bench.metrics.evaluate_module import module
from bench.metrics.rouge import KINDS, rouge

RougeStemmed = module(__name__, [rouge(kind) for kind in KINDS], __doc__, predictions=["string"], references=["string"])
