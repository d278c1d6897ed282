"""Root mean squared error, 0 or more, and the weighted F1 of the signs, in [0, 1]. Predictions and references: numbers.

`low` and `high`: the ends of the scale, -1 and 1 where they are not said.
"""

from dataclasses import replace

from bench.metrics import regression
from bench.metrics.evaluate_module import module
from bench.metrics.metric import Metric


def _metrics(low: float = -1.0, high: float = 1.0) -> tuple[Metric, ...]:
    return (
        replace(regression.rmse("value", low, high), name="rmse"),
        replace(regression.sign_f1("value"), name="sign_f1"),
    )


def _named(number: float) -> dict[str, float]:
    return {"value": number}


Rmse = module(__name__, _metrics, __doc__, predictions="float64", references="float64", answer=_named, target=_named)
