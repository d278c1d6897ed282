"""BERTScore's mean F1, not rescaled. Predictions and references: a text each.

`source`: the model, `hub:OWNER/NAME@REVISION` or `file:FOLDER`; `layer`: its hidden layer. It is taken from this machine alone.
"""

from bench.metrics.bertscore import LAYER, REPOSITORY, REVISION, bertscore
from bench.metrics.evaluate_module import module
from bench.metrics.metric import Metric


def _metrics(source: str = f"hub:{REPOSITORY}@{REVISION}", layer: int = LAYER) -> tuple[Metric, ...]:
    return (bertscore(source, layer),)


BertscoreLocal = module(__name__, _metrics, __doc__, references="string")
