"""Percentiles of times, from enough samples only, and what many samples say of a percentile with 99 % confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

# Samples that a percentile needs before it may be reported (99 % confidence): one of them may lie above it, see `fewest_below`.
# Source: MLPerf Inference rules, early stopping.
ENOUGH = {50: 11, 90: 64, 95: 130, 97: 219, 99: 662}
_DOUBT = 0.01


def percentile(values: Sequence[float], rank: int) -> float | None:
    """The `rank`-th percentile, linear between two samples; None where too few would make it a guess (see `ENOUGH`).

    >>> percentile([0.5] * 10, 50), percentile([0.5] * 11, 50)
    (None, 0.5)
    """
    if len(values) < ENOUGH[rank]:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * rank / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    part = place - below
    return ordered[below] if not part else ordered[below] * (1 - part) + ordered[above] * part


def spread(values: Sequence[float]) -> dict[str, float | None] | None:
    """Mean, least, most and all percentiles that these seconds are enough for; None for no seconds at all."""
    if not values:
        return None
    found: dict[str, float | None] = {"mean": math.fsum(values) / len(values), "min": min(values), "max": max(values)}
    return found | {f"p{rank}": percentile(values, rank) for rank in ENOUGH}


@cache
def fewest_below(rank: int, above: int) -> int:
    """How many samples must lie below a bound, when so many lie `above`, to say with 99 % confidence that the percentile does.

    It is the least h with I_p(h, above + 1) <= 0.01, the chance that a model which misses the bound would do as well.
    Source: MLPerf Inference rules, early stopping.

    >>> [fewest_below(rank, 1) + 1 for rank in ENOUGH] == list(ENOUGH.values())
    True
    """
    from scipy.special import betainc

    low, high = 0, 1
    while betainc(high, above + 1, rank / 100) > _DOUBT:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if betainc(middle, above + 1, rank / 100) > _DOUBT else (low, middle)
    return high


class Estimate(NamedTuple):
    """A value that the percentile is below with 99 % confidence, and how many higher samples were left out for it."""

    seconds: float
    discarded: int


def estimate(values: Sequence[float], rank: int) -> Estimate | None:
    """MLPerf's early-stopping estimate of a percentile: the t-th highest sample, for the largest t that is sure enough.

    None where there are too few samples for any. Source: MLPerf Inference, loadgen, single stream.
    """
    n = len(values)
    if n < fewest_below(rank, 1) + 1:
        return None
    low, high = 1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fewest_below(rank, middle) + middle <= n else (low, middle)
    return Estimate(sorted(values)[n - low], low - 1)
