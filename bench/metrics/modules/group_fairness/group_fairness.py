"""Differences between groups of the rates of selection, of true and of false positives, in [0, 1]: less is better.

Predictions: a label each; references: {"label", "group"}; `groups`: all groups; `favourable`: the label that people want.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.metrics.evaluate_module import module
from bench.metrics.fairness import fairness
from bench.metrics.metric import Metric


def _metrics(groups: Sequence[str], favourable: str) -> tuple[Metric, ...]:
    return fairness({"group": tuple(groups)}, favourable)


def _target(reference: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": reference["label"], "groups": {"group": reference["group"]}}


GroupFairness = module(
    __name__,
    _metrics,
    __doc__,
    references={"label": "string", "group": "string"},
    answer=lambda label: {"label": label},
    target=_target,
)
