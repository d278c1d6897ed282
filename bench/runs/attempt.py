"""One attempt at a run: in the ledger from its first moment, seen to be alive, its answers kept as they come."""

from __future__ import annotations

import datetime
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType

from bench.logs.log import Public, command, log
from bench.record import Timing
from bench.runs import spans
from bench.runs.folder import RunFolder
from bench.runs.heartbeat import Heartbeat, ended_by, last_beat, last_facts
from bench.runs.journal import JOURNAL, LEDGER, Appended, Kept, of_prediction, of_timing, readable, recover
from bench.runs.timing import Stopwatch, nothing
from bench.types import Json, Prediction

_TOLD_SECONDS = 60.0  # between two lines of the log that say how far it is, and the time that a rate is of
_LONGEST_COMMAND = 600  # characters
_TOLD_ERRORS = 20  # failed examples that the log names; all of them are in the journal


class Attempt(AbstractContextManager["Attempt"]):
    """Begins an attempt at the run of an opened folder: `watch` takes its times, `keep` what was answered.

    The line "begin" is in the ledger at once. A heartbeat says every second how long the attempt is under way, in a file of its
    own; where the last attempt was killed, that bounds what it took, and this one writes it down as "lost".
    """

    def __init__(self, folder: RunFolder, sync: Callable[[], None] = nothing) -> None:
        self.folder = folder
        self._journal, self._ledger = Appended(folder.path / JOURNAL), Appended(folder.path / LEDGER)
        before, _ = readable(folder.path / LEDGER)
        self.number = 1 + max((reading.attempt for reading in before), default=0)
        self.watch = Stopwatch(self._record, attempt=self.number, sync=sync)
        self._lost = _lost(folder.path, before)
        self._course = _Course()
        self._beat = Heartbeat(folder.path, self.number, lambda: self._course.facts(self.watch.doing))
        self._telling = ExitStack()

    def __enter__(self) -> Attempt:
        if self._lost is not None:
            self._record(self._lost)
            why = last_facts(self.folder.path).get("ended") or "it was killed, or its machine went down"
            log.info("attempt %d did not finish: %s", self._lost.attempt, why)
        log.info("attempt %d begins, as process %d: %s", self.number, os.getpid(), command())
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._telling.enter_context(spans.told())
        self.watch.begin(now)
        self._beat.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the heartbeat; what an attempt took that failed stays for the next one to write down."""
        self._telling.close()
        self._course.end()
        if isinstance(error, KeyboardInterrupt):
            log.warning("interrupted with %d of %d answers kept", self._course.done, self._course.n)
        elif error is not None:
            log.error("ended with %d of %d answers kept: %s", self._course.done, self._course.n, ended_by(error))
        self._beat.__exit__(kind, error, trace)
        self._journal.close()
        self._ledger.close()

    def recovered(self, place: Mapping[str, int], say: Callable[[str], None], asked: Mapping[str, str]) -> Kept:
        """What earlier attempts left: see `bench.runs.journal.recover`. The ledger may be another file behind it, opened anew."""
        self._ledger.close()
        kept = recover(self.folder.path, place, say, asked)
        self._course.begin(len(kept.ids), len(place))
        return kept

    def keep(self, predictions: Sequence[Prediction]) -> None:
        """Append answers to the journal, behind their reading in the ledger; raises BenchError where the disk takes no more."""
        with spans.span("write", rows=len(predictions)):
            self._journal.write([of_prediction(prediction) for prediction in predictions])
        self._course.came(predictions)

    def _record(self, timing: Timing) -> None:
        self._ledger.write([of_timing(timing)])
        if timing.phase not in ("predict", "begin"):
            log.info("%s: %.3f s", Public(timing.phase), timing.seconds)
        elif timing.phase == "predict" and log.isEnabledFor(logging.DEBUG):
            log.debug("%d answers in %.6f s, batch %s", timing.n, timing.seconds, timing.batch)


class _Course:
    """How far an attempt is, for its sign of life and its log."""

    def __init__(self) -> None:
        self.done = self.n = self._errors = 0
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
                if self._errors <= _TOLD_ERRORS:
                    log.warning("example %s failed: %s", one.id, one.error)

    def facts(self, doing: str) -> dict[str, Json]:
        """What the sign of life says: answers, rate of the last minute (None unknown), what is done beside, the command."""
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
        return {"done": self.done, "n": self.n, "rate": rate, "doing": doing, "command": command()[:_LONGEST_COMMAND]}

    def end(self) -> None:
        """Say what the log did not name."""
        if self._errors > _TOLD_ERRORS:
            log.warning("%d examples failed in this attempt; the journal has their errors", self._errors)


def _lost(folder: Path, readings: Sequence[Timing]) -> Timing | None:
    """The seconds of the last attempt that no reading holds, as far as it was seen alive; None where it left no sign."""
    if (beat := last_beat(folder)) is None:
        return None
    attempt, alive = beat
    if not any(one.attempt == attempt and one.phase == "begin" for one in readings):
        return None
    known = sum(one.seconds for one in readings if one.attempt == attempt)
    return Timing(attempt, "lost", max(0.0, alive - known))
