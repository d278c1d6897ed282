"""The verdict of a gate on speed: seconds an example of one run against one or several runs of its baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.stats.gate import FAIL, INCONCLUSIVE, PASS, Verdict
from bench.stats.spread import ASSUMED, LEAST, MIN_RUNS

Batches: TypeAlias = Sequence[tuple[int, float]]  # (examples, seconds) of each batch of a run, in the order of the data
Array: TypeAlias = npt.NDArray[np.float64]
MIN_BATCHES = 6  # fewer say nothing of how a run varies within


@dataclass(frozen=True)
class Slowdown:
    """`value` is ln(baseline's seconds an example / the run's), above 0 for a faster run.

    `error` is its standard error, None where nothing says how the seconds vary, and `degrees` those of its t distribution.
    `between` is the relative standard deviation from run to run, `measured` on the baseline's runs or assumed; `within` the
    part of `error` that comes from batch to batch.
    """

    value: float
    error: float | None
    degrees: int
    between: float
    measured: bool
    within: float = 0.0


def slowdown(run: Batches, baselines: Sequence[Batches]) -> Slowdown:
    """How the run's speed differs from that of the `baselines`, at least one.

    Its variance is that from batch to batch (paired where all runs cut the same batches) and from run to run, s^2 (1 + 1/k). From
    `MIN_RUNS` baselines on s is that of their totals, at least `LEAST`, with k - 1 degrees; before, `ASSUMED`. The first part
    shows a run that something else on the machine disturbed for a while.
    """
    logs = np.array([math.log(_rate(one)) for one in baselines])
    value, k = float(logs.mean()) - math.log(_rate(run)), len(baselines)
    n_batches, measured = min(map(len, (run, *baselines))), k >= MIN_RUNS
    if n_batches < MIN_BATCHES and not measured:
        return Slowdown(value, None, 0, ASSUMED, measured=False)
    between = max(LEAST, float(logs.std(ddof=1))) if measured else ASSUMED
    within = math.sqrt(_within(run, baselines)) if n_batches > 1 else 0.0
    error = math.hypot(within, between * math.sqrt(1 + 1 / k))
    return Slowdown(value, error, k - 1 if measured else n_batches - 1, between, measured, within)


def judge_speed(found: Slowdown, *, margin: float, level: float) -> Verdict:
    """PASS where the run surely takes less than 1 + margin times as long as its baseline, FAIL where it surely takes more.

    Bounds are those of `Slowdown.value`.
    """
    if found.error is None:
        reason = f"fewer than {MIN_BATCHES} batches; make the baseline of {MIN_RUNS} runs or more"
        return Verdict(INCONCLUSIVE, None, None, 1.0, reason=reason)
    half = float(special.stdtrit(found.degrees, 1 - level)) * found.error
    low, high, limit = found.value - half, found.value + half, -math.log1p(margin)
    outcome = FAIL if high < limit else PASS if low > limit else INCONCLUSIVE
    if found.error == 0:
        p = float(found.value >= limit)
    else:
        p = float(special.stdtr(found.degrees, (found.value - limit) / found.error))
    reason = _reason(found) if outcome == INCONCLUSIVE else ""
    return Verdict(outcome, low, high, p, reason=reason)


def _reason(found: Slowdown) -> str:
    """Why a difference of speed is not decided, and what would help."""
    if found.within > found.between:
        return (
            f"uneven batches (± {100 * found.within:.0f} %): something else may have run on the machine; run it again"
        )
    if not found.measured:
        return f"a baseline of {MIN_RUNS} runs or more says how much runs differ"
    return f"runs differ by {100 * found.between:.0f} % among themselves; take more examples or a quieter machine"


def seconds_an_example(runs: Sequence[Batches]) -> float:
    """The geometric mean over runs."""
    return math.exp(sum(math.log(_rate(one)) for one in runs) / len(runs))


def _rate(batches: Batches) -> float:
    return sum(seconds for _, seconds in batches) / sum(n for n, _ in batches)


def _within(run: Batches, baselines: Sequence[Batches]) -> float:
    """The variance of the log ratio that comes from batch to batch.

    That of a ratio of totals: residuals of each batch from the ratio, B/(B-1) of their squares over the squared total
    (Cochran 1977, "Sampling Techniques", section 6.4).
    """
    sizes = [n for n, _ in run]
    ours = np.array([seconds for _, seconds in run])
    if all([n for n, _ in one] == sizes for one in baselines):
        theirs = np.mean([[seconds for _, seconds in one] for one in baselines], axis=0)
        return _of_ratio(ours, theirs)
    among = [
        _of_ratio(np.array([s for _, s in one]), np.array([float(n) for n, _ in one])) for one in (run, *baselines)
    ]
    return among[0] + float(np.mean(among[1:])) / len(baselines)


def _of_ratio(above: Array, below: Array) -> float:
    """The squared relative standard error of sum(above) / sum(below)."""
    b = len(above)
    residuals = above - below * (above.sum() / below.sum())
    return float(b / (b - 1) * (residuals**2).sum() / above.sum() ** 2)
