"""From stored predictions to scores: no model is needed, so a metric fix can rescore any run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from bench.errors import BenchError
from bench.metrics.metric import CorpusMetric, Metric
from bench.stats import MIN_CLUSTERS, bootstrap_interval, cluster_sums, jackknife_interval
from bench.task import Task
from bench.types import Example, Json, Prediction, Score

_FAILED = object()  # an answer that is not there; None may be a task's word for "no answer"


def score(
    task: Task, examples: Sequence[Example], predictions: Iterable[Prediction], *, resamples: int, seed: int
) -> tuple[Score, ...]:
    """Every metric of the task with its clustered 95 % interval.

    Predictions may come in any order; a missing one counts as failed. Raises BenchError for an id that is unknown or
    comes twice.
    """
    index = {example.id: i for i, example in enumerate(examples)}
    answers: list[Json] = [_FAILED] * len(examples)
    seen: set[str] = set()
    for prediction in predictions:
        if prediction.id not in index or prediction.id in seen:
            fault = "comes twice" if prediction.id in seen else "is not in the data"
            raise BenchError(
                f"task '{task.name}': the prediction for {prediction.id!r} {fault}; run again with --fresh"
            )
        seen.add(prediction.id)
        if prediction.error is None:
            answers[index[prediction.id]] = task.answer(prediction)
    return tuple(
        _score_rows(metric, examples, answers, resamples=resamples, seed=seed)
        if isinstance(metric, Metric)
        else _score_corpus(metric, examples, answers)
        for metric in task.metrics
    )


def _score_rows(
    metric: Metric, examples: Sequence[Example], answers: Sequence[Json], *, resamples: int, seed: int
) -> Score:
    failed = [i for i, answer in enumerate(answers) if answer is _FAILED]
    rows = np.array(
        [
            metric.worst(example.target) if answer is _FAILED else metric.measure(example.target, answer)
            for example, answer in zip(examples, answers, strict=True)
        ],
        dtype=np.float64,
    )
    n = np.array(float(len(rows)))
    value = float(metric.summarise(rows.sum(axis=0), n))
    best = None
    if failed:
        ideal = rows.copy()
        ideal[failed] = [metric.best(examples[i].target) for i in failed]
        best = float(metric.summarise(ideal.sum(axis=0), n))
    sums, sizes = cluster_sums(rows, [example.cluster for example in examples])
    low = high = None
    note = _too_few(len(sums))
    if not note:
        low, high = bootstrap_interval(sums, sizes, metric.summarise, resamples=resamples, seed=seed)
        note = f"bootstrap over {len(sums)} clusters, {resamples} resamples"
    return Score(
        metric.name, value, low, high, len(rows), len(failed), metric.higher_is_better, metric.is_fraction,
        worst=value if failed else None, best=best, signature=metric.signature, note=note,
    )  # fmt: skip


def _score_corpus(metric: CorpusMetric, examples: Sequence[Example], answers: Sequence[Json]) -> Score:
    by_cluster: dict[str, Counter[Hashable]] = {}
    for example, answer in zip(examples, answers, strict=True):
        counts = by_cluster.setdefault(example.cluster, Counter())
        if answer is not _FAILED:
            counts.update(metric.count(answer))
    total: Counter[Hashable] = Counter()
    for counts in by_cluster.values():
        total.update(counts)
    value = metric.summarise(np.fromiter(total.values(), dtype=np.float64, count=len(total)))
    low = high = None
    note = _too_few(len(by_cluster))
    if not note:
        low, high = jackknife_interval(list(by_cluster.values()), metric.summarise)
        note = f"jackknife over {len(by_cluster)} clusters"
    n_failed = sum(answer is _FAILED for answer in answers)
    return Score(
        metric.name,
        value,
        low,
        high,
        len(answers),
        n_failed,
        metric.higher_is_better,
        metric.is_fraction,
        signature=metric.signature,
        note=note,
    )


def _too_few(clusters: int) -> str:
    """Why there is no interval, "" where there is one."""
    return f"no interval: clusters {clusters}, needed {MIN_CLUSTERS}" if clusters < MIN_CLUSTERS else ""
