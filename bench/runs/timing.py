"""The stopwatch and what is reported of its readings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from bench.types import Timing

# Samples that a percentile needs before it may be reported (99 % confidence). Source: MLPerf Inference rules, early stopping.
ENOUGH = {50: 11, 90: 64, 95: 130, 97: 219, 99: 662}


def nothing() -> None:
    """The barrier of a device that works in step with the program."""


class Stopwatch:
    """Measures phases in monotonic seconds; `sync` waits for the device before each reading.

    `record` is called with every finished Timing, in order, so that readings survive a crash.
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

    @contextmanager
    def phase(self, name: str, n: int = 0, **more: Any) -> Iterator[dict[str, Any]]:
        """Time a block; the yielded dictionary takes counts that are known only at its end (tokens)."""
        counts = {"n": n, **more}
        self.sync()
        start = self.clock()
        yield counts  # a block that raises is not recorded: its work is not in the journal either
        self.sync()
        self.record(Timing(attempt=self.attempt, phase=name, seconds=self.clock() - start, **counts))


def percentile(seconds: Sequence[float], rank: int) -> float | None:
    """The `rank`-th percentile, or None where too few samples would make it a guess (see `ENOUGH`)."""
    return float(np.percentile(seconds, rank)) if len(seconds) >= ENOUGH[rank] else None


def summarise(timings: Sequence[Timing]) -> dict[str, Any]:
    """Totals and rates of a run's raw readings.

    A batch may have been read twice, when a crash fell between its reading and its predictions; only its last reading
    counts towards rates, the others are `repeated`. The latency of an example is the time of the batch it came in, since
    no answer is there before; throughput includes the first batch, which is given on its own as well.
    """
    last = {timing.batch: timing for timing in timings if timing.phase == "predict"}
    batches = [last[number] for number in sorted(last, key=lambda number: -1 if number is None else number)]
    latency = [timing.seconds for timing in batches for _ in range(timing.n)]
    useful = sum(timing.seconds for timing in batches)
    total = {name: sum(t.seconds for t in timings if t.phase == name) for name in {t.phase for t in timings}}
    n, new_tokens = sum(t.n for t in batches), sum(t.new_tokens for t in batches)
    return {
        "attempts": max((t.attempt for t in timings), default=1),
        "seconds": dict(sorted(total.items())) | {"total": sum(total.values())},
        "repeated_seconds": total.get("predict", 0.0) - useful,
        "first_batch_seconds": batches[0].seconds if batches else None,
        "n": n,
        "prompt_tokens": sum(t.prompt_tokens for t in batches),
        "new_tokens": new_tokens,
        "truncated": sum(t.truncated for t in batches),
        "halvings": sum(t.halvings for t in batches),
        "examples_per_second": n / useful if useful else None,
        "tokens_per_second": new_tokens / useful if useful and new_tokens else None,
        "latency_p50": percentile(latency, 50),
        "latency_p90": percentile(latency, 90),
    }
