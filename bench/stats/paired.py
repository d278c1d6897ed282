"""The difference of two runs on the same examples: its clustered interval, a two-sided test, and what could be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special  # scipy.stats takes half a second to load

from bench.metrics.metric import Array, Metric, RankedMetric, mean
from bench.stats.intervals import (
    LEVEL,
    MIN_CLUSTERS,
    alike_interval,
    cluster_numbers,
    cluster_sums,
    has_width,
    leave_one_out_error,
    percentile_interval,
    resample,
    resample_weights,
)
from bench.stats.swaps import mcnemar, sign_flip, value

POWER = 0.8
_ROUNDING = 1e-12  # an error below this is that of floats, not of examples
_RANKED, _LEAST_DRAWS = 10_000_000, 1000  # examples summarised for a metric of their order: some seconds
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Difference:
    """What `b` has more than `a`, in the metric's own unit and direction: summarise(b) - summarise(a).

    `low` and `high` are the 95 % interval and `standard_error` that of `value`, over `g` clusters of `n` examples; None for
    fewer than `MIN_CLUSTERS`. Where nothing varies the interval is another or none, as `note` says. `p` is two-sided, of the test
    named in `test`. `detectable` is the smallest true difference that a two-sided test at 5 % finds 4 times in 5 at this size; None
    where nothing in these rows says how much they vary.
    """

    value: float
    low: float | None
    high: float | None
    standard_error: float | None
    n: int
    g: int
    p: float
    test: str
    detectable: float | None
    note: str = ""


def difference(
    metric: Metric | RankedMetric,
    a_rows: Array,
    b_rows: Array,
    clusters: Sequence[str],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> Difference:
    """The difference of two runs' rows [n, k] of the same examples, whose clusters [n] are the units that vary.

    A metric of the order of the examples is summarised anew for each draw, so of more than 1,000 examples it has fewer
    draws, as `test` says. Raises ValueError where the rows or clusters do not belong together, or there are none.
    """
    if a_rows.shape != b_rows.shape or len(a_rows) != len(clusters) or not len(a_rows):
        raise ValueError(
            f"rows {a_rows.shape} and {b_rows.shape} and {len(clusters)} clusters are not of the same examples"
        )
    if isinstance(metric, RankedMetric):
        resamples = min(resamples, max(_LEAST_DRAWS, _RANKED // len(a_rows)))
    which, g = cluster_numbers(clusters)
    observed = value(metric, b_rows) - value(metric, a_rows)
    low = high = error = None
    note = "" if g >= MIN_CLUSTERS else f"no interval: clusters {g}, needed {MIN_CLUSTERS}"
    if (a_rows == b_rows).all() and g >= MIN_CLUSTERS:
        low = high = error = 0.0  # without the rounding errors of drawing
    elif g >= MIN_CLUSTERS:
        low, high, error = _spread(metric, a_rows, b_rows, clusters, resamples=resamples, seed=seed)
        if low is None:
            note = "no interval: too few draws have a value"
    if low is not None and high is not None and not has_width(low, high):
        low, high, note = _without_width(metric, b_rows - a_rows, clusters)
    p, test = _test(metric, a_rows, b_rows, which, resamples=resamples, seed=seed)
    return Difference(observed, low, high, error, len(a_rows), g, p, test, detectable(error, g), note)


def _without_width(
    metric: Metric | RankedMetric, moved: Array, clusters: Sequence[str]
) -> tuple[float, float, str] | tuple[None, None, str]:
    """The interval where resampling gives none: that of a mean that all clusters have alike, for any other there is none."""
    if metric.summarise is mean and metric.is_fraction:
        sums, sizes = cluster_sums(moved[:, :1], clusters)
        low, high = alike_interval(float(sums.sum() / sizes.sum()), sizes, least=-1.0)
        return low, high, f"exact: all {len(sizes)} clusters differ by the same, as others need not"
    return None, None, "no interval: the difference is the same in every draw, which says nothing of other examples"


def detectable(standard_error: float | None, g: int) -> float | None:
    """The smallest difference that 80 % power finds, two-sided at 5 %: (t(.975) + t(.8)) standard errors, g - 1 degrees.

    None without a standard error, or for one of 0: runs that never differ do not say how others would.
    Source: Bloom 1995, "Minimum Detectable Effects" (Evaluation Review 19).
    """
    if standard_error is None or standard_error < _ROUNDING or g < MIN_CLUSTERS:
        return None
    t = special.stdtrit(g - 1, (1 + LEVEL) / 2) + special.stdtrit(g - 1, POWER)
    return float(t * standard_error)


def _spread(
    metric: Metric | RankedMetric, a_rows: Array, b_rows: Array, clusters: Sequence[str], *, resamples: int, seed: int
) -> tuple[float, float, float] | tuple[None, None, None]:
    """The 95 % interval of the difference and its standard error: both runs are given the same drawn clusters.

    The error is the jackknife's, which clusters of unequal size make less too small than the bootstrap's; that of a metric of the
    order of the examples is the bootstrap's.
    """
    if isinstance(metric, RankedMetric):
        values = np.concatenate(list(_drawn_ranked(metric, a_rows, b_rows, clusters, resamples=resamples, seed=seed)))
        values = values[~np.isnan(values)]  # without draws that lost a class, in both runs alike
        g = len(set(clusters))
        if len(values) < 2:
            return None, None, None
        return *percentile_interval(values, g), float(values.std(ddof=1) * np.sqrt(g / (g - 1)))
    sums, sizes = cluster_sums(np.column_stack([a_rows, b_rows]), clusters)
    between, g = _between(metric, a_rows.shape[1]), len(sums)
    centre, error = leave_one_out_error(sums, sizes, between)
    if metric.jackknife:
        half = float(special.stdtrit(g - 1, (1 + LEVEL) / 2) * error)
        end = 1.0 - metric.least if metric.is_fraction else np.inf
        return max(centre - half, -end), min(centre + half, end), error
    values = resample(sums, sizes, between, resamples=resamples, seed=seed)
    return *percentile_interval(values, g), error


def _between(metric: Metric, k: int) -> Callable[[Array, Array], Array]:
    """The difference as one statistic of both runs' columns side by side: [..., 2k], [...] -> [...]."""
    return lambda totals, n: np.asarray(metric.summarise(totals[..., k:], n) - metric.summarise(totals[..., :k], n))


