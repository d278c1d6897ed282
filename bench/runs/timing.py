"""The stopwatch and what is reported of its readings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from bench.record import Timing
from bench.runs import spans
from bench.runs.journal import owners

T = TypeVar("T")
LEAST_SECONDS = 0.001  # behind the last answer of a batch: less is no work


def nothing() -> None:
    """The barrier of a device that works in step with the program."""


class Stopwatch:
    """Measures phases in monotonic seconds; `sync` waits for the device before each reading.

    `record` is called with every finished Timing, in order, so that readings survive a crash. From `begin` on each says when it
    began, and what was told of its parts (`bench.runs.spans`).
    """

    def __init__(
        self,
        record: Callable[[Timing], None],
        *,
        attempt: int = 1,
        clock: Callable[[], float] = time.perf_counter,
        sync: Callable[[], None] = nothing,
    ) -> None:
        self.record, self.attempt, self.clock, self.sync = record, attempt, clock, sync
        self.origin: float | None = None
        self.doing = ""  # the phase that is under way

    def begin(self, at: str) -> None:
        """Write the attempt's first line, at the time `at`; the clock counts from here."""
        self.origin = self.clock()
        self.record(Timing(self.attempt, "begin", 0.0, at=at, spans=spans.taken(self.origin) or None))

    def _since(self, start: float) -> dict[str, Any]:
        """When a reading began, and the spans that were told up to its end."""
        if self.origin is None:
            return {}
        return {"start": round(start - self.origin, 6), "spans": spans.taken(self.origin) or None}

    @contextmanager
    def phase(self, name: str, n: int = 0, **more: Any) -> Iterator[dict[str, Any]]:
        """Time a block; the yielded dictionary takes counts that are known only at its end (tokens)."""
        counts = {"n": n, **more}
        self.sync()
        self.doing = name
        start = self.clock()
        yield counts  # a block that raises is not recorded: its work is not in the journal either
        self.sync()
        seconds = self.clock() - start
        self.doing = ""
        self.record(Timing(attempt=self.attempt, phase=name, seconds=seconds, **counts, **self._since(start)))

    def steps(self, groups: Iterator[T], counts: Callable[[T], Mapping[str, Any]], batch: int) -> Iterator[T]:
        """Each group as it comes, the time that it took recorded with its counts before it is given on.

        What is done with a group is not in its time; what comes behind the last one is a reading of its own, if it took any.
        """
        while True:
            self.sync()
            start = self.clock()
            group = next(groups, None)
            self.sync()
            seconds = self.clock() - start
            if group is None:
                if seconds > LEAST_SECONDS:
                    self.record(self._predicted(start, seconds, batch, {"places": ()}))
                return
            self.record(self._predicted(start, seconds, batch, counts(group)))
            yield group

    def _predicted(self, start: float, seconds: float, batch: int, counts: Mapping[str, Any]) -> Timing:
        return Timing(
            attempt=self.attempt, phase="predict", seconds=seconds, batch=batch, **counts, **self._since(start)
        )


def counted(timings: Sequence[Timing]) -> list[Timing]:
    """The readings of what was predicted that count, in the order of the plan: of each answer the last that is of it.

    A reading whose answers were all given again later, or never reached the journal, is repeated work. Earlier versions wrote no
    places: then a batch's last reading is the one.
    """
    readings = [timing for timing in timings if timing.phase == "predict"]
    last = {one.batch: number for number, one in enumerate(readings) if one.places is None}
    owning = set(owners(readings).values())
    kept = [
        one
        for number, one in enumerate(readings)
        if (last[one.batch] == number if one.places is None else number in owning or not one.n)
    ]
    return sorted(kept, key=lambda one: -1 if one.batch is None else one.batch)


def summarise(timings: Sequence[Timing]) -> dict[str, Any]:
    """Totals and rates of a run's raw readings; those that do not count (see `counted`) are `repeated`.

    The time per answer is that of the whole run: no request was sent alone. Throughput includes the first batch, which is given on
    its own as well. `started` is when the first attempt began.
    """
    useful_readings = counted(timings)
    useful = sum(timing.seconds for timing in useful_readings)
    phases = dict.fromkeys(timing.phase for timing in timings if timing.phase != "begin")
    total = {name: sum(t.seconds for t in timings if t.phase == name) for name in phases}
    n, new_tokens = sum(t.n for t in useful_readings), sum(t.new_tokens for t in useful_readings)
    first = useful_readings[0].batch if useful_readings else None
    began = next((one.at for one in timings if one.phase == "begin"), None)
    return {
        "attempts": max((t.attempt for t in timings), default=1),
        **({"started": began} if began else {}),
        "seconds": dict(sorted(total.items())) | {"total": sum(total.values())},
        "repeated_seconds": total.get("predict", 0.0) - useful,
        "first_batch_seconds": sum(t.seconds for t in useful_readings if t.batch == first) if useful_readings else None,
        "n": n,
        "prompt_tokens": sum(t.prompt_tokens for t in useful_readings),
        "new_tokens": new_tokens,
        "truncated": sum(t.truncated for t in useful_readings),
        "halvings": sum(t.halvings for t in useful_readings),
        "examples_per_second": n / useful if useful else None,
        "seconds_per_answer": useful / n if n else None,
        "tokens_per_second": new_tokens / useful if useful and new_tokens else None,
    }
