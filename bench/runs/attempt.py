"""One attempt at a run: in the ledger from its first moment, seen to be alive, its answers kept as they come."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType

from bench.logs.log import Public, command, log
from bench.record import Timing
from bench.runs import spans
from bench.runs.appended import Appended
from bench.runs.course import Course
from bench.runs.folder import RunFolder
from bench.runs.heartbeat import Heartbeat, ended_by, last_beat, last_facts
from bench.runs.journal import JOURNAL, LEDGER, Kept, of_prediction, of_timing, recover
from bench.runs.ledger import Ledger
from bench.runs.locks import append
from bench.runs.timing import Stopwatch, nothing
from bench.types import Prediction


class Attempt(AbstractContextManager["Attempt"]):
    """Begins an attempt at the run of an opened folder: `watch` takes its times, `keep` what was answered.

    The line "begin" is in the ledger at once. A heartbeat says every second how long the attempt is under way, in a file of its
    own; where the last attempt was killed, that bounds what it took, and this one writes it down as "lost".
    """

    def __init__(self, folder: RunFolder, sync: Callable[[], None] = nothing) -> None:
        self.folder = folder
        self._journal, self._ledger = Appended(folder.path / JOURNAL), Appended(folder.path / LEDGER)
        self._read: Ledger | None = Ledger(folder.path / LEDGER)
        self.number = 1 + self._read.number
        self.watch = Stopwatch(self._record, attempt=self.number, sync=sync)
        self._lost = lost_in(folder.path, self._read)
        self._course = Course()
        self._beat = Heartbeat(folder.path, self.number, lambda: self._course.facts(self.watch.doing))
        self._telling = ExitStack()

    def __enter__(self) -> Attempt:
        for one in self._lost:
            self._record(one)
        if self._lost:
            why = last_facts(self.folder.path).get("ended") or "it was killed, or its machine went down"
            log.info("attempt %d did not finish: %s", self._lost[0].attempt, why)
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

    def recovered(
        self, place: Mapping[str, int], say: Callable[[str], None], asked: Mapping[str, str], n: int | None = None
    ) -> Kept:
        """What earlier attempts left: see `bench.runs.journal.recover`. The ledger may be another file behind it, opened anew.

        `n` are the examples that are to be answered, None for all that have a place.
        """
        self._ledger.close()
        read, self._read = self._read, None  # which it is of once: recovering may rewrite the file
        kept = recover(self.folder.path, place, say, asked, read)
        self._course.begin(len(kept.ids), len(place) if n is None else n)
        return kept

    def keep(self, predictions: Sequence[Prediction]) -> None:
        """Append answers to the journal, behind their reading in the ledger; raises BenchError where the disk takes no more."""
        with spans.span("write", rows=len(predictions)):
            append(self.folder.path, self._journal, [of_prediction(prediction) for prediction in predictions])
        self._course.came(predictions)

    def _record(self, timing: Timing) -> None:
        append(self.folder.path, self._ledger, [of_timing(timing)])
        if timing.phase not in ("predict", "begin"):
            log.info("%s: %.3f s", Public(timing.phase), timing.seconds)
        elif timing.phase == "predict" and log.isEnabledFor(logging.DEBUG):
            log.debug("%d answers in %.6f s, batch %s", timing.n, timing.seconds, timing.batch)


def lost_in(folder: Path, before: Ledger) -> list[Timing]:
    """The seconds of the last attempt that no reading holds, as far as it was seen alive; none where it left no sign.

    Where workers answered for it, those of each: all were held for it.
    """
    if (beat := last_beat(folder)) is None:
        return []
    attempt, alive = beat
    if attempt not in before.begun:
        return []
    left = alive - before.seconds[attempt]
    workers = before.of_workers.get(attempt)
    if workers is None:
        return [Timing(attempt, "lost", max(0.0, left))]
    return [Timing(attempt, "lost", max(0.0, left - seconds), part=part) for part, seconds in workers.items()]
