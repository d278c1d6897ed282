"""Intervals on ranks, and groups of statistical ties.

The rank of a model among m is known only as far as its differences from the others are: its interval goes from 1 + the
number of models that are significantly better to m - the number that are significantly worse. When all pairs are decided
together with a family-wise error of 5 %, all the intervals hold together with 95 % confidence.
Source: Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for Ranks with Applications to Mobility across Neighbourhoods and
Academic Achievement across Countries" (Review of Economic Studies 91), section 3.

Decisions are one-sided t tests on all ordered pairs with Holm's correction. The standard error of each difference is that of
its values over resamples in which all models get the same drawn clusters. Where a difference does not vary at all, its p is that
of the sign-flip test, 2^-g: six clusters that all say the same are no certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.stats.intervals import LEVEL, MIN_CLUSTERS, resample_weights

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]
RESAMPLES = 1000
_HELD = 4_000_000  # values held at a time: 32 MB
_SAME = 1e-6  # an error below this share of the difference is rounding: no t statistic of examples is a million
_ROUNDING = 1e-12  # differences below this share of the largest value are rounding


@dataclass(frozen=True)
class Ranks:
    """Of m models in the order in which they were given: bounds of the rank [m], from 1, and the number of the group [m].

    `better[i, j]` says that i is significantly better than j. Every model of a group is significantly better than every model of
    the groups behind it, and no group can be divided so.
    """

    low: Whole
    high: Whole
    group: Whole
    better: npt.NDArray[np.bool_]


def by_clusters(
    sums: Array,
    sizes: Array,
    summarise: Callable[[Array, Array], Array],
    *,
    higher_is_better: bool = True,
    jackknife: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ranks | None:
    """Ranks of m models by a metric: cluster sums [m, g, k] on the same clusters of `sizes` [g].

    With `jackknife`, clusters are left out one at a time instead of drawn. None for fewer than `MIN_CLUSTERS` clusters.
    """
    m, g, k = sums.shape
    if g < MIN_CLUSTERS:
        return None
    flat = np.ascontiguousarray(sums.transpose(1, 0, 2)).reshape(g, m * k)
    if jackknife:
        values = _summarised(sizes.sum() - sizes, flat.sum(axis=0) - flat, m, summarise)
        spread = (values - values.mean(axis=0)) * np.sqrt((g - 1) / g)
        degrees = float(g - 1)
    else:
        drawn = resample_weights(g, resamples=resamples, seed=seed, width=m * k)
        values = np.concatenate([_summarised(w @ sizes, w @ flat, m, summarise) for w in drawn])
        spread, degrees = _spread(values, g)
    centre = _summarised(sizes.sum(keepdims=True), flat.sum(axis=0, keepdims=True), m, summarise)[0]
    return _decided(centre if higher_is_better else -centre, spread, degrees, g)


def by_tasks(
    scores: Array, *, higher_is_better: bool = True, resamples: int = RESAMPLES, seed: int = 0
) -> Ranks | None:
    """Ranks of m models by their mean over t tasks: scores [m, t], whole tasks resampled. None for fewer than `MIN_CLUSTERS`."""
    t = scores.shape[1]
    if t < MIN_CLUSTERS:
        return None
    table = np.ascontiguousarray(scores.T)
    drawn = resample_weights(t, resamples=resamples, seed=seed, width=len(scores))
    spread, degrees = _spread(np.concatenate([w @ table for w in drawn]) / t, t)
    centre = scores.mean(axis=1)
    return _decided(centre if higher_is_better else -centre, spread, degrees, t)


def _summarised(n: Array, totals: Array, m: int, summarise: Callable[[Array, Array], Array]) -> Array:
    """Values [b, m] of totals [b, m·k] over n [b] examples."""
    b = len(n)
    return np.asarray(summarise(totals.reshape(b, m, -1), np.broadcast_to(n[:, None], (b, m))))


def _spread(values: Array, g: int) -> tuple[Array, float]:
    """Centred values [b, m] whose cross products are covariances, and the degrees of freedom of those.

    A bootstrap over g clusters is too narrow by sqrt((g-1)/g). Its b resamples add their own noise to that of g clusters.
    """
    b = len(values)
    spread = (values - values.mean(axis=0)) * np.sqrt(g / (g - 1) / (b - 1))
    return spread, 1 / (1 / (g - 1) + 1 / (b - 1))


def _decided(centre: Array, spread: Array, degrees: float, g: int) -> Ranks:
    """Test all pairs: centre [m], more is better; spread [b, m], from g clusters."""
    m = len(centre)
    covariance = spread.T @ spread
    variance = np.diagonal(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0.0))
    difference = centre[:, None] - centre[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = difference / error
    # Models that differ by the same in every cluster: the chance of that in one direction, were they equal, is that of g swaps.
    same = error <= _SAME * np.abs(difference)
    statistic[same] = np.sign(difference[same]) * -special.stdtrit(degrees, 0.5**g)
    # A copy differs by rounding in value and in error; its quotient would be noise.
    statistic[~(np.abs(difference) > _ROUNDING * np.abs(centre).max(initial=0.0))] = 0.0
    better = _holm(np.nan_to_num(statistic, nan=0.0, posinf=np.inf, neginf=-np.inf), degrees)
    above, below = better.sum(axis=0), better.sum(axis=1)
    return Ranks(1 + above, m - below, _groups(centre, better), better)


def _holm(statistic: Array, degrees: float) -> npt.NDArray[np.bool_]:
    """Which of the ordered pairs [m, m] are significant: Holm's step-down over all m(m-1) one-sided tests at 1 - `LEVEL`."""
    m = len(statistic)
    better = np.zeros((m, m), dtype=np.bool_)
    tests = m * (m - 1)
    if not tests:
        return better
    # All tests share their degrees of freedom, so the largest statistics have the least p-values; at most half are positive.
    loosest = -special.stdtrit(degrees, (1 - LEVEL) / (tests - tests // 2))
    candidates = np.flatnonzero(statistic.ravel() > min(loosest, np.finfo(float).max))
    order = candidates[np.argsort(-statistic.ravel()[candidates], kind="stable")]
    p = special.stdtr(degrees, -statistic.ravel()[order])
    kept = p > (1 - LEVEL) / (tests - np.arange(len(order)))
    better.ravel()[order[: int(np.argmax(kept)) if kept.any() else len(order)]] = True
    return better


def _groups(centre: Array, better: npt.NDArray[np.bool_]) -> Whole:
    """Number the groups from 1 in order of value: a new one starts where all above are better than all below."""
    order = np.argsort(-centre, kind="stable")
    sorted_better = better[np.ix_(order, order)]
    m = len(order)
    # The last model, in order, that each one fails to beat: a cut behind i needs every model up to i to beat all behind it.
    beaten = np.where(sorted_better, -1, np.arange(m)[None, :]).max(axis=1, initial=-1)
    reach = np.maximum.accumulate(np.maximum(beaten, np.arange(m)))
    starts = np.concatenate([[True], reach[:-1] < np.arange(1, m)]) if m else np.zeros(0, dtype=np.bool_)
    group = np.empty(m, dtype=np.intp)
    group[order] = np.cumsum(starts)
    return group
