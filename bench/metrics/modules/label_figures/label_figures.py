"""Matthews' correlation, in [-1, 1]; balanced accuracy and what papers call F1, in [0, 1], an answer of no label being a class.

Predictions and references: a label each; `labels`: the list of them all. `unparsed` is the share of answers that are none.
"""

from collections.abc import Sequence

from bench.metrics.binary import balanced_accuracy
from bench.metrics.evaluate_module import module
from bench.metrics.label_figures import label_metrics
from bench.metrics.metric import Metric


def _metrics(labels: Sequence[str]) -> tuple[Metric, ...]:
    return (*label_metrics(labels), balanced_accuracy(labels))


LabelFigures = module(__name__, _metrics, __doc__, references="string", answer=lambda label: {"label": label})
