"""Expected calibration error, in [0, 1], lower is better; `bins`: how many, of equal width (15).

Predictions: {"label", "confidence" in [0, 1]}; references: a label each.
"""

from bench.metrics.classification import calibration_error
from bench.metrics.evaluate_module import module

CalibrationError = module(
    __name__,
    lambda bins=15: (calibration_error(bins),),
    __doc__,
    predictions={"label": "string", "confidence": "float64"},
    references="string",
)
