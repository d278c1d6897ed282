"""Area under the risk-coverage curve, in [0, 1], lower is better.

Predictions: {"label", "confidence" in [0, 1]}; references: a label each.
"""

from bench.metrics.classification import AURC
from bench.metrics.evaluate_module import module

RiskCoverage = module(
    __name__, [AURC], __doc__, predictions={"label": "string", "confidence": "float64"}, references="string"
)
