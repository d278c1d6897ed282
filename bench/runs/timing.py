"""The stopwatch and what is reported of its readings."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bench.record import Timing
from bench.runs import spans
from bench.runs.ledger import Owners

T = TypeVar("T")
_COUNTS = ("n", "prompt_tokens", "new_tokens", "truncated", "halvings")
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
    columns = _Columns()
    for one in readings:
        columns.see(one)
    return [readings[number] for number in columns.counting()]


class _Columns:
    """What is summed of readings of answers, in 45 bytes each."""

    def __init__(self) -> None:
        self.seconds, self.batches = array("d"), array("q")
        self.counts = {name: array("I") for name in _COUNTS}
        self._owners, self._placed, self._last = Owners(), array("b"), dict[int, int]()

    def see(self, one: Timing) -> None:
        """Take in one reading."""
        number, batch = len(self.seconds), -1 if one.batch is None else one.batch
        self.seconds.append(one.seconds)
        self.batches.append(batch)
        for name in _COUNTS:
            try:
                self.counts[name].append(getattr(one, name))
            except OverflowError:  # more than any batch has, but who knows who wrote it
                self.counts[name] = array("Q", self.counts[name])
                self.counts[name].append(getattr(one, name))
        self._placed.append(one.places is not None)
        if one.places is None:
            self._last[batch] = number
        else:
            self._owners.see(number, one.places)

    def counting(self) -> npt.NDArray[np.intp]:
        """The numbers of those that count, in the order of the plan: see `counted`."""
        counts = np.array(self._placed, dtype=bool) & (np.array(self.counts["n"]) == 0)
        for _, number in self._owners.items():
            counts[number] = True
        counts[list(self._last.values())] = True
        kept = np.flatnonzero(counts)
        batches = np.array(self.batches)[kept]
        return kept if (batches[1:] >= batches[:-1]).all() else kept[np.argsort(batches, kind="stable")]


def summarise(timings: Iterable[Timing]) -> dict[str, Any]:
    """Totals and rates of a run's raw readings; those that do not count (see `counted`) are `repeated`.

    The time per answer is that of the whole run: no request was sent alone. Throughput includes the first batch, which is given on
    its own as well. `started` is when the first attempt began. No reading is held.

    Where processes answered `parts` of the run, every sum and rate is of the time of all of them together, as one of them would
    have taken; `wall_seconds` are those of the longest of the parts that were begun for one another, and what was done alone.
    """
    columns, total, attempts, began = _Columns(), dict[str, float](), 0, None
    parts: dict[str, float] = {}
    for one in timings:
        attempts = max(attempts, one.attempt)
        if one.part is not None:
            parts[one.part] = parts.get(one.part, 0.0) + one.seconds
        if one.phase == "begin":
            began = one.at if began is None else began
            continue
        total[one.phase] = total.get(one.phase, 0) + one.seconds
        if one.phase == "predict":
            columns.see(one)
    kept = columns.counting()
    useful, first = 0.0, 0.0
    for number in kept:
        useful += columns.seconds[number]
        first += columns.seconds[number] if columns.batches[number] == columns.batches[kept[0]] else 0.0
    sums = {name: sum(column[number] for number in kept) for name, column in columns.counts.items()}
    n, new_tokens = sums["n"], sums["new_tokens"]
    return {
        "attempts": attempts or 1,
        **({"started": began} if began else {}),
        "seconds": dict(sorted(total.items())) | {"total": sum(total.values())},
        **({"parts": len(parts), "wall_seconds": _wall(sum(total.values()), parts)} if parts else {}),
        "repeated_seconds": total.get("predict", 0.0) - useful,
        "first_batch_seconds": first if len(kept) else None,
        **sums,
        "examples_per_second": n / useful if useful else None,
        "seconds_per_answer": useful / n if n else None,
        "tokens_per_second": new_tokens / useful if useful and new_tokens else None,
    }


def _wall(total: float, parts: Mapping[str, float]) -> float:
    """The seconds from first to last, where the parts of one token were answered at the same time and nothing else was."""
    longest: dict[str, float] = {}
    for key, seconds in parts.items():
        together = key.rpartition(" ")[2]
        longest[together] = max(longest.get(together, 0.0), seconds)
    return total - sum(parts.values()) + sum(longest.values())
