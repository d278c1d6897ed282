"""Intervals from sufficient statistics: the bootstrap and the jackknife over clusters."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Clusters: TypeAlias = Sequence[str] | npt.NDArray[np.intp]  # by name, or numbered already
LEVEL = 0.95
MIN_CLUSTERS = 6  # percentiles cannot leave the range of the cluster means: 5 clusters cover 92 %, 3 only 75 %
_CHUNK = 1_000_000  # drawn cluster numbers held at a time: 8 MB, inside the cache's reach and flat in resamples
_ROUNDING = 1e-12  # of floats: less is no width
_CACHED = 16_384  # those counted at a time: their counts stay in the innermost cache, which halves the time
_BLOCKS = 200  # jackknife blocks: enough for a steady variance, few enough for any corpus


def cluster_sums(rows: Array, clusters: Clusters) -> tuple[Array, Array]:
    """Sum rows [n, k] within each cluster: sums [g, k] and sizes [g], in order of first appearance."""
    which, g = cluster_numbers(clusters)
    if len(which) != len(rows):
        raise ValueError(f"{len(rows)} rows but {len(which)} clusters")
    sums = np.zeros((g, rows.shape[1]))
    np.add.at(sums, which, rows)
    return sums, np.bincount(which, minlength=g).astype(np.float64)


def cluster_numbers(clusters: Clusters) -> tuple[npt.NDArray[np.intp], int]:
    """Each row's cluster as a number from 0 on, in order of first appearance [n], and how many clusters there are."""
    if isinstance(clusters, np.ndarray):  # of names, or of numbers of which these may be a part
        _, first, which = np.unique(clusters, return_index=True, return_inverse=True)
        place = np.empty(len(first), dtype=np.intp)
        place[np.argsort(first)] = np.arange(len(first))
        return place[which], len(first)
    number: dict[str, int] = {}
    return np.array([number.setdefault(cluster, len(number)) for cluster in clusters], dtype=np.intp), len(number)


