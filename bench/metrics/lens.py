"""A metric over one entry of a target that holds more than the metric needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from bench.metrics.metric import Metric, RankedMetric

M = TypeVar("M", bound=Metric | RankedMetric)


def of_key(metric: M, key: str) -> M:
    """The metric with `target[key]` for its target."""
    if isinstance(metric, Metric) and metric.fit is not None:
        raise ValueError(f"{metric.name} depends on all targets together, and has no lens")

    def look(given: Callable[..., Any]) -> Callable[..., Any]:
        return lambda target, *answer: given(target[key], *answer)

    return replace(metric, measure=look(metric.measure), worst=look(metric.worst), best=look(metric.best))
