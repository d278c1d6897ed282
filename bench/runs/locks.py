"""The lock of a run's folder: held by the system for a living process, so that a dead owner holds nothing.

Who holds it stands in the file, for whoever is refused or looks (`bench status`); whether it is held is asked of the system alone.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

LOCK = ".lock"
_PATIENCE_SECONDS = 0.3  # for whoever only looks whether it is held
_held: set[int] = set()  # file descriptors of this process's locks


@dataclass(frozen=True)
class Owner:
    """Who took a lock: process id, name of the machine ("" unknown), since when (ISO 8601, UTC), and doing what."""

    pid: int = 0
    host: str = ""
    since: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return "another process"
        where = f" on {self.host}" if self.host and self.host != platform.node() else ""
        return f"process {self.pid}{where}" + (f", since {self.since}" if self.since else "")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process out of a folder, which is there; raises BenchError where one is in it, OSError as `open` does."""
    path = folder / LOCK
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _take(file, folder)
        _held.add(file)
        owner = {"pid": os.getpid(), "host": platform.node(), "since": _now()}
        with contextlib.suppress(OSError):  # on a full disk nobody learns who it is
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps(owner).encode() + b"\n", 0)
        yield
    finally:
        _held.discard(file)
        os.close(file)


def _take(file: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise BenchError(
                    f"the file system of {folder} takes no locks ({error.strerror}), and without one two processes would write "
                    "into one run; name a folder on another with runs_dir= or BENCH_RUNS"
                ) from None
            if time.monotonic() > until:
                raise BenchError(
                    f"run directory {folder} is in use by {_owner(folder)}; wait for it or end it (`bench status` shows it)"
                ) from None
            time.sleep(0.02)


def holder(folder: Path) -> Owner | None:
    """Who holds the lock of a folder right now; None where nobody does, or where the system does not say."""
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except OSError as error:
        return _owner(folder) if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    finally:
        os.close(file)


def _owner(folder: Path) -> Owner:
    try:
        found = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        return Owner(int(found["pid"]), str(found["host"])[:80], str(found["since"])[:40])
    except (OSError, ValueError, TypeError, KeyError):
        return Owner()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _let_go() -> None:
    """A child has its own copies of the files; it must not hold what its parent, once dead, has let go."""
    for file in _held:
        with contextlib.suppress(OSError):
            os.close(file)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)
