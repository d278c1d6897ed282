"""Accuracy, macro F1 and weighted F1, in [0, 1]. Predictions and references: a label each; `labels`: the list of them all."""

from bench.metrics.classification import ACCURACY, averaged
from bench.metrics.evaluate_module import module

Classification = module(
    __name__,
    lambda labels: (ACCURACY, averaged("f1", labels), averaged("f1", labels, "weighted")),
    __doc__,
    references="string",
    answer=lambda label: {"label": label},
)
