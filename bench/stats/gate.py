"""The verdict of a gate: whether a change is surely harmless, surely too large, or neither, at a stated error rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy import special  # scipy.stats takes half a second to load

from bench.stats.intervals import MIN_CLUSTERS
from bench.stats.paired import holm

PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"
MOST = 10_000_000  # examples beyond which a difference counts as lying on the margin itself


@dataclass(frozen=True)
class Change:
    """How a run differs from its baseline on `n` shared examples in `g` clusters; `value` above 0 is better.

    `standard_error` is that of `value` over clusters, None where there are too few. `reach` is the most that one example
    can change, 1 for a score between 0 and 1. `unseen` examples of the baseline were not compared. `identical`: no example
    that was compared has another score.
    """

    value: float
    standard_error: float | None
    n: int
    g: int
    reach: float = 1.0
    unseen: int = 0
    identical: bool = False


@dataclass(frozen=True)
class Verdict:
    """`low` and `high` are one-sided bounds of the change, each at the level; None where there are none.

    `p` is the chance of a change so bad if the true one were at the margin, 1 where nothing can be said. `needed` is about
    how many examples would decide, None where that cannot be said; `reason` says why in words, "" where the bounds do.
    """

    outcome: str
    low: float | None
    high: float | None
    p: float
    needed: int | None = None
    reason: str = ""


def judge(change: Change, *, margin: float, level: float) -> Verdict:
    """PASS where the change is surely above -margin, FAIL where it is surely below, else INCONCLUSIVE.

    Each is wrong at most at rate `level`: the bounds are one-sided, value ± t(1 - level, g - 1) standard errors, over the
    examples seen and one more that went wholly the other way. That one keeps a spread of (nearly) 0 from passing for certainty:
    where none of n examples changed, 3/n of all may yet do so ("rule of three"; Hanley and Lippman-Hand 1983, JAMA 249). Where
    every example of the baseline has the very same score, nothing is left to infer: PASS, but for fewer than `MIN_CLUSTERS`, which
    are no test of anything.
    """
    if change.identical and not change.unseen and change.g >= MIN_CLUSTERS:
        return Verdict(PASS, None, None, 1.0, reason="every example has the same score")
    bounds = _bounds(change, level)
    if bounds is None:
        alike = "every example has the same score, but " if change.identical else ""
        reason = f"{alike}{change.g} clusters, at least {MIN_CLUSTERS} are needed"
        return Verdict(INCONCLUSIVE, None, None, 1.0, _needed(change, margin, level), reason)
    outcome = _outcome(bounds, margin)
    if outcome != INCONCLUSIVE:
        return Verdict(outcome, *bounds, _p(change, margin))
    needed = _needed(change, margin, level)
    reason = "" if needed else "the difference is so near the margin that no number of examples would decide"
    return Verdict(INCONCLUSIVE, *bounds, _p(change, margin), needed, reason)


def together(verdicts: Sequence[Verdict], level: float) -> list[Verdict]:
    """Verdicts of one job: the chance that any FAIL is a false alarm is at most `level`, by Holm's correction.

    A FAIL that does not survive becomes INCONCLUSIVE. PASS needs no correction: a job passes only where each verdict does, so
    the chance that one of them is wrong to is at most `level` whichever it is (an intersection-union test; Berger 1982).
    """
    failing = [i for i, verdict in enumerate(verdicts) if verdict.outcome == FAIL]
    adjusted = holm([verdict.p for verdict in verdicts])
    found = list(verdicts)
    for i in failing:
        if adjusted[i] > level:
            reason = f"fails alone (p {verdicts[i].p:.2g}), but not as one of {len(verdicts)} (Holm: {adjusted[i]:.2g})"
            found[i] = replace(verdicts[i], outcome=INCONCLUSIVE, reason=reason)
    return found


def flips_take(flip_rate: float, standard_error: float, level: float) -> float:
    """How much of a score the company in a batch can take or give by itself: z(1 - level) sqrt(2 flip_rate) standard errors.

    `flip_rate` is the share of answers that another batch changes (of numbers, of their variance); `standard_error` that of the
    score, alone. The flipped
    share counts as if two unrelated models had answered it, which lets its part of the difference vary as
    2 flip_rate standard_error**2. No flips, no tolerance.
    """
    return float(special.ndtri(1 - level)) * math.sqrt(2 * flip_rate) * standard_error


def _outcome(bounds: tuple[float, float], margin: float) -> str:
    low, high = bounds
    return FAIL if high < -margin else PASS if low > -margin else INCONCLUSIVE


def _bounds(change: Change, level: float) -> tuple[float, float] | None:
    """The one-sided lower and upper bound; None without a standard error."""
    if change.standard_error is None or change.g < MIN_CLUSTERS:
        return None
    t = float(special.stdtrit(change.g - 1, 1 - level))
    low, error = _with_one_more(change, -change.reach)
    high, _ = _with_one_more(change, change.reach)
    return low - t * error, high + t * error


def _p(change: Change, margin: float) -> float:
    """The chance of a difference so bad if the true one were -margin: at most the level where the upper bound is below."""
    centre, error = _with_one_more(change, change.reach)
    if error == 0:
        return 0.0 if centre < -margin else 1.0
    return float(special.stdtr(change.g - 1, (centre + margin) / error))


def _with_one_more(change: Change, value: float) -> tuple[float, float]:
    """The difference and its standard error with one more example, whose difference is `value`."""
    n, error = change.n, change.standard_error or 0.0
    return (n * change.value + value) / (n + 1), math.hypot(n * error, value) / (n + 1)


def _needed(change: Change, margin: float, level: float) -> int | None:
    """About how many examples would decide, if the difference and its spread stayed and clusters came at the same rate."""
    least = math.ceil(change.n * max(MIN_CLUSTERS / change.g, 1))

    def decides(n: int) -> bool:
        more = n / change.n
        error = (change.standard_error or 0.0) / math.sqrt(more)
        bounds = _bounds(replace(change, n=n, g=max(MIN_CLUSTERS, round(change.g * more)), standard_error=error), level)
        return bounds is not None and _outcome(bounds, margin) != INCONCLUSIVE

    high = least
    while not decides(high):
        if high > MOST:
            return None
        high *= 2
    low = least
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle + 1, high)
    return min(high, change.n + change.unseen) if change.identical else high
