"""A sign of life: a small file that says how long an attempt has been under way, so that a kill leaves a bound of what it took.

Its second line is for whoever looks (`bench status`): how far the attempt is, and behind its end by what it ended.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.errors import BenchError, said_by
from bench.text.secrets import clean
from bench.text.shown import terminal

ALIVE = ".alive"  # "<attempt> <seconds that it is under way>", while it is and after it was killed
BEAT_SECONDS = 1.0
_BYTES = 4096  # of the file, always: what is written over it in place needs no room on a full disk
_LONGEST = 600  # characters of what ended an attempt


class Heartbeat(AbstractContextManager["Heartbeat"]):
    """Writes every second how long attempt `number` is under way into `folder`, with its `facts`; goes when all ends well."""

    def __init__(self, folder: Path, number: int, facts: Callable[[], Mapping[str, Any]] = dict) -> None:
        self.path, self.number, self.facts = folder / ALIVE, number, facts
        self._ended = ""
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Heartbeat:
        self._thread = threading.Thread(target=self._beats, name="alive", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; what an attempt took that failed stays for the next one to write down, with what ended it."""
        self._ended = "" if error is None else ended_by(error)
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
                os.pwrite(file.fileno(), self._text(time.monotonic() - start), 0)
                if self._over.wait(BEAT_SECONDS):
                    os.pwrite(file.fileno(), self._text(time.monotonic() - start), 0)
                    return

    def _text(self, seconds: float) -> bytes:
        first = f"{self.number} {seconds:012.1f}\n"
        facts = json.dumps(dict(self.facts()) | ({"ended": self._ended} if self._ended else {}))
        if len(first) + len(facts) >= _BYTES:  # of letters that take many bytes
            facts = json.dumps({"ended": self._ended[:100]}) if self._ended else "{}"
        return first.encode() + facts.encode().ljust(_BYTES - len(first) - 1) + b"\n"


def ended_by(error: BaseException) -> str:
    """What ended an attempt, in one line without secrets."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    said = str(error) if isinstance(error, BenchError) else said_by(error)
    return terminal(clean(said), _LONGEST)


def _sign(folder: Path) -> bytes:
    """What is in the file; raises OSError, as for a named pipe, which would keep a reader waiting."""
    path = folder / ALIVE
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.read_bytes()


def last_beat(folder: Path) -> tuple[int, float] | None:
    """The number of the attempt that was killed and the seconds it was seen alive; None where none has left a sign."""
    try:
        first, _, _ = _sign(folder).partition(b"\n")
        number, seconds = first.decode("ascii").split()
        attempt, alive = int(number), float(seconds)
    except (OSError, ValueError):
        return None
    return (attempt, alive) if math.isfinite(alive) else None


def last_facts(folder: Path) -> dict[str, Any]:
    """What the last attempt said of itself; {} where it said nothing that can be read."""
    try:
        _, _, second = _sign(folder).partition(b"\n")
        found = json.loads(second)
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}
