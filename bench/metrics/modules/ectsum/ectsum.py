"""ECTSum's figures: ROUGE and the share of known numbers, in [0, 1], each also of the first lines, as many as the gold has.

Predictions: lists of lines; references: {"summary": lines, "source": lines}. `rougeL_as_published` is py-rouge's. BERTScore is the
module `bertscore_local`.
"""

from bench.metrics.ectsum import ECTSUM
from bench.metrics.evaluate_module import module

Ectsum = module(
    __name__,
    [metric for metric in ECTSUM if metric.name != "bertscore"],
    __doc__,
    predictions=["string"],
    references={"summary": ["string"], "source": ["string"]},
)