def resample_weights(g: int, *, resamples: int, seed: int, width: int | None = None) -> Iterator[Array]:
    """How often each of g clusters comes in each of `resamples` draws of g out of g, with replacement: chunks [m, g].

    The same seed gives the same draws for the same g, so two metrics of one run are resampled alike. `width` is the number
    of columns that the caller will hold for each draw, if more than g.
    """
    step = max(1, _CHUNK // max(g, width or 0))
    if 0 < resamples <= step:
        yield _all_weights(g, resamples, seed)  # a board resamples hundreds of runs on the same clusters
    else:
        yield from _drawn(g, resamples, seed, step)


@functools.lru_cache(maxsize=2)
def _all_weights(g: int, resamples: int, seed: int) -> Array:
    """All of them, [resamples, g], which nobody may alter."""
    (weights,) = _drawn(g, resamples, seed, resamples)
    weights.flags.writeable = False
    return weights


def _drawn(g: int, resamples: int, seed: int, step: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    together = max(1, _CACHED // g)
    for start in range(0, resamples, step):
        n = min(step, resamples - start)
        drawn = rng.integers(0, g, size=(n, g), dtype=np.int32)
        weights = np.empty((n, g))
        for i in range(0, n, together):
            part = drawn[i : i + together] + np.arange(len(drawn[i : i + together]), dtype=np.int32)[
                :, None
            ] * np.int32(g)
            weights[i : i + together] = np.bincount(part.ravel(), minlength=part.size).reshape(part.shape)
        yield weights


def resample(
    sums: Array, sizes: Array, summarise: Callable[[Array, Array], Array], *, resamples: int, seed: int
) -> Array:
    """Values of the statistic over `resamples` draws of whole clusters (see `resample_weights`): [resamples]."""
    table = np.column_stack([sums, sizes])
    totals = (weights @ table for weights in resample_weights(len(sums), resamples=resamples, seed=seed))
    return np.concatenate([summarise(total[:, :-1], total[:, -1]) for total in totals])


def percentile_interval(values: Array, g: int) -> tuple[float, float]:
    """The 95 % interval from resampled values of g clusters: percentiles, widened for few clusters.

    The percentiles are those of the normal distribution at sqrt(g/(g-1)) times Student's t with g-1 degrees of freedom,
    which undoes the bootstrap's narrowness for small g. Raises ValueError for fewer than `MIN_CLUSTERS`.
    Source: Hesterberg 2015, "What Teachers Should Know About the Bootstrap" (The American Statistician 69), section 5.3.
    """
    if g < MIN_CLUSTERS:
        raise ValueError(f"an interval needs at least {MIN_CLUSTERS} clusters, got {g}")
    from scipy import special

    tail = special.ndtr(np.sqrt(g / (g - 1)) * _student(g - 1, (1 - LEVEL) / 2))
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap_interval(
    sums: Array, sizes: Array, summarise: Callable[[Array, Array], Array], *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the clustered bootstrap; ValueError for fewer than `MIN_CLUSTERS` clusters."""
    if len(sums) < MIN_CLUSTERS:
        raise ValueError(f"an interval needs at least {MIN_CLUSTERS} clusters, got {len(sums)}")
    return percentile_interval(resample(sums, sizes, summarise, resamples=resamples, seed=seed), len(sums))


def alike_interval(value: float, sizes: Array, *, least: float = 0.0, most: float = 1.0) -> tuple[float, float]:
    """The 95 % interval of a mean in [least, most] where every cluster has the very same value; `sizes` [g] are the clusters'.

    Resampling gives it no width, though other clusters may have other values. None of g had one, so that a share p of all may,
    p = 1 - 0.025^(1/g); what those have is the least or the most that there is. For right or wrong this is the exact interval, near
    3.7/g. With clusters of unequal size g is the number of equal ones that weigh the same, (sum sizes)^2 / sum sizes^2.
    Sources: Clopper and Pearson 1934 (Biometrika 26); Kish 1965, "Survey Sampling".

    >>> low, high = alike_interval(1.0, np.ones(20))
    >>> round(low, 3), high
    (0.832, 1.0)
    """
    share = 1 - ((1 - LEVEL) / 2) ** float((sizes**2).sum() / sizes.sum() ** 2)
    return value - share * (value - least), value + share * (most - value)


def has_width(low: float, high: float) -> bool:
    """Whether an interval has more width than rounding gives it."""
    return high - low > _ROUNDING * max(1.0, abs(low), abs(high))


def leave_one_out_interval(
    sums: Array, sizes: Array, summarise: Callable[[Array, Array], Array]
) -> tuple[float, float]:
    """The 95 % interval of the jackknife over clusters: value ± t · jackknife error. Needs `MIN_CLUSTERS`."""
    centre, error = leave_one_out_error(sums, sizes, summarise)
    half = float(_student(len(sums) - 1, (1 + LEVEL) / 2) * error)
    return centre - half, centre + half


def leave_one_out_error(sums: Array, sizes: Array, summarise: Callable[[Array, Array], Array]) -> tuple[float, float]:
    """The statistic and its jackknife standard error over clusters. Needs `MIN_CLUSTERS`.

    Source: Efron and Stein 1981, "The Jackknife Estimate of Variance" (Annals of Statistics 9).
    """
    g = len(sums)
    if g < MIN_CLUSTERS:
        raise ValueError(f"an interval needs at least {MIN_CLUSTERS} clusters, got {g}")
    total, n = sums.sum(axis=0), sizes.sum()
    without = summarise(total - sums, n - sizes)
    error = np.sqrt((g - 1) / g * ((without - without.mean()) ** 2).sum())
    return float(summarise(total, n)), float(error)


def jackknife_interval(counts: Sequence[Counter[Hashable]], summarise: Callable[[Array], float]) -> tuple[float, float]:
    """The 95 % interval of a statistic of n-gram counts, one Counter a cluster: value ± t · jackknife error.

    Clusters are left out one at a time, or in up to 200 blocks of neighbours. The jackknife's variance is biased upwards
    for any symmetric statistic, so the interval errs on the wide side. Needs `MIN_CLUSTERS`.
    Source: Efron and Stein 1981, "The Jackknife Estimate of Variance" (Annals of Statistics 9).
    """
    if len(counts) < MIN_CLUSTERS:
        raise ValueError(f"an interval needs at least {MIN_CLUSTERS} clusters, got {len(counts)}")
    blocks: list[Counter[Hashable]] = []
    for part in np.array_split(range(len(counts)), min(_BLOCKS, len(counts))):
        blocks.append(Counter())
        for i in part:
            blocks[-1].update(counts[i])
    column: dict[Hashable, int] = {}
    for block in blocks:
        for gram in block:
            column.setdefault(gram, len(column))
    total = np.zeros(len(column))
    sparse = []
    for block in blocks:
        where = np.fromiter((column[gram] for gram in block), dtype=np.intp, count=len(block))
        value = np.fromiter(block.values(), dtype=np.float64, count=len(block))
        total[where] += value
        sparse.append((where, value))
    without = np.empty(len(blocks))
    for i, (where, value) in enumerate(sparse):
        total[where] -= value
        without[i] = summarise(total)
        total[where] += value
    b = len(blocks)
    error = np.sqrt((b - 1) / b * ((without - without.mean()) ** 2).sum())
    half = float(_student(b - 1, (1 + LEVEL) / 2) * error)
    centre = summarise(total)
    return centre - half, centre + half


def _student(degrees: int, p: float) -> float:
    """The quantile of Student's t; SciPy, a quarter of a second to load, only where there is an interval."""
    from scipy import special

    return float(special.stdtrit(degrees, p))
