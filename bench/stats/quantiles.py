"""How sure a percentile of waiting times is: bounds from order statistics, and the difference of two runs' percentiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bench.stats.speed import Slowdown
from bench.stats.spread import ASSUMED, LEAST, MIN_RUNS

Array = npt.NDArray[np.float64]
LEVEL = 0.95
SURE = 0.999  # each of fifty rows: all their bounds hold together with 95 % confidence (Bonferroni)
RESAMPLES = 1000
_HELD = 4_000_000  # values held at a time: 32 MB


def bounds(seconds: Sequence[float], rank: int, level: float = LEVEL) -> tuple[float | None, float | None]:
    """Bounds of the `rank`-th percentile that hold with this confidence whatever the distribution; None where none is sampled.

    Of n answers the number below the true percentile is binomial, so that two order statistics enclose it. Source: David and
    Nagaraja 2003, "Order Statistics", section 7.1. Answers to given examples vary less than a sample does, so the bounds err on
    the wide side (Hoeffding 1956, "On the Distribution of the Number of Successes in Independent Trials").
    """
    from scipy import special

    ordered, n, p = sorted(seconds), len(seconds), rank / 100
    tail = (1 - level) / 2
    below = special.bdtr(np.arange(n), n, p) if n else np.zeros(0)  # P(at most i of n are below it), i from 0
    low = int(np.searchsorted(below, tail, side="right"))  # as many order statistics as may all be below
    high = int(np.searchsorted(below, 1 - tail))  # the first with no more than `tail` of the chance behind it
    return (ordered[low - 1] if low else None), (ordered[high] if high < n else None)


def slower(run: Mapping[str, float], baselines: Sequence[Mapping[str, float]], rank: int, *, seed: int = 0) -> Slowdown:
    """How a run's percentile differs from that of its `baselines`, at least one; seconds of each answer by its example.

    Within the runs it varies as examples drawn anew do: the same draws for all runs that answered the same examples, so that what
    long examples take cancels out; else each run's own. From run to run as `bench.stats.speed.slowdown` has it.
    """
    logs = np.array([math.log(_percentile(one, rank)) for one in baselines])
    value, k = float(logs.mean()) - math.log(_percentile(run, rank)), len(baselines)
    measured = k >= MIN_RUNS
    between = max(LEAST, float(logs.std(ddof=1))) if measured else ASSUMED
    within = _within(run, baselines, rank, seed)
    error = math.hypot(within, between * math.sqrt(1 + 1 / k))
    least = min(map(len, (run, *baselines)))
    return Slowdown(value, error, k - 1 if measured else least - 1, between, measured, within)


def _percentile(seconds: Mapping[str, float], rank: int) -> float:
    return float(np.percentile(list(seconds.values()), rank))


def _within(run: Mapping[str, float], baselines: Sequence[Mapping[str, float]], rank: int, seed: int) -> float:
    """The standard error of the difference of logarithms that comes from which examples were asked, and from answer to answer."""
    alike = all(one.keys() == run.keys() for one in baselines)
    if alike:
        names = list(run)
        drawn = [_drawn(np.array([one[name] for name in names]), rank, seed) for one in (run, *baselines)]
    else:
        drawn = [
            _drawn(np.array(list(one.values())), rank, seed + number) for number, one in enumerate((run, *baselines))
        ]
    return float(np.std(np.mean(drawn[1:], axis=0) - drawn[0], ddof=1))


def _drawn(seconds: Array, rank: int, seed: int) -> Array:
    """The logarithm of the percentile in each of `RESAMPLES` draws of as many answers: the same seed draws the same places."""
    rng, n = np.random.default_rng(seed), len(seconds)
    step = max(1, _HELD // n)
    found = []
    for start in range(0, RESAMPLES, step):
        places = rng.integers(0, n, size=(min(step, RESAMPLES - start), n))
        found.append(np.percentile(seconds[places], rank, axis=1))
    return np.log(np.concatenate(found))
