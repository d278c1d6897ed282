"""One attempt at a run: in the ledger from its first moment, seen to be alive, its answers kept as they come."""

from __future__ import annotations

import datetime
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType

from bench.record import Timing
from bench.runs import spans
from bench.runs.folder import RunFolder
from bench.runs.journal import JOURNAL, LEDGER, Appended, Kept, of_prediction, of_timing, readable, recover
from bench.runs.timing import Stopwatch, nothing
from bench.types import Prediction

ALIVE = ".alive"  # "<attempt> <seconds that it is under way>", while it is and after it was killed
BEAT_SECONDS = 1.0


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
        self._lost = _lost(folder.path / ALIVE, before)
        self._over = threading.Event()
        self._beat: threading.Thread | None = None
        self._telling = ExitStack()

    def __enter__(self) -> Attempt:
        if self._lost is not None:
            self._record(self._lost)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._telling.enter_context(spans.told())
        self.watch.begin(now)
        self._beat = threading.Thread(target=self._beats, args=(self.folder.path / ALIVE,), name="alive", daemon=True)
        self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the heartbeat; what an attempt took that failed stays for the next one to write down."""
        self._over.set()
        self._telling.close()
        if self._beat is not None:
            self._beat.join()
        self._journal.close()
        self._ledger.close()
        if error is None:
            with suppress(OSError):
                (self.folder.path / ALIVE).unlink(missing_ok=True)

    def recovered(self, place: Mapping[str, int], say: Callable[[str], None], asked: Mapping[str, str]) -> Kept:
        """What earlier attempts left: see `bench.runs.journal.recover`. The ledger may be another file behind it, opened anew."""
        self._ledger.close()
        return recover(self.folder.path, place, say, asked)

    def keep(self, predictions: Sequence[Prediction]) -> None:
        """Append answers to the journal, behind their reading in the ledger; raises BenchError where the disk takes no more."""
        with spans.span("write", rows=len(predictions)):
            self._journal.write([of_prediction(prediction) for prediction in predictions])

    def _record(self, timing: Timing) -> None:
        self._ledger.write([of_timing(timing)])

    def _beats(self, path: Path) -> None:
        start = time.monotonic()
        with suppress(OSError), path.open("wb", buffering=0) as file:  # a full disk stops the run by its journal
            while True:
                os.pwrite(file.fileno(), f"{self.number} {time.monotonic() - start:012.1f}\n".encode(), 0)
                if self._over.wait(BEAT_SECONDS):
                    os.pwrite(file.fileno(), f"{self.number} {time.monotonic() - start:012.1f}\n".encode(), 0)
                    return


def _lost(path: Path, readings: Sequence[Timing]) -> Timing | None:
    """The seconds of the last attempt that no reading holds, as far as it was seen alive; None where it left no sign."""
    try:
        number, seconds = path.read_text(encoding="ascii").split()
        attempt, alive = int(number), float(seconds)
    except (OSError, ValueError):
        return None
    if not math.isfinite(alive):
        return None
    if not any(one.attempt == attempt and one.phase == "begin" for one in readings):
        return None
    known = sum(one.seconds for one in readings if one.attempt == attempt)
    return Timing(attempt, "lost", max(0.0, alive - known))
