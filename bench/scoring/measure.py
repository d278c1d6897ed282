"""From stored predictions to scores: no model is needed, so a metric fix can rescore any run."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, CodeError, Place, authored
from bench.metrics.metric import (
    ANY_ANSWERS,
    AnyMetric,
    Array,
    CorpusMetric,
    Metric,
    ModuleMetric,
    RankedMetric,
    Row,
    fitted,
)
from bench.record import Score
from bench.runs.compact import Numbered, Texts
from bench.runs.endings import Endings
from bench.runs.identity import digest_of
from bench.runs.measurements import Measurements
from bench.scoring import bounds
from bench.scoring.answers import FAILED, KEPT, Targets, finals
from bench.task import Task
from bench.types import Example, Json, Prediction

_TOGETHER = 4096  # rows that are made before they become a table


class Measured(NamedTuple):
    """The scores, the rows that they were made of (None where the references are held out), and how the answers ended."""

    scores: tuple[Score, ...]
    rows: Measurements | None
    endings: Endings


@dataclass(frozen=True)
class _Answered:
    """The examples with their targets and answers, `FAILED` where there is none, and what the intervals need."""

    task: str
    examples: Sequence[Example]
    targets: Sequence[Json]
    answers: Sequence[Json]
    resamples: int
    seed: int
    cut: Sequence[int] = ()

    @cached_property
    def failed(self) -> list[int]:
        return [i for i, answer in enumerate(self.answers) if answer is FAILED]

    @cached_property
    def clusters(self) -> npt.NDArray[np.intp]:
        """Each example's cluster by number: [n]."""
        first = array("q")
        known = Numbered[str](lambda number: self.examples[first[number]].cluster)
        found = np.empty(len(self.examples), dtype=np.intp)
        for at, example in enumerate(self.examples):
            found[at] = known.add(example.cluster)
            if len(first) < len(known):
                first.append(at)
        return found


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
    (`task.missing_left_out`), or counts signs that ours normalises, its value stands beside ours. A malformed answer is wrong.
    Raises BenchError for an id that is unknown or comes twice.
    """
    return _scored(task, examples, predictions, resamples, seed)[0]


def measured(
    task: Task,
    examples: Sequence[Example],
    predictions: Iterable[Prediction],
    *,
    resamples: int,
    seed: int,
) -> Measured:
    """As `score`, with the rows that the scores were made of and what is known of how the answers ended."""
    scores, rows, failed, endings = _scored(
        task, examples, predictions, resamples, seed
    )  # the answers are gone with it
    return Measured(scores, None if rows is None else _measurements(task, examples, failed, rows), endings)


def _scored(
    task: Task, examples: Sequence[Example], predictions: Iterable[Prediction], resamples: int, seed: int
) -> tuple[tuple[Score, ...], dict[str, Array] | None, list[int], Endings]:
    """The scores, the rows of those that have them (None without references), the places of what failed, and the endings."""
    found = finals(task, examples, predictions)
    if without_references(examples):
        return tuple(_held_out(metric, len(examples)) for metric in task.metrics), None, [], found.endings
    data = _Answered(task.name, examples, found.targets, found.said, resamples, seed, sorted(found.endings.cut))
    scores, rows, if_cut = _scores(task, data)
    found.endings.if_cut |= if_cut
    left_out = task.missing_left_out and len(found.seen) != len(examples)
    if left_out or found.differs:
        part = _Answered(task.name, examples, Targets(examples), found.raw, 0, seed)
        if left_out:
            kept = [i for i, example in enumerate(examples) if example.id in found.seen]
            some = [examples[i] for i in kept]
            part = _Answered(task.name, some, Targets(some), [found.raw[i] for i in kept], 0, seed)
        official = [one.value for one in _scores(task, part)[0]] if part.examples else [None] * len(scores)
        scores = tuple(
            replace(one, official=value) if left_out or value != one.value else one
            for one, value in zip(scores, official, strict=True)
        )
    return scores, rows, data.failed, found.endings


def without_references(examples: Sequence[Example]) -> bool:
    """Whether the references of any of these examples are not here."""
    return any(example.target is None for example in examples)


def _held_out(metric: AnyMetric, n: int) -> Score:
    return Score(
        metric.name, None, None, None, n, 0, metric.higher_is_better, metric.is_fraction, signature=metric.signature,
        note="absent: the references are held out; `bench submit` makes a bundle for those who have them",
    )  # fmt: skip


def _scores(task: Task, data: _Answered) -> tuple[tuple[Score, ...], dict[str, Array], dict[str, tuple[float, float]]]:
    """The score of each metric, the rows of those that have them, and of these the value if what was cut were wrong, and right."""
    scores, rows, if_cut = [], {}, {}
    for metric in task.metrics:
        with authored(f"task '{task.name}', metric '{metric.name}'", "fit()", KEPT) as place:
            known = fitted(metric, data.targets)
            score, measured = _score(known, data, place)
            if data.cut and measured is not None and isinstance(known, Metric | RankedMetric):
                if_cut[metric.name] = _if_cut(known, measured, data, place)
        scores.append(score)
        if measured is not None:
            rows[metric.name] = measured
    return tuple(scores), rows, if_cut


def _if_cut(metric: Metric | RankedMetric, rows: Array, data: _Answered, place: Place) -> tuple[float, float]:
    """The metric's value if each cut answer were wrong, and if each were right; the others count as they are."""
    values = []
    for name, make in (("worst()", metric.worst), ("best()", metric.best)):
        place.function, other = name, rows.copy()
        other[list(data.cut)] = [make(data.targets[i]) for i in data.cut]
        place.function = "summarise()"
        values.append(bounds.value(metric, other))
    return values[0], values[1]


