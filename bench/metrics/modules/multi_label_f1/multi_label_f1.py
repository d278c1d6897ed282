"""Macro, micro and weighted F1, precision and recall, and accuracy (all labels right), in [0, 1].

Predictions and references: a list of labels each; `labels`: the list of them all.
"""

from bench.metrics.classification import ACCURACY, AVERAGES, averaged
from bench.metrics.evaluate_module import module

_SCORES = ("f1", "precision", "recall")
MultiLabelF1 = module(
    __name__,
    lambda labels: (*(averaged(score, labels, average) for average in AVERAGES for score in _SCORES), ACCURACY),
    __doc__,
    predictions=["string"],
    answer=lambda given: {"labels": given},
)
