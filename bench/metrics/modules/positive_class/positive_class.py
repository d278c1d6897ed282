"""F1, precision and recall of the class "1", in [0, 1]. Predictions and references: "0" or "1"."""

from bench.metrics.evaluate_module import module
from bench.metrics.labelling import f1, positive_class, precision, recall

_RATIOS = {"f1": f1, "precision": precision, "recall": recall}
PositiveClass = module(
    __name__,
    [positive_class(name, ratio, signature="class 1") for name, ratio in _RATIOS.items()],
    __doc__,
    references="string",
)
