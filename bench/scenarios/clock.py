"""The clock of a timing, what it may do that makes a reading worth nothing, and how it is seen."""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol

BEAT_SECONDS = 0.2
_LATE = 0.5  # seconds behind its time that a beat may come, before the program is looked at
_BUSY = 0.5  # share of that time in which it computed: then it had the processor, and only this thread had not


class Clock(Protocol):
    """Seconds that never run backwards, and a wait that leaves the processor to others; a test sets its own by hand."""

    name: str

    def now(self) -> float:
        """Seconds since some moment."""

    def sleep_until(self, when: float) -> None:
        """Return once `now` is `when` or later; at once where it is."""

    def suspended(self) -> float:
        """How long the machine has been suspended since that moment; this clock stands still then."""


class Monotonic:
    """The machine's monotonic clock; waiting sleeps, so that the core that is measured is left alone."""

    name = "CLOCK_MONOTONIC"

    def now(self) -> float:
        """Seconds since the machine began."""
        return time.monotonic()

    def sleep_until(self, when: float) -> None:
        """Sleep; how much too late that ends is part of what is measured."""
        while (left := when - time.monotonic()) > 0:
            time.sleep(left)

    def suspended(self) -> float:
        """What the clock that goes on while the machine sleeps has more; 0 where there is none."""
        if not hasattr(time, "CLOCK_BOOTTIME"):
            return 0.0
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()


class Watched:
    """A clock that notes when it is turned back, and gives no time earlier than the last; threads may share it.

    Seconds are since `begin`.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock, self.backwards = clock, 0.0
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._start = self._last = self.clock.now()
        self._suspended = self.clock.suspended()

    def now(self) -> float:
        """Seconds since the beginning."""
        with self._lock:
            found = self.clock.now()
            if found < self._last:
                self.backwards += self._last - found
                self._start -= self._last - found  # goes on from where it was
            self._last = found
            return found - self._start

    def sleep_until(self, when: float) -> None:
        """Wait until so many seconds since the beginning."""
        self.clock.sleep_until(self._start + when)

    def suspended(self) -> float:
        """How long the machine was suspended since the beginning."""
        return max(0.0, self.clock.suspended() - self._suspended)


class Pulse(AbstractContextManager["Pulse"]):
    """Beats a few times a second while its block lasts; `stopped` are the seconds in which the whole program stood still.

    A beat that comes late is no sign by itself: a library may keep Python's lock while it computes. It is one where the program
    had next to no processor time either. `kept_waiting` are the seconds in which the thread that had to wait most was ready to
    compute, and other programs had the processor.
    """

    def __init__(self) -> None:
        self.stopped = self.kept_waiting = 0.0
        self._delays: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._delays = delays()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; how long threads waited that are gone by now, nobody knows."""
        self.kept_waiting = max((end - self._delays.get(name, 0.0) for name, end in delays().items()), default=0.0)
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        then, used = time.monotonic(), time.process_time()
        while not self._over.wait(BEAT_SECONDS):
            now, uses = time.monotonic(), time.process_time()
            late = now - then - BEAT_SECONDS
            if late > _LATE and uses - used < _BUSY * late:
                self.stopped += late
            then, used = now, uses


def delays() -> dict[str, float]:
    """How many seconds each thread of this program was ready to run and did not; {} where the kernel does not tell."""
    found = {}
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            found[path.parent.name] = int(path.read_text().split()[1]) / 1e9
    return found
