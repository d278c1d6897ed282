"""Tests that swap which run is which: exact McNemar, and the sign-flip permutation over clusters. Both are two-sided."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special  # scipy.stats takes half a second to load

from bench.errors import BenchError
from bench.metrics.metric import Array, Metric, RankedMetric

Numbers = npt.NDArray[np.intp]
_ALL_SWAPS = 14  # of up to so many clusters all 2^14 swaps are counted, of more a random part
_CHUNK = 4_000_000  # numbers held at a time


def value(metric: Metric | RankedMetric, rows: Array) -> float:
    """The metric over rows [n, k]."""
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, np.ones((1, len(rows))))[0])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided p of the exact McNemar test: an example that one run alone has right is as likely a's as b's.

    Twice the smaller tail of the binomial distribution with probability 1/2, at most 1; 1 where the runs never differ.
    Source: McNemar 1947, "Note on the sampling error of the difference between correlated proportions" (Psychometrika 12).

    >>> mcnemar(1, 6)  # 2 * (1 + 7) / 2**7
    0.125
    """
    return min(1.0, 2 * float(special.bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def sign_flip(
    metric: Metric | RankedMetric, a_rows: Array, b_rows: Array, which: Numbers, *, resamples: int, seed: int
) -> tuple[float, str]:
    """The two-sided p of swapping the runs' names by cluster, and the test's name; `which` numbers the clusters: [n].

    Under the null hypothesis a cluster's answers could as well have come from the other run, so every swap of whole
    clusters is equally likely, whatever their sizes and the metric. p is the share of swaps whose difference is at least
    as far from 0 as the observed one: of all swaps for few clusters, else of `resamples` random ones, with 1 added above
    and below. Clusters on which the runs agree change nothing and are left out.
    Source: Phipson and Smyth 2010, "Permutation P-values Should Never Be Zero" (Stat. Appl. Genet. Mol. Biol. 9).
    """
    changed = np.unique(which[(a_rows != b_rows).any(axis=1)])
    g = len(changed)
    if isinstance(metric, RankedMetric):
        swapped, width = _swapped_ranked(metric, a_rows, b_rows, which, changed), 2 * len(a_rows)
    else:
        swapped, width = _swapped(metric, a_rows, b_rows, which, changed), a_rows.shape[1]
    a_value, b_value = value(metric, a_rows), value(metric, b_rows)
    least = abs(b_value - a_value) * (1 - 1e-9) - 1e-12 * max(
        abs(a_value), abs(b_value)
    )  # rounding makes no difference
    draws, rng = (2**g, None) if g <= _ALL_SWAPS else (resamples, np.random.default_rng(seed))
    step = max(1, _CHUNK // max(g, width))
    extreme = 0
    for start in range(0, draws, step):
        swaps = _swaps(start, min(step, draws - start), g, rng)
        extreme += int((np.abs(swapped(swaps)) >= least).sum())
    if rng is None:
        return extreme / draws, "sign-flip, exact"
    return (extreme + 1) / (draws + 1), f"sign-flip, {draws:,} draws"


def _swaps(start: int, m: int, g: int, rng: np.random.Generator | None) -> Array:
    """Which of g clusters are swapped, 1 or 0, in m swaps [m, g]: number start, start + 1, … of all, or random ones."""
    if rng is None:
        return ((np.arange(start, start + m)[:, None] >> np.arange(g)) & 1).astype(np.float64)
    bits = rng.integers(0, 256, size=(m, -(-g // 8)), dtype=np.uint8)
    return np.unpackbits(bits, axis=1, count=g).astype(np.float64)


def _swapped(
    metric: Metric, a_rows: Array, b_rows: Array, which: Numbers, changed: Numbers
) -> Callable[[Array], Array]:
    """The difference after each of m swaps of the changed clusters: [m, g] -> [m]."""
    moved = np.zeros((int(which.max()) + 1, a_rows.shape[1]))
    np.add.at(moved, which, b_rows - a_rows)
    moved, n = moved[changed], float(len(a_rows))
    a_total, b_total = a_rows.sum(axis=0), b_rows.sum(axis=0)

    def after(swaps: Array) -> Array:
        shift, size = swaps @ moved, np.full(len(swaps), n)
        return np.asarray(metric.summarise(b_total - shift, size) - metric.summarise(a_total + shift, size))

    return after


def _swapped_ranked(
    metric: RankedMetric, a_rows: Array, b_rows: Array, which: Numbers, changed: Numbers
) -> Callable[[Array], Array]:
    """As `_swapped`; each run is a weighting of both runs' rows, in which those of the other have weight 0.

    Raises BenchError for a metric that such rows change: its summarise does not follow the weights.
    """
    rows = np.concatenate([a_rows, b_rows])
    place = np.full(int(which.max()) + 1, len(changed))
    place[changed] = np.arange(len(changed))
    column = place[which]  # of the last one, which stands for all the clusters that stay, no swap is made

    def after(swaps: Array) -> Array:
        mine = np.column_stack([swaps, np.zeros(len(swaps))])[:, column]
        a_weights, b_weights = np.hstack([1 - mine, mine]), np.hstack([mine, 1 - mine])
        return np.asarray(metric.summarise(rows, b_weights) - metric.summarise(rows, a_weights))

    observed = value(metric, b_rows) - value(metric, a_rows)
    if not np.isclose(float(after(np.zeros((1, len(changed))))[0]), observed, rtol=1e-6, atol=1e-9):
        raise BenchError(
            f"metric '{metric.name}': rows of weight 0 change what it summarises; its summarise must follow the weights"
        )
    return after
