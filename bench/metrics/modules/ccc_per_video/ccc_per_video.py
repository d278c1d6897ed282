"""Mean over videos of the concordance correlation within each, in [-1, 1].

Predictions: numbers; references: {"value", "video": a whole number}.
"""

from dataclasses import replace

from bench.metrics import concordance
from bench.metrics.evaluate_module import module

CccPerVideo = module(
    __name__,
    [replace(concordance.ccc_per_video("value", -1.0, 1.0), name="ccc_per_video")],
    __doc__,
    predictions="float64",
    references={"value": "float64", "video": "int64"},
    answer=lambda number: {"value": number},
)
