"""A lock that is waited for with patience, and gone without where it cannot be had: without it all is right too, only slower."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench import locks

PATIENCE_SECONDS = 60.0  # behind others


@contextmanager
def locked(path: Path, patience: float | None = None) -> Iterator[None]:
    """Hold the lock of this file, which ends with the process; without it where it cannot be had, or not in time."""
    until = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
    file = None
    with suppress(OSError):  # a folder that is read-only, a file system without locks
        path.parent.mkdir(parents=True, exist_ok=True)
        file = locks.opened(path)
        while not locks.taken(file, "logging") and time.monotonic() < until:
            time.sleep(0.02)
    try:
        yield
    finally:
        if file is not None:
            locks.let_go(file)
