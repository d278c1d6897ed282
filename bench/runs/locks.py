"""The lock of a run's folder: a second process is refused at once, and told who is in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import locks
from bench.errors import BenchError
from bench.locks import Owner

LOCK = ".lock"
_PATIENCE_SECONDS = 0.3  # for whoever only looks whether it is held


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process out of a folder, which is there; raises BenchError where one is in it, OSError as `open` does."""
    file = locks.opened(folder / LOCK)
    try:
        _take(file, folder)
        yield
    finally:
        locks.let_go(file)


def _take(file: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    try:
        while not locks.taken(file):
            if time.monotonic() > until:
                raise BenchError(
                    f"run directory {folder} is in use by {locks.owner(file)}; wait for it or end it (`bench status` shows it)"
                )
            time.sleep(0.02)
    except locks.NoLocksError as error:
        raise BenchError(
            f"the file system of {folder} takes no locks ({error.strerror}), and without one two processes would write into one "
            "run; name a folder on another with runs_dir= or BENCH_RUNS"
        ) from None


def holder(folder: Path) -> Owner | None:
    """Who is in a run's folder right now; None where nobody is, or where the system does not say."""
    return locks.holder(folder / LOCK)
