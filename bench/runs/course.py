"""How far an attempt is and how fast, as its sign of life says it and its log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from bench.logs.log import command, log
from bench.text.secrets import clean
from bench.text.shown import terminal
from bench.types import Json, Prediction

_TOLD_SECONDS = 60.0  # between two lines of the log that say how far it is, and the time that a rate is of
_LONGEST = 400  # characters of the command, and of an error
_TOLD_ERRORS = 20  # failed examples that the log names; all of them are in the journal


class Course:
    """Counts the answers of one attempt."""

    def __init__(self) -> None:
        self.done = self.n = self._errors = 0
        self._last = ""  # error
        self._seen: deque[tuple[float, int]] = deque()  # time and answers, of the last minute
        self._told = time.monotonic()

    def begin(self, done: int, n: int) -> None:
        """So many of `n` answers are kept from before."""
        self.done, self.n = done, n
        log.info("%d of %d answers are kept from before", done, n)

    def came(self, predictions: Sequence[Prediction]) -> None:
        """These answers were kept."""
        self.done += len(predictions)
        for one in predictions:
            if one.error is not None:
                self._errors += 1
                self._last = f"example {one.id}: {one.error[:_LONGEST]}"
                if self._errors <= _TOLD_ERRORS:
                    log.warning("example %s failed: %s", one.id, one.error)

    def facts(self, doing: str) -> dict[str, Json]:
        """What the sign of life says: answers, rate of the last minute (None unknown), what is done beside, the command, errors."""
        now = time.monotonic()
        while len(self._seen) > 1 and now - self._seen[0][0] > _TOLD_SECONDS:
            self._seen.popleft()
        self._seen.append((now, self.done))
        since, then = self._seen[0]
        took = now - since
        rate = (self.done - then) / took if took > 0 and self.done > then else None
        if now - self._told >= _TOLD_SECONDS:
            self._told = now
            log.info("%d of %d answers, %.3g a second", self.done, self.n, rate or 0.0)
        said = {"failed": self._errors, "last_error": terminal(clean(self._last), _LONGEST)} if self._errors else {}
        return {"done": self.done, "n": self.n, "rate": rate, "doing": doing, "command": command()[:_LONGEST], **said}

    def end(self) -> None:
        """Say what the log did not name."""
        if self._errors > _TOLD_ERRORS:
            log.warning("%d examples failed in this attempt; the journal has their errors", self._errors)