def _measurements(
    task: Task, examples: Sequence[Example], failed: Sequence[int], rows: dict[str, Array]
) -> Measurements:
    slices: dict[str, list[str]] = {}
    same: dict[str, str] = {}  # each value once
    with authored(f"task '{task.name}'", "slices()", KEPT) as place:
        for at, example in enumerate(examples):
            place.example = example.id
            for name, value in task.slices(example).items():
                column = slices.setdefault(name, [])
                column += [""] * (at - len(column))
                column.append(same.setdefault(value, value))
    for column in slices.values():
        column += [""] * (len(examples) - len(column))
    return Measurements(
        ids=Texts(example.id for example in examples),
        digests=Texts(map(digest_of, examples)),
        clusters=Texts(example.cluster for example in examples),
        failed=frozenset(examples[i].id for i in failed),
        rows=rows,
        slices={name: tuple(slices[name]) for name in sorted(slices)},
        fitted=frozenset(m.name for m in task.metrics if isinstance(m, Metric) and m.fit is not None),
    )


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
    if metric.absent is not ANY_ANSWERS and (
        reason := metric.absent([one for one in data.answers if one is not FAILED])
    ):
        return Score(value=None, low=None, high=None, note=f"absent: {reason}", **common), None
    if isinstance(metric, ModuleMetric):
        answers = [metric.failed if answer is FAILED else answer for answer in data.answers]
        place.function = "prediction() or reference()"
        try:
            found = metric.compute(list(data.targets), answers)
        except BenchError as error:
            return Score(value=None, low=None, high=None, note=f"absent: {error}", **common), None
        note = f"no interval: {metric.module} gives one number"
        return Score(value=found, low=None, high=None, note=note, **common), None
    if isinstance(metric, CorpusMetric):
        return Score(**_corpus(metric, data, place), **common), None
    rows = _rows(metric, data, place)
    place.function = "undefined()"
    if reason := metric.undefined(rows):
        return Score(value=None, low=None, high=None, note=f"undefined: {reason}", **common), None
    figures = _of_rows(metric, rows, data, place)
    return Score(**figures, **common), rows


def _rows(metric: Metric | RankedMetric, data: _Answered, place: Place) -> Array:
    """The row of each example, the worst where it has no answer: [n, k]."""
    rows = _each_row(metric, data, place)
    try:
        tables = [np.array(some, dtype=np.float64) for some in iter(lambda: list(islice(rows, _TOGETHER)), [])]
        table = np.concatenate(tables)
    except (ValueError, TypeError):  # rows of several lengths, or of no numbers
        table = np.empty(0)
    if table.ndim != 2 or not np.isfinite(table).all():
        _refuse_row(metric, data, list(_each_row(metric, data, place)))
    place.example, place.given = "", None
    return table


def _each_row(metric: Metric | RankedMetric, data: _Answered, place: Place) -> Iterator[Row]:
    for example, target, answer in zip(data.examples, data.targets, data.answers, strict=True):
        place.example = example.id
        if answer is FAILED:
            place.function, place.given = "worst()", target
            yield metric.worst(target)
        else:
            place.function, place.given = "measure()", (target, answer)
            yield metric.measure(target, answer)


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
    value = bounds.value(metric, rows)
    if not math.isfinite(value):
        raise BenchError(
            f"task '{data.task}', metric '{metric.name}': summarise() gave {value} for {len(rows)} rows; a score is a finite "
            f"number (of nothing, 0); {KEPT}"
        )
    best = None
    if failed := data.failed:
        ideal = rows.copy()
        place.function = "best()"
        ideal[failed] = [metric.best(data.targets[i]) for i in failed]
        place.function = "summarise()"
        best = bounds.value(metric, ideal)
    found = {"value": value, "worst": value if failed else None, "best": best}
    return found | vars(bounds.of_rows(metric, rows, data.clusters, resamples=data.resamples, seed=data.seed))


def _corpus(metric: CorpusMetric, data: _Answered, place: Place) -> dict[str, Any]:
    by_cluster: dict[str, Counter[Hashable]] = {}
    place.function = "count()"
    for example, answer in zip(data.examples, data.answers, strict=True):
        place.example, place.given = example.id, None if answer is FAILED else answer
        counts = by_cluster.setdefault(example.cluster, Counter())
        if answer is not FAILED:
            counts.update(metric.count(answer))
    place.function, place.example, place.given = "summarise()", "", None
    total: Counter[Hashable] = Counter()
    for counts in by_cluster.values():
        total.update(counts)
    value = metric.summarise(np.fromiter(total.values(), dtype=np.float64, count=len(total)))
    groups = list(by_cluster.values())
    return {"value": value} | vars(bounds.of_corpus(metric, groups, resamples=data.resamples))
