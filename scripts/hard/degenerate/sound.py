"""What every score must be, whatever it was computed from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from bench.metrics.metric import AnyMetric
from bench.record import Score
from bench.stats.intervals import MIN_CLUSTERS
from bench.task import Task
from scripts.hard.degenerate.known import range_of

_SLACK = 1e-9  # of floats


def faults(task: Task, metric: AnyMetric, score: Score, clusters: int) -> Iterator[str]:
    """What is wrong with a score of examples in so many clusters; nothing where it is sound."""
    where = f"{task.name} {metric.name}"
    try:
        json.dumps(vars(score), allow_nan=False)
    except ValueError:
        yield f"{where}: a record cannot hold {vars(score)}"
        return
    if score.value is None:
        if not score.note.startswith(("undefined: ", "absent: ")) or not score.note.partition(": ")[2]:
            yield f"{where}: no value and no reason ({score.note!r})"
        if (score.low, score.high) != (None, None):
            yield f"{where}: an interval without a value"
        return
    least, most = range_of(task, metric)
    for name in ("value", "low", "high", "worst", "best"):
        found = getattr(score, name)
        inside = least is None or found is None or found >= least - _SLACK
        if not inside or (most is not None and found is not None and found > most + _SLACK and _bounded(name, score)):
            yield f"{where}: {name} {found} is not from {least} to {most}"
    yield from (f"{where}: {fault}" for fault in _of_interval(score, clusters))


def _bounded(name: str, score: Score) -> bool:
    """Whether a figure must keep the upper end; bounds of what is no fraction are estimates."""
    return score.is_fraction or name == "value"


def _of_interval(score: Score, clusters: int) -> Iterator[str]:
    low, value, high = score.low, score.value or 0.0, score.high
    if low is None or high is None:
        if (low, high) != (None, None):
            yield "half an interval"
        if not score.note.startswith("no interval: ") or not score.note.partition(": ")[2]:
            yield f"no interval and no reason ({score.note!r})"
        return
    if clusters < MIN_CLUSTERS:
        yield f"an interval [{low}, {high}] from {clusters} clusters"
    if not low - 1e-6 <= value <= high + 1e-6:
        yield f"{value} is not within [{low}, {high}] ({score.note})"
    if not high - low > 1e-12:
        yield f"an interval of no width, [{low}, {high}] ({score.note})"
    if score.note.startswith("exact: ") and not high - low > 0.025:
        yield f"[{low}, {high}] is not wide ({score.note})"
    if not math.isfinite(low) or not math.isfinite(high):
        yield f"[{low}, {high}]"


def same(one: Sequence[Score], other: Sequence[Score]) -> Iterator[str]:
    """Where the same examples in another order have other values, by metric."""
    for a, b in zip(one, other, strict=True):
        if (a.value is None) != (b.value is None) or not math.isclose(
            a.value or 0.0, b.value or 0.0, rel_tol=1e-9, abs_tol=1e-9
        ):
            yield f"{a.metric}: {a.value} in one order, {b.value} in another"
        drawn = (
            "resamples" in a.note and "resamples" in b.note
        )  # other clusters are drawn, of which nearly all may be alike
        if (a.low is None) != (b.low is None) and not drawn:
            yield f"{a.metric}: an interval in one order of the examples alone ({a.note!r}, {b.note!r})"
