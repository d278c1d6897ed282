"""ROC AUC, average precision, recall at 1 % false alarms, in [0, 1], and the lift of the top tenth, 0 to 10.

Predictions: {"label", "confidence": the probability of that label}; references: a label each; `labels`: both of them;
`positive`: the one that is looked for.
"""

from collections.abc import Sequence

from bench.metrics.binary import average_precision, lift, recall_at_false_alarms, roc_auc
from bench.metrics.evaluate_module import module
from bench.metrics.metric import RankedMetric

_ALL = (roc_auc, average_precision, recall_at_false_alarms, lift)


def _metrics(labels: Sequence[str], positive: str) -> tuple[RankedMetric, ...]:
    return tuple(make(positive, labels) for make in _ALL)


BinaryRanking = module(
    __name__, _metrics, __doc__, predictions={"label": "string", "confidence": "float64"}, references="string"
)
