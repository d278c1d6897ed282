"""Unweighted average recall, in [0, 1]. Predictions and references: a label each; `labels`: the list of them all."""

from bench.metrics.classification import average_recall
from bench.metrics.evaluate_module import module

AverageRecall = module(
    __name__,
    lambda labels: (average_recall(labels),),
    __doc__,
    references="string",
    answer=lambda label: {"label": label},
)
