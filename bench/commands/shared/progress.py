"""Progress on stderr: a bar below all that is printed on a terminal, a line every ten seconds elsewhere.

The loop only notes how far it is; a thread of its own shows it, so that a run is seen to be alive while a model loads or thinks
about its first answer.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from bench.artifacts import transfer
from bench.commands.shared.bar import Line
from bench.commands.shared.pace import Pace, bytes_text, rate_text, seconds_text
from bench.commands.shared.picture import Picture
from bench.text.shown import tell

EVERY = 9.5  # seconds between lines where there is no terminal
_FRAME = 0.25  # seconds between pictures on a terminal
Clock = Callable[[], float]


class Progress:
    """How far one run is: call it with (done, n); `state` is what it was last told. See `bench.engine.progress`."""

    def __init__(self, label: str, clock: Clock = time.monotonic) -> None:
        self.label, self.state, self.clock = label, (0, 0), clock
        self.pace = Pace(clock())
        self._began = self._since = clock()
        self._doing, self._lock = "", threading.Lock()

    def __call__(self, done: int, n: int) -> None:
        """Note that `done` of `n` are done."""
        with self._lock:
            self.state, self._doing = (done, n), ""
            self.pace.told(done, n, self.clock())

    def doing(self, text: str) -> None:
        """Note what is done beside answering, "" for nothing."""
        with self._lock:
            self._doing, self._since = text, self.clock()
            self.pace.pause(bool(text), self._since)

    def line(self) -> Line:
        """What is to be said of it now."""
        with self._lock:
            now, (done, n), doing = self.clock(), self.state, self._doing
            rate, left = (None, None) if doing else (self.pace.rate(now), self.pace.left(now))
            since = self._since if doing else self._began
        facts = {
            "count": f"{done:,} of {n:,}" if n else "",
            "doing": doing,
            "elapsed": seconds_text(now - since),
            "rate": rate_text(rate) if rate else "",
            "left": f"{seconds_text(left)} left" if left else "",
        }
        return Line(self.label, facts, done / n if n else None)


class Fetching:
    """How far a transfer is; it is looked at, and tells nothing by itself."""

    def __init__(self, source: transfer.Transfer, now: float) -> None:
        self.source, self.pace, self.began = source, Pace(now), now
        self.pace.told(0, 0, now)

    def line(self, now: float) -> Line:
        """What is to be said of it now."""
        n, total = self.source.n_bytes(), self.source.total or 0
        self.pace.told(n, total, now)
        rate, left = self.pace.rate(now), self.pace.left(now)
        facts = {
            "count": f"{bytes_text(n)} of {bytes_text(total)}" if total else bytes_text(n) if n else "",
            "elapsed": seconds_text(now - self.began),
            "rate": f"{bytes_text(rate)}/s" if rate else "",
            "left": f"{seconds_text(left)} left" if left and total else "",
        }
        return Line(f"{self.source.doing} {self.source.name}", facts, n / total if total else None)


class Display:
    """Shows what goes on while its block lasts; outside of one it shows nothing, and notes all the same.

    `run` begins to show a run, `job` says which of how many it is.
    """

    def __init__(self, *, clock: Clock = time.monotonic, every: float = EVERY) -> None:
        self.clock, self.every = clock, every
        self.progress: Progress | None = None
        self._jobs, self._began = (0, 0, 0), clock()
        self._fetching: Fetching | None = None
        self._picture: Picture | None = None
        self._ended, self._thread = threading.Event(), threading.Thread(target=self._show, daemon=True)

    def run(self, label: str) -> Progress:
        """The progress of what is called so, which is shown from now on."""
        self.progress = Progress(label, self.clock)
        return self.progress

    def rest(self) -> None:
        """Show no run any more."""
        self.progress = None

    def job(self, number: int, n: int, failed: int) -> None:
        """Say that the job of this number, from 1, of `n` begins, and that so many have failed."""
        self._jobs = (number, n, failed)

    def __enter__(self) -> Display:
        self._picture = Picture.on(sys.stderr, sys.stdout)
        self._thread.start()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._ended.set()
        self._thread.join()
        if self._picture is not None:
            self._picture.end()

    def lines(self) -> list[Line]:
        """What is to be said now: of what is fetched, else of the run; behind that of all jobs, where there are several."""
        now, progress = self.clock(), self.progress
        source = transfer.now()
        if source is None:
            self._fetching = None
        elif self._fetching is None or self._fetching.source is not source:
            self._fetching = Fetching(source, now)
        found = [self._fetching.line(now)] if self._fetching else [progress.line()] if progress else []
        number, n, failed = self._jobs
        if n > 1:
            done, of = progress.state if progress else (0, 0)
            facts = {"failed": f"{failed} failed" if failed else "", "elapsed": seconds_text(now - self._began)}
            found.append(Line(f"job {number} of {n}", facts, (number - 1 + (done / of if of else 0)) / n))
        return found

    def _show(self) -> None:
        """Show it again and again, until the block ends."""
        while not self._ended.wait(_FRAME if self._picture is not None else self.every):
            found = self.lines()
            if self._picture is not None:
                self._picture.show(found)
            elif found:
                tell("bench: " + "; ".join(line.plain() for line in reversed(found)), err=True)
