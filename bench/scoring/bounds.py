"""The 95 % interval of a metric over a run's rows: one way to it, for a run's own settings and for the rule of all boards."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.metrics.metric import AnyMetric, Array, CorpusMetric, Metric, RankedMetric, mean
from bench.record import Score
from bench.runs.measurements import Measurements
from bench.runs.settings import RESAMPLES, SEED
from bench.stats.intervals import (
    MIN_CLUSTERS,
    Clusters,
    alike_interval,
    cluster_numbers,
    cluster_sums,
    has_width,
    jackknife_interval,
    leave_one_out_interval,
    percentile_interval,
    resample,
    resample_weights,
)

AGREES = 1e-6  # how far the rows' value may be from a run's score, which other versions of libraries round differently


@dataclass(frozen=True)
class Bounds:
    """An interval, None where there is none, and the note that says how it was made or why there is none."""

    low: float | None
    high: float | None
    note: str


def value(metric: Metric | RankedMetric, rows: Array) -> float:
    """The metric over all rows [n, k]."""
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, np.ones((1, len(rows))))[0])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def of_rows(metric: Metric | RankedMetric, rows: Array, clusters: Clusters, *, resamples: int, seed: int) -> Bounds:
    """The interval of rows [n, k], whole clusters being drawn or left out; never one without width, never beside the value."""
    clusters, g = cluster_numbers(clusters)
    if g >= MIN_CLUSTERS and resamples and (alike := _alike(metric, rows, clusters)) is not None:
        return alike
    if isinstance(metric, Metric) and metric.jackknife:
        return _of(g, resamples, lambda: _leave_one_out(metric, rows, clusters), "jackknife")
    found = _of(g, resamples, partial(_bootstrap, metric, rows, clusters, resamples, seed), "bootstrap")
    return _around(value(metric, rows), found)


def of_corpus(metric: CorpusMetric, groups: Sequence[Counter[Hashable]], *, resamples: int) -> Bounds:
    """The interval of n-gram counts, one Counter a cluster; none where no resamples are asked for."""

    def ends() -> tuple[float, float]:
        low, high = jackknife_interval(groups, metric.summarise)
        return (max(low, 0.0), min(high, 1.0)) if metric.is_fraction else (max(low, 0.0), high)

    return _of(len(groups), resamples, ends, "jackknife")


def _of(clusters: int, resamples: int, bounds: Callable[[], tuple[float, float] | Bounds], method: str) -> Bounds:
    if clusters < MIN_CLUSTERS:
        return Bounds(None, None, f"no interval: clusters {clusters}, needed {MIN_CLUSTERS}")
    if not resamples:
        return Bounds(None, None, "no interval: no resamples were asked for")
    found = bounds()
    if not isinstance(found, Bounds):
        found = Bounds(*found, f"{method} over {clusters} clusters")
    if found.low is not None and found.high is not None and not has_width(found.low, found.high):
        tries = (
            f"whichever of {clusters} clusters is left out" if method == "jackknife" else f"in {resamples} resamples"
        )
        return Bounds(None, None, f"no interval: the value is the same {tries}, which says nothing of other examples")
    return found


def _alike(metric: Metric | RankedMetric, rows: Array, clusters: Clusters) -> Bounds | None:
    """The interval of a mean that every cluster has alike, None for any other."""
    if metric.summarise is not mean or not metric.is_fraction:
        return None
    sums, sizes = cluster_sums(rows[:, :1], clusters)
    values = sums[:, 0] / sizes
    if has_width(values.min(), values.max()) or not 0.0 <= values[0] <= 1.0:
        return None
    found = alike_interval(float(values[0]), sizes)
    return Bounds(*found, f"exact: all {len(sums)} clusters have the same value, which others need not have")


def _around(value: float, found: Bounds) -> Bounds:
    """The interval with the value in it, which a bootstrap of few clusters may leave beside it."""
    if found.low is None or found.high is None or found.low - AGREES <= value <= found.high + AGREES:
        return found
    return Bounds(min(found.low, value), max(found.high, value), f"{found.note}, widened to hold the value")


def _bootstrap(metric: Metric | RankedMetric, rows: Array, clusters: Clusters, resamples: int, seed: int) -> Bounds:
    """The 95 % interval from whole clusters, drawn with replacement; draws without a value are left out, and counted."""
    which, g = cluster_numbers(clusters)
    note = f"bootstrap over {g} clusters, {resamples} resamples"
    if isinstance(metric, Metric):
        sums, sizes = cluster_sums(rows, which)
        values = resample(sums, sizes, metric.summarise, resamples=resamples, seed=seed)
        return Bounds(*percentile_interval(values, len(sums)), note)
    drawn = resample_weights(g, resamples=resamples, seed=seed, width=len(rows))
    values = np.concatenate([metric.summarise(rows, weights[:, which]) for weights in drawn])
    with_value = values[~np.isnan(values)]
    if not len(with_value):
        return Bounds(None, None, f"no interval: none of {resamples} resamples has a value")
    lost = len(values) - len(with_value)
    return Bounds(*percentile_interval(with_value, g), f"{note}, {lost} of them lost a class" if lost else note)


def _leave_one_out(metric: Metric, rows: Array, clusters: Clusters) -> tuple[float, float]:
    low, high = leave_one_out_interval(*cluster_sums(rows, clusters), metric.summarise)
    return (max(low, metric.least), min(high, 1.0)) if metric.is_fraction else (low, high)


def by_rule(score: Score, metric: AnyMetric, measured: Measurements | None) -> Score:
    """The score with the interval that every board gives it: from its rows, by the fixed resamples and seed of all boards.

    Whatever its run asked for makes no difference. There is none where it has no rows, or rows that do not give its value.
    """
    rows = measured.rows.get(score.metric) if measured else None
    if score.value is None or measured is None or rows is None or not isinstance(metric, Metric | RankedMetric):
        return replace(score, low=None, high=None)
    try:
        agrees = math.isclose(value(metric, rows), score.value, rel_tol=AGREES, abs_tol=AGREES)
        found = of_rows(metric, rows, measured.clusters, resamples=RESAMPLES, seed=SEED) if agrees else None
    except (IndexError, ValueError):  # rows of another width: of another metric, or somebody's own making
        found = None
    if found is None:
        return replace(score, low=None, high=None, note="no interval: its rows do not give its value")
    return replace(score, low=found.low, high=found.high, note=found.note)
