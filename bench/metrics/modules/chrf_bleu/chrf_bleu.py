"""Corpus chrF2 and BLEU of sacrebleu, in [0, 1]. Predictions: strings; references: lists of strings."""

from bench.metrics.evaluate_module import module
from bench.metrics.generation import BLEU, CHRF

ChrfBleu = module(__name__, [CHRF, BLEU], __doc__)
