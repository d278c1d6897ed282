"""When a run was at work, as MLflow shows it: a duration is work, never a pause, nor the time until somebody logged it.

One rule for every run: it ends when its record was made and begins as many seconds before as its attempts worked. For a run in one
go that is when its first attempt began; one that was killed on Friday and resumed on Monday did not take a weekend. How long
it paused, how many attempts there were and when the first began stand beside it.
"""

from __future__ import annotations

import datetime
import time

from bench.record import Run
from bench.runs.claimed import is_claimed


def span(run: Run) -> tuple[int, int]:
    """When the run began and ended, in milliseconds since 1970. What is claimed took no time that anybody knows: it is of now."""
    if is_claimed(run, "date"):
        return (now := int(time.time() * 1000)), now
    end = _milliseconds(run.created)
    return end - round(1000 * at_work(run)), end


def at_work(run: Run) -> float:
    """The seconds that all attempts worked."""
    return float(run.timings["seconds"]["total"])


def paused(run: Run) -> float | None:
    """The seconds between the attempts; None where the record does not say when the first began."""
    if run.timings.get("attempts", 1) == 1:
        return 0.0
    started = run.timings.get("started")
    if started is None:
        return None
    return max(0.0, (_milliseconds(run.created) - _milliseconds(str(started))) / 1000 - at_work(run))


def _milliseconds(said: str) -> int:
    return int(datetime.datetime.fromisoformat(said).timestamp() * 1000)
