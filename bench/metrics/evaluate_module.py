"""Our metrics as modules of the `evaluate` library: `bench/metrics/modules/NAME` are thin, the functions are the same."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.metrics.metric import AnyMetric, CorpusMetric, ModuleMetric, RankedMetric, fitted
from bench.text.normal import scored


class Undefined(BenchError):
    """The references say nothing of what a metric measures."""


def value(metric: AnyMetric, targets: Sequence[Any], answers: Sequence[Any]) -> float:
    """The metric over all examples: the number that a run's score has, without its interval.

    Raises BenchError with the reason where the metric cannot be had from these answers, or where there are none, and `Undefined`
    where these references give it no value.
    """
    if not len(answers):
        raise BenchError(f"metric '{metric.name}': there are no predictions; give at least one")
    metric = fitted(metric, targets)
    if reason := metric.absent(answers):
        raise BenchError(f"metric '{metric.name}' is absent: {reason}")
    if isinstance(metric, ModuleMetric):
        return metric.compute(targets, answers)
    if isinstance(metric, CorpusMetric):
        total: Counter[Hashable] = Counter()
        for answer in answers:
            total.update(metric.count(answer))
        return metric.summarise(np.fromiter(total.values(), dtype=np.float64, count=len(total)))
    measured = [metric.measure(target, answer) for target, answer in zip(targets, answers, strict=True)]
    rows = np.array(measured, dtype=np.float64)
    if reason := metric.undefined(rows):
        raise Undefined(f"metric '{metric.name}' is undefined: {reason}")
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, np.ones((1, len(rows))))[0])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def module(
    name: str,
    metrics: Sequence[AnyMetric] | Callable[..., Sequence[AnyMetric]],
    description: str,
    *,
    predictions: Any = "string",
    references: Any = ["string"],  # noqa: B006 - read only
    answer: Callable[[Any], Any] = lambda prediction: prediction,
    target: Callable[[Any], Any] = lambda reference: reference,
) -> type:
    """A class that `evaluate.load` finds in a module's file: its `compute` gives each metric by name.

    `name` is the file's `__name__`, of which the last part names the module in `evaluate.combine`. `metrics` may be a
    function of the keyword arguments of `compute` (the labels of a macro F1). `predictions` and `references` describe
    one item each: a type name, a list of one, or a dictionary of them. `answer` and `target` turn a prediction and a
    reference into what the metrics take; their texts are normalised, as in a run.
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
            chosen = _chosen(metrics, options)
            targets = [scored(target(one)) for one in references]
            answers = [scored(answer(one)) for one in predictions]
            return _defined(chosen, targets, answers)

    Found.__name__ = name.rpartition(".")[2]
    return Found


def _defined(chosen: Sequence[AnyMetric], targets: Sequence[Any], answers: Sequence[Any]) -> dict[str, float]:
    """Each metric that has a value on these references, the others being left out; where none has, the reason is raised."""
    found: dict[str, float] = {}
    for metric in chosen:
        try:
            found[metric.name] = value(metric, targets, answers)
        except Undefined:
            if len(chosen) == 1:
                raise
    if chosen and not found:
        raise Undefined(f"none of {', '.join(metric.name for metric in chosen)} is defined on these references")
    return found


def _chosen(
    metrics: Sequence[AnyMetric] | Callable[..., Sequence[AnyMetric]], options: Mapping[str, Any]
) -> Sequence[AnyMetric]:
    """The metrics for these keyword arguments of `compute`; TypeError for one that is unknown, missing or no list."""
    try:
        inspect.signature(metrics if callable(metrics) else _none).bind(**options)
    except TypeError as error:
        raise TypeError(f"keyword arguments of compute: {error}") from None
    if isinstance(options.get("labels"), str):  # its characters would be taken for labels
        raise TypeError(f"labels must be a list of all the labels, got the string {options['labels']!r}")
    return metrics(**options) if callable(metrics) else metrics


def _none() -> None:
    """The keyword arguments of a module that has none."""
