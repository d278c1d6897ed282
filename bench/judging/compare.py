"""Two runs on the same examples: every metric's paired difference, by slice, and whether one may be called better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.errors import BenchError
from bench.judging.pair import Pair, PairedMetric, Side, Slice, same_examples
from bench.metrics.metric import AnyMetric
from bench.runs.claimed import shown
from bench.runs.measurements import Measurements
from bench.scoring.foreign import is_foreign
from bench.scoring.source import changed
from bench.stats.paired import holm

LEVEL = 0.05
_MACHINE = ("cpu", "cores", "device", "device_name", "dtype", "threads")


@dataclass(frozen=True)
class Comparison:
    """Two runs compared on `n` shared examples. `metrics` has the one that decides first; `adjusted_p` is its Holm p.

    `a_rows` and `b_rows` are the rows of the shared examples; `notes` are what a reader should know.
    """

    a: Side
    b: Side
    n: int
    metrics: tuple[PairedMetric, ...]
    slices: tuple[Slice, ...]
    a_rows: Measurements
    b_rows: Measurements
    notes: tuple[str, ...]
    adjusted_p: float | None = None


def compare(
    a: Side,
    b: Side,
    metrics: Sequence[AnyMetric],
    *,
    chosen: str | None = None,
    on_shared: bool = False,
    resamples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two runs of a task whose metrics these are; `chosen` decides instead of the first one.

    Raises BenchError where they are not of one task, version and metric, or not on the same data, unless `on_shared` asks for
    the examples that both have.
    """
    _refuse_unlike(a, b)
    order = _chosen_first(a, metrics, chosen)
    a_rows, b_rows = same_examples(a, b, on_shared)
    pair = Pair(a, b, a_rows, b_rows, resamples, seed)
    found = tuple(pair.paired(metric) for metric in order)
    if pair.unlike(order[0]) or (chosen is not None and found[0].difference is None):
        raise BenchError(f"{a.name} and {b.name} cannot be compared by {order[0].name}: {found[0].note}")
    return Comparison(a, b, len(a_rows), found, pair.slices(order[0]), a_rows, b_rows, tuple(pair.notes()))


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with the deciding p of each adjusted for their number (Holm); those without a test do not count."""
    tested = [one.metrics[0].difference for one in comparisons]
    adjusted = iter(holm([found.p for found in tested if found is not None]))
    return [
        replace(one, adjusted_p=next(adjusted)) if found is not None else one
        for one, found in zip(comparisons, tested, strict=True)
    ]


def better(comparison: Comparison) -> str:
    """Which side is better at 5 %: "A", "B", or "" where no difference was found.

    The test, after Holm's correction, and the interval must both say so: of a metric that is no mean, the test may find that
    the runs differ in how they answer, though not in the metric.
    """
    first, found = comparison.metrics[0], comparison.metrics[0].difference
    if found is None or found.low is None or found.high is None or found.low <= 0 <= found.high:
        return ""
    if comparison.adjusted_p is None or comparison.adjusted_p >= LEVEL:
        return ""
    return "B" if (found.value > 0) is first.higher_is_better else "A"


def same_rows(comparison: Comparison) -> bool:
    """Whether every example measures the same on both sides, by the deciding metric."""
    name = comparison.metrics[0].metric
    return bool((comparison.a_rows.rows[name] == comparison.b_rows.rows[name]).all())


def machines(comparison: Comparison) -> dict[str, tuple[str, str]]:
    """What differs between the machines on which the two were timed: name -> (A's, B's), a claimed one with its mark."""
    a, b = (
        {key: shown(run, key, str(run.environment.get(key))) for key in _MACHINE}
        for run in (comparison.a.run, comparison.b.run)
    )
    return {key: (a[key], b[key]) for key in _MACHINE if a[key] != b[key]}


def _refuse_unlike(a: Side, b: Side) -> None:
    for what, mine, theirs in (
        ("task", a.run.task, b.run.task),
        ("version of the task", a.run.task_version, b.run.task_version),
    ):
        if mine != theirs:
            raise BenchError(
                f"{a.name} and {b.name} differ in the {what}: {mine} and {theirs}; only one can be compared"
            )
    mine, theirs = (side.run.scores[0].metric for side in (a, b))
    if is_foreign(a.run) and is_foreign(b.run) and mine != theirs:
        raise BenchError(
            f"{a.name} ranks by {mine} and {b.name} by {theirs}; import one of them again with the other's --metric"
        )
    if a.run.scorer and b.run.scorer and (others := changed(a.run.scorer, b.run.scorer)):
        raise BenchError(
            f"{a.name} and {b.name} were not scored alike: {', '.join(others)} of one is not that of the other; "
            "`bench rescore` scores both with those of today"
        )


def _chosen_first(a: Side, metrics: Sequence[AnyMetric], chosen: str | None) -> list[AnyMetric]:
    names = [metric.name for metric in metrics]
    if chosen is not None and chosen not in names:
        raise BenchError(f"task '{a.run.task}' has no metric '{chosen}'; it has {', '.join(names)}")
    return sorted(metrics, key=lambda metric: metric.name != chosen) if chosen else list(metrics)
