"""A lock of one file, that a dead owner does not hold: waited for with patience, and gone without where it cannot be had."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_SECONDS = 60.0  # behind others; then one goes without: what it guards is right without it, only slower


@contextmanager
def locked(path: Path, patience: float | None = None) -> Iterator[None]:
    """Hold the lock of this file, which ends with the process; without it where it cannot be had, or not in time."""
    until = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
    handle = None
    with suppress(OSError):  # a folder that is read-only, a file system without locks
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    break
                time.sleep(0.02)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)
