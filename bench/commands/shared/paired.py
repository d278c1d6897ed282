"""Two runs compared: what `bench compare` and a notebook share."""

from __future__ import annotations

from collections.abc import Sequence

from bench.config.build import class_of
from bench.errors import BenchError
from bench.judging.compare import Comparison, compare
from bench.judging.pair import Side
from bench.metrics.metric import AnyMetric
from bench.scoring.foreign import is_foreign
from bench.task import Task

_LEAST = {"examples": 0, "resamples": 100, "seed": 0}


def in_range(name: str, given: int, mark: str = "") -> None:
    """Raise BenchError for a number that means nothing; `mark` is what stands before its name where it is given ("--")."""
    if given < _LEAST[name]:
        raise BenchError(f"{mark}{name} is {given}; give at least {_LEAST[name]}")


def of_sides(
    a: Side, b: Side, *, metric: str | None = None, on_shared: bool = False, resamples: int = 10_000, seed: int = 0
) -> tuple[Comparison, AnyMetric]:
    """The comparison of two runs by the metrics of their task, with the metric that decides."""
    metrics = _metrics(a, b)
    found = compare(a, b, metrics, chosen=metric, on_shared=on_shared, resamples=resamples, seed=seed)
    return found, next(one for one in metrics if one.name == found.metrics[0].metric)


def _metrics(side: Side, other: Side) -> Sequence[AnyMetric]:
    """The metrics of the runs' task, by the task's name; of a task that is another harness', those that both were measured by."""
    try:
        cls = class_of(side.run)
    except BenchError as error:
        raise BenchError(f"{side.name}: {error}") from None
    if not issubclass(cls, Task):
        raise BenchError(f"task '{side.run.task}' ranks entries and has no runs to compare")
    if cls.version != side.run.task_version:
        raise BenchError(
            f"{side.name} is of version {side.run.task_version} of its task, this is version {cls.version}; run it again"
        )
    if not is_foreign(side.run):
        return cls.metrics
    theirs = {score.metric for score in other.run.scores}
    if not (both := [metric for metric in cls.metrics if metric.name in theirs]):
        raise BenchError(
            f"{side.name} and {other.name} have no metric in common; import both with the same scorers and filters"
        )
    return both
