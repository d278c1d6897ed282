"""From stored predictions to scores: no model is needed, so a metric fix can rescore any run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from bench.errors import BenchError, CodeError, Place, authored
from bench.metrics.metric import AnyMetric, Array, CorpusMetric, Metric, ModuleMetric, RankedMetric, Row
from bench.runs.identity import fingerprint
from bench.runs.measurements import Measurements
from bench.scoring.answers import Unfinished, final_answer
from bench.stats.intervals import (
    MIN_CLUSTERS,
    cluster_sums,
    jackknife_interval,
    leave_one_out_interval,
    percentile_interval,
    resample,
    resample_weights,
)
from bench.task import Task
from bench.types import Example, Json, Prediction, Score

KEPT = "correct it and run the same command again: the predictions are kept, and no model is asked again"
_FAILED = object()  # an answer that is not there; None may be a task's word for "no answer"


@dataclass(frozen=True)
class _Answered:
    """The examples with their answers, `_FAILED` where there is none, and what the intervals need."""

    task: str
    examples: Sequence[Example]
    answers: Sequence[Json]
    resamples: int
    seed: int

    @property
    def failed(self) -> list[int]:
        return [i for i, answer in enumerate(self.answers) if answer is _FAILED]

    @property
    def clusters(self) -> list[str]:
        return [example.cluster for example in self.examples]


def score(
    task: Task,
    examples: Sequence[Example],
    predictions: Iterable[Prediction],
    *,
    resamples: int,
    seed: int,
) -> tuple[Score, ...]:
    """Every metric of the task with its clustered 95 % interval.

    Predictions may come in any order; a missing one counts as failed. Where the official script leaves missing ones out
    (`task.missing_left_out`), its value stands beside ours. Raises BenchError for an id that is unknown or comes twice.
    """
    return measured(task, examples, predictions, resamples=resamples, seed=seed)[0]


def measured(
    task: Task,
    examples: Sequence[Example],
    predictions: Iterable[Prediction],
    *,
    resamples: int,
    seed: int,
) -> tuple[tuple[Score, ...], Measurements | None]:
    """As `score`, with the rows that the scores were made of; None where the references are held out."""
    if without_references(examples):
        return tuple(_held_out(metric, len(examples)) for metric in task.metrics), None
    index = {example.id: i for i, example in enumerate(examples)}
    answers: list[Json] = [_FAILED] * len(examples)
    seen: set[str] = set()
    with authored(f"task '{task.name}'", "answer()", KEPT) as place:
        for prediction in known_once(task, index, predictions, "run again with --fresh"):
            place.example, place.given = prediction.id, prediction.to_json()
            seen.add(prediction.id)
            if prediction.error is None:
                with suppress(Unfinished):
                    answers[index[prediction.id]] = final_answer(task, prediction)
    data = _Answered(task.name, examples, answers, resamples, seed)
    scores, rows = _scores(task, data)
    if task.missing_left_out and len(seen) != len(examples):
        kept = [i for i, example in enumerate(examples) if example.id in seen]
        part = _Answered(task.name, [examples[i] for i in kept], [answers[i] for i in kept], 0, seed)
        official = [found.value for found in _scores(task, part)[0]] if kept else [None] * len(scores)
        scores = tuple(replace(found, official=value) for found, value in zip(scores, official, strict=True))
    return scores, _measurements(task, data, rows)


def known_once(task: Task, ids: Container[str], predictions: Iterable[Prediction], remedy: str) -> Iterator[Prediction]:
    """The predictions as they come; raises BenchError, with what to do, for an id that is unknown or comes twice."""
    seen: set[str] = set()
    for prediction in predictions:
        if prediction.id not in ids or prediction.id in seen:
            fault = "comes twice" if prediction.id in seen else "is not in the data"
            raise BenchError(f"task '{task.name}': the prediction for {prediction.id!r} {fault}; {remedy}")
        seen.add(prediction.id)
        yield prediction


def without_references(examples: Sequence[Example]) -> bool:
    """Whether the references of any of these examples are not here."""
    return any(example.target is None for example in examples)


def _held_out(metric: AnyMetric, n: int) -> Score:
    return Score(
        metric.name, None, None, None, n, 0, metric.higher_is_better, metric.is_fraction, signature=metric.signature,
        note="absent: the references are held out; `bench submit` makes a bundle for those who have them",
    )  # fmt: skip


def _scores(task: Task, data: _Answered) -> tuple[tuple[Score, ...], dict[str, Array]]:
    """The score of each metric, and the rows of those that have them."""
    scores, rows = [], {}
    for metric in task.metrics:
        with authored(f"task '{task.name}', metric '{metric.name}'", "fit()", KEPT) as place:
            fitted = _fitted(metric, data.examples)
            score, measured = _score(fitted, data, place)
        scores.append(score)
        if measured is not None:
            rows[metric.name] = measured
    return tuple(scores), rows


def _measurements(task: Task, data: _Answered, rows: dict[str, Array]) -> Measurements:
    properties = []
    with authored(f"task '{task.name}'", "slices()", KEPT) as place:
        for example in data.examples:
            place.example = example.id
            properties.append(task.slices(example))
    names = sorted({name for found in properties for name in found})
    return Measurements(
        ids=tuple(example.id for example in data.examples),
        digests=tuple(fingerprint(vars(example))[:12] for example in data.examples),
        clusters=tuple(data.clusters),
        failed=frozenset(data.examples[i].id for i in data.failed),
        rows=rows,
        slices={name: tuple(found.get(name, "") for found in properties) for name in names},
        fitted=frozenset(m.name for m in task.metrics if isinstance(m, Metric) and m.fit is not None),
    )


def _fitted(metric: AnyMetric, examples: Sequence[Example]) -> AnyMetric:
    if isinstance(metric, Metric) and metric.fit is not None:
        return metric.fit([example.target for example in examples])
    return metric


def _score(metric: AnyMetric, data: _Answered, place: Place) -> tuple[Score, Array | None]:
    """One metric's score and its rows, where it has some; its value is None with the reason where it cannot be had.

    `place` is told where in the metric's own code it is.
    """
    place.function = "absent()"
    n_failed = len(data.failed)
    common: dict[str, Any] = {
        "metric": metric.name, "n": len(data.answers), "n_failed": n_failed, "higher_is_better": metric.higher_is_better,
        "is_fraction": metric.is_fraction, "signature": metric.signature,
    }  # fmt: skip
    if reason := metric.absent([answer for answer in data.answers if answer is not _FAILED]):
        return Score(value=None, low=None, high=None, note=f"absent: {reason}", **common), None
    if isinstance(metric, ModuleMetric):
        answers = [metric.failed if answer is _FAILED else answer for answer in data.answers]
        place.function = "prediction() or reference()"
        try:
            found = metric.compute([example.target for example in data.examples], answers)
        except BenchError as error:
            return Score(value=None, low=None, high=None, note=f"absent: {error}", **common), None
        note = f"no interval: {metric.module} gives one number"
        return Score(value=found, low=None, high=None, note=note, **common), None
    if isinstance(metric, CorpusMetric):
        return Score(**_corpus(metric, data, place), **common), None
    rows = _rows(metric, data, place)
    figures = _of_rows(metric, rows, data, place)
    return Score(**figures, **common), rows


def _rows(metric: Metric | RankedMetric, data: _Answered, place: Place) -> Array:
    """The row of each example, the worst where it has no answer: [n, k]."""
    rows: list[Row] = []
    for example, answer in zip(data.examples, data.answers, strict=True):
        place.example = example.id
        if answer is _FAILED:
            place.function, place.given = "worst()", example.target
            rows.append(metric.worst(example.target))
        else:
            place.function, place.given = "measure()", (example.target, answer)
            rows.append(metric.measure(example.target, answer))
    try:
        table = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError):  # rows of several lengths, or of no numbers
        table = np.empty(0)
    if table.ndim != 2 or not np.isfinite(table).all():
        _refuse_row(metric, data, rows)
    place.example, place.given = "", None
    return table


def _refuse_row(metric: Metric | RankedMetric, data: _Answered, rows: Sequence[object]) -> NoReturn:
    """Raise BenchError for the first row that is none, naming its example and what came."""
    lengths = Counter(len(row) for row in rows if isinstance(row, Sequence | np.ndarray) and not isinstance(row, str))
    usual = lengths.most_common(1)[0][0] if lengths else 1
    for example, row in zip(data.examples, rows, strict=True):
        try:
            cells = np.array(row, dtype=np.float64)
            sound = cells.shape == (usual,) and bool(np.isfinite(cells).all())
        except (ValueError, TypeError):
            sound = False
        if not sound:
            came = " ".join(repr(row).split())[:120]
            line = (
                f"task '{data.task}', metric '{metric.name}': the row of example {example.id!r} is {came} ({type(row).__name__}); "
                f"measure() and worst() give a sequence of {usual} finite number{'s' * (usual != 1)}, such as (0.5,) for a metric "
                f"with one; {KEPT}"
            )
            raise CodeError(line, example.id, f"a row of {metric.name} is {came}")
    raise BenchError(f"task '{data.task}', metric '{metric.name}': its rows are no table of numbers; {KEPT}")


def _of_rows(metric: Metric | RankedMetric, rows: Array, data: _Answered, place: Place) -> dict[str, Any]:
    place.function = "summarise()"
    value = _value(metric, rows)
    if not math.isfinite(value):
        raise BenchError(
            f"task '{data.task}', metric '{metric.name}': summarise() gave {value} for {len(rows)} rows; a score is a finite "
            f"number (of nothing, 0); {KEPT}"
        )
    best = None
    if failed := data.failed:
        ideal = rows.copy()
        place.function = "best()"
        ideal[failed] = [metric.best(data.examples[i].target) for i in failed]
        place.function = "summarise()"
        best = _value(metric, ideal)
    found = {"value": value, "worst": value if failed else None, "best": best}
    if isinstance(metric, Metric) and metric.jackknife:
        return found | _interval(data, lambda: _leave_one_out(metric, rows, data), "jackknife")
    return found | _interval(data, lambda: _bootstrap(metric, rows, data), "bootstrap", f", {data.resamples} resamples")


def _value(metric: Metric | RankedMetric, rows: Array) -> float:
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, np.ones((1, len(rows))))[0])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def _bootstrap(metric: Metric | RankedMetric, rows: Array, data: _Answered) -> tuple[float, float]:
    """The 95 % interval from whole clusters, drawn with replacement."""
    if isinstance(metric, Metric):
        sums, sizes = cluster_sums(rows, data.clusters)
        values = resample(sums, sizes, metric.summarise, resamples=data.resamples, seed=data.seed)
        return percentile_interval(values, len(sums))
    number: dict[str, int] = {}
    which = np.array([number.setdefault(cluster, len(number)) for cluster in data.clusters], dtype=np.intp)
    drawn = resample_weights(len(number), resamples=data.resamples, seed=data.seed, width=len(rows))
    values = np.concatenate([metric.summarise(rows, weights[:, which]) for weights in drawn])
    return percentile_interval(values, len(number))


def _leave_one_out(metric: Metric, rows: Array, data: _Answered) -> tuple[float, float]:
    low, high = leave_one_out_interval(*cluster_sums(rows, data.clusters), metric.summarise)
    return (max(low, 0.0), min(high, 1.0)) if metric.is_fraction else (low, high)


def _corpus(metric: CorpusMetric, data: _Answered, place: Place) -> dict[str, Any]:
    by_cluster: dict[str, Counter[Hashable]] = {}
    place.function = "count()"
    for example, answer in zip(data.examples, data.answers, strict=True):
        place.example, place.given = example.id, None if answer is _FAILED else answer
        counts = by_cluster.setdefault(example.cluster, Counter())
        if answer is not _FAILED:
            counts.update(metric.count(answer))
    place.function, place.example, place.given = "summarise()", "", None
    total: Counter[Hashable] = Counter()
    for counts in by_cluster.values():
        total.update(counts)
    value = metric.summarise(np.fromiter(total.values(), dtype=np.float64, count=len(total)))
    groups = list(by_cluster.values())
    return {"value": value} | _interval(data, lambda: jackknife_interval(groups, metric.summarise), "jackknife")


def _interval(
    data: _Answered, bounds: Callable[[], tuple[float, float]], method: str, detail: str = ""
) -> dict[str, Any]:
    """`low`, `high` and the note on them; no interval from too few clusters, or where none is asked for."""
    clusters = len(set(data.clusters))
    if clusters < MIN_CLUSTERS or not data.resamples:
        return {"low": None, "high": None, "note": f"no interval: clusters {clusters}, needed {MIN_CLUSTERS}"}
    low, high = bounds()
    return {"low": low, "high": high, "note": f"{method} over {clusters} clusters{detail}"}
