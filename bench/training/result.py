"""What several trainings to one target come to: by the rule of MLPerf Training, by that of AlgoPerf, and how far they lie apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from bench.types import Json

LEAST = 3  # runs, so that something is left without the fastest and the slowest


def result(times: Sequence[float | None]) -> dict[str, Json]:
    """The result of the seconds that each seed took, None for one that missed the target: "mlperf", "algoperf" and "spread"."""
    return {"mlperf": mlperf(times), "algoperf": algoperf(times), "spread": spread(times)}


def mlperf(times: Sequence[float | None]) -> dict[str, Json]:
    """The mean without the fastest and the slowest run; a run that misses is the slowest, and a second one leaves no result.

    >>> mlperf([30.0, 10.0, 20.0, None, 40.0])["seconds"]
    30.0
    """
    n, misses = len(times), sum(one is None for one in times)
    if misses > 1:
        return _none(f"{misses} of {n} runs miss the target; one may, as the slowest")
    if n < LEAST:
        missed = ", and one of them misses the target" if misses else ""
        return _none(
            f"{n} run{'s' * (n > 1)}{missed}; at least {LEAST} are needed, of which the fastest and the slowest are dropped"
        )
    kept = sorted(math.inf if one is None else one for one in times)[1:-1]
    slowest = "the slowest, which misses the target" if misses else "the slowest"
    reason = f"the mean of {len(kept)} of {n} runs, without the fastest and {slowest}"
    return {"seconds": math.fsum(kept) / len(kept), "valid": True, "reason": reason}


def _none(reason: str) -> dict[str, Json]:
    return {"seconds": None, "valid": False, "reason": reason}


def algoperf(times: Sequence[float | None]) -> dict[str, Json]:
    """The median of all runs, where one that misses takes for ever; None is infinite.

    >>> algoperf([10.0, None, 20.0])["seconds"], algoperf([10.0, None])["seconds"]
    (20.0, None)
    """
    median = statistics.median(math.inf if one is None else one for one in times)
    misses = sum(one is None for one in times)
    reason = f"the median of {len(times)} run{'s' * (len(times) != 1)}" + (
        f", {misses} of them infinite" if misses else ""
    )
    return {"seconds": median if math.isfinite(median) else None, "reason": reason}


def spread(times: Sequence[float | None]) -> dict[str, Json]:
    """Least, most and standard deviation (n - 1) in seconds of the runs that reached the target, and how many did."""
    reached = [one for one in times if one is not None]
    return {
        "n": len(times), "n_reached": len(reached), "min": min(reached, default=None), "max": max(reached, default=None),
        "std": statistics.stdev(reached) if len(reached) > 1 else None,
    }  # fmt: skip


def has_failed(times: Sequence[float | None]) -> bool:
    """Whether so many runs miss the target that there is no result for that reason."""
    misses = sum(one is None for one in times)
    return misses > 1 or (misses == 1 and len(times) < LEAST)
