"""Execution accuracy and program accuracy of FinQA, in [0, 1].

Predictions: lists of a program's tokens, "EOF" at the end, [] for none; references: {"program": as written, "result": a number
as text, "yes" or "no", "table": rows of cells}.
"""

from bench.metrics.evaluate_module import module
from bench.metrics.finqa import FINQA

Finqa = module(
    __name__,
    FINQA,
    __doc__,
    predictions=["string"],
    references={"program": "string", "result": "string", "table": [["string"]]},
    answer=lambda program: {"program": program, "value": None},
    target=lambda gold: gold | {"result": gold["result"] if gold["result"] in ("yes", "no") else float(gold["result"])},
)
