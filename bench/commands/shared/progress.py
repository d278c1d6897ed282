"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from bench.text.shown import tell, terminal

_EVERY = 10.0  # seconds between lines where there is no terminal


class Progress:
    """Call it with (done, n); `state` is what it was last told."""

    def __init__(self, label: str) -> None:
        self.label, self.state, self.start, self.last = label, (0, 0), time.monotonic(), time.monotonic()

    def __call__(self, done: int, n: int) -> None:
        """Show that `done` of `n` are done."""
        self.state = (done, n)
        now = time.monotonic()
        if sys.stderr.isatty():
            filled = 24 * done // n if n else 0
            end = "\n" if done == n else ""
            text = f"\r{terminal(self.label, 100)} [{'#' * filled}{'.' * (24 - filled)}] {done}/{n} {now - self.start:.0f} s"
            print(text, end=end, file=sys.stderr, flush=True)
        elif now - self.last >= _EVERY and done < n:
            self.last = now
            tell(f"bench: {self.label}: {done} of {n}, {now - self.start:.0f} s", err=True)
