"""Our metrics as modules of the `evaluate` library: `bench/metrics/modules/NAME` are thin, the functions are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.metrics.metric import AnyMetric, CorpusMetric, Metric, ModuleMetric, RankedMetric


def value(metric: AnyMetric, targets: Sequence[Any], answers: Sequence[Any]) -> float:
    """The metric over all examples: the number that a run's score has, without its interval."""
    if isinstance(metric, ModuleMetric):
        return metric.compute(targets, answers)
    if isinstance(metric, CorpusMetric):
        total = sum((metric.count(answer) for answer in answers), start=metric.count(""))
        return metric.summarise(np.fromiter(total.values(), dtype=np.float64, count=len(total)))
    if isinstance(metric, Metric) and metric.fit is not None:
        metric = metric.fit(targets)
    measured = [metric.measure(target, answer) for target, answer in zip(targets, answers, strict=True)]
    rows = np.array(measured, dtype=np.float64)
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, np.ones((1, len(rows))))[0])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def module(
    metrics: Sequence[AnyMetric] | Callable[..., Sequence[AnyMetric]],
    description: str,
    *,
    predictions: Any = "string",
    references: Any = ["string"],  # noqa: B006 - read only
) -> type:
    """A class that `evaluate.load` finds in a module's file: its `compute` gives each metric by name.

    `metrics` may be a function of the keyword arguments of `compute` (the labels of a macro F1). `predictions` and
    `references` describe one item each: a type name, a list of one, or a dictionary of them.
    """
    import datasets
    import evaluate

    def feature(kind: Any) -> Any:
        if isinstance(kind, dict):
            return {name: feature(one) for name, one in kind.items()}
        return datasets.List(feature(kind[0])) if isinstance(kind, list) else datasets.Value(kind)

    class Found(evaluate.Metric):  # type: ignore[misc]
        def _info(self) -> Any:
            return evaluate.MetricInfo(
                description=description,
                citation="",
                inputs_description="predictions: one an example; references: one an example, as the description says",
                features=datasets.Features({"predictions": feature(predictions), "references": feature(references)}),
            )

        def _compute(self, predictions: Sequence[Any], references: Sequence[Any], **options: Any) -> dict[str, float]:
            chosen = metrics(**options) if callable(metrics) else metrics
            return {metric.name: value(metric, references, predictions) for metric in chosen}

    return Found
