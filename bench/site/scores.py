"""What one example adds to a score, and the score of each slice of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.metrics.metric import AnyMetric, Metric, RankedMetric, mean
from bench.runs.measurements import Measurements
from bench.scoring import bounds

Array = npt.NDArray[np.float64]
RESAMPLES = 500  # draws for a slice: its bounds are for looking


@dataclass(frozen=True)
class PerExample:
    """A value for each example [n]. `own` says that they are scores of their own, whose mean is the run's; else contributions."""

    metric: str
    values: Array
    own: bool
    higher_is_better: bool
    is_fraction: bool


@dataclass(frozen=True)
class Slice:
    """The score of the examples whose property `name` has this `value`, None where it is undefined, with its bounds if it has any.

    `note` says how the bounds were made, or why they or the score are not there.
    """

    name: str
    value: str
    n: int
    score: float | None
    low: float | None
    high: float | None
    note: str


def per_example(metrics: Sequence[AnyMetric], measured: Measurements) -> PerExample | None:
    """The values of the first metric that has some: the ranked one, unless it is no sum over examples.

    Where a metric is a mean, an example's value is its own score. Elsewhere (macro F1, correlation, BLEU) one example
    alone has none, and its contribution is shown: n · score - (n - 1) · score without it, which for a mean is the
    example's own score too. Source: Tukey's pseudo-values, in Efron and Stein 1981, "The Jackknife Estimate of Variance".
    """
    for metric in metrics:
        rows = measured.rows.get(metric.name)
        if not isinstance(metric, Metric) or metric.fit is not None or rows is None or not len(rows):
            continue
        if metric.summarise is mean:
            return PerExample(metric.name, rows[:, 0], True, metric.higher_is_better, metric.is_fraction)
        if len(rows) < 2:
            continue
        n, total = len(rows), rows.sum(axis=0)
        whole = float(metric.summarise(total, np.array(float(n))))
        with np.errstate(invalid="ignore", divide="ignore"):
            without = metric.summarise(total - rows, np.full(n, n - 1.0))
        values = n * whole - (n - 1) * np.asarray(without, dtype=np.float64)
        return PerExample(metric.name, values, False, metric.higher_is_better, metric.is_fraction)
    return None


def by_slice(metric: AnyMetric, measured: Measurements, *, seed: int = 0) -> list[Slice]:
    """The metric's value on each slice with its clustered 95 % interval; nothing for a metric without rows."""
    rows = measured.rows.get(metric.name)
    if rows is None or not isinstance(metric, Metric | RankedMetric):
        return []
    found = []
    for name, values in measured.slices.items():
        for value, positions in _positions(values).items():
            clusters = [measured.clusters[i] for i in positions]
            part = rows[positions]
            if reason := metric.undefined(part):
                found.append(Slice(name, value, len(positions), None, None, None, f"undefined: {reason}"))
                continue
            of = _bounds(metric, part, clusters, seed)
            found.append(Slice(name, value, len(positions), bounds.value(metric, part), of.low, of.high, of.note))
    return found


def _positions(values: Sequence[str]) -> Mapping[str, list[int]]:
    """Where each value stands, in order of value; an example without one ("") is in no slice."""
    found: dict[str, list[int]] = {}
    for i, value in enumerate(values):
        if value:
            found.setdefault(value, []).append(i)
    return dict(sorted(found.items()))


def _bounds(metric: Metric | RankedMetric, rows: Array, clusters: Sequence[str], seed: int) -> bounds.Bounds:
    if isinstance(
        metric, RankedMetric
    ):  # its interval takes a pass over all examples for each draw: too slow for a page
        return bounds.Bounds(None, None, "no interval: it would take a pass over all examples for each draw")
    return bounds.of_rows(metric, rows, clusters, resamples=RESAMPLES, seed=seed)


def front(points: Sequence[tuple[float, float]], *, higher_is_better: bool = True) -> set[int]:
    """The Pareto front of (cost, value) points, by position: those that none beats in one and equals or beats in the other."""
    sign = -1.0 if higher_is_better else 1.0
    order = sorted(range(len(points)), key=lambda i: (points[i][0], sign * points[i][1]))
    found: set[int] = set()
    best: tuple[float, float] | None = None
    for i in order:
        cost, value = points[i][0], sign * points[i][1]
        if best is None or value < best[1] or (cost, value) == best:
            found.add(i)
            best = (cost, value)
    return found