def _drawn_ranked(
    metric: RankedMetric, a_rows: Array, b_rows: Array, clusters: Sequence[str], *, resamples: int, seed: int
) -> Iterator[Array]:
    which, g = cluster_numbers(clusters)
    for weights in resample_weights(g, resamples=resamples, seed=seed, width=len(a_rows)):
        drawn = weights[:, which]
        yield metric.summarise(b_rows, drawn) - metric.summarise(a_rows, drawn)


def _test(
    metric: Metric | RankedMetric, a_rows: Array, b_rows: Array, which: Numbers, *, resamples: int, seed: int
) -> tuple[float, str]:
    """The two-sided p and the name of the test that gives it."""
    alone = int(which[-1]) + 1 == len(which)  # each row began a new cluster
    if alone and a_rows.shape[1] == 1 and np.isin(a_rows, (0, 1)).all() and np.isin(b_rows, (0, 1)).all():
        return mcnemar(int((a_rows > b_rows).sum()), int((a_rows < b_rows).sum())), "exact McNemar"
    return sign_flip(metric, a_rows, b_rows, which, resamples=resamples, seed=seed)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for being several, in the order given: below 0.05, the family's error stays below 5 %.

    Sorted upwards, the i-th of m (from 0) is multiplied by m - i; none is less than the one before, nor more than 1.
    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure" (Scandinavian Journal of Statistics 6).

    >>> holm([0.01, 0.04, 0.03])  # 3 * 0.01, then 2 * 0.03, then 0.04 raised to what came before
    [0.03, 0.06, 0.06]
    """
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = least
    return adjusted
