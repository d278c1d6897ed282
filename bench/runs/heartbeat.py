"""A sign of life: a small file that says how long an attempt has been under way, so that a kill leaves a bound of what it took."""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType

ALIVE = ".alive"  # "<attempt> <seconds that it is under way>", while it is and after it was killed
BEAT_SECONDS = 1.0


class Heartbeat(AbstractContextManager["Heartbeat"]):
    """Writes every second how long attempt `number` is under way into `folder`; the file goes when the block ends well."""

    def __init__(self, folder: Path, number: int) -> None:
        self.path, self.number = folder / ALIVE, number
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Heartbeat:
        self._thread = threading.Thread(target=self._beats, name="alive", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; what an attempt took that failed stays for the next one to write down."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if error is None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _beats(self) -> None:
        start = time.monotonic()
        with suppress(OSError), self.path.open("wb", buffering=0) as file:  # a full disk stops the run by its journal
            while True:
                os.pwrite(file.fileno(), f"{self.number} {time.monotonic() - start:012.1f}\n".encode(), 0)
                if self._over.wait(BEAT_SECONDS):
                    os.pwrite(file.fileno(), f"{self.number} {time.monotonic() - start:012.1f}\n".encode(), 0)
                    return


def last_beat(folder: Path) -> tuple[int, float] | None:
    """The number of the attempt that was killed and the seconds it was seen alive; None where none has left a sign."""
    try:
        number, seconds = (folder / ALIVE).read_text(encoding="ascii").split()
        attempt, alive = int(number), float(seconds)
    except (OSError, ValueError):
        return None
    return (attempt, alive) if math.isfinite(alive) else None
