"""Locks of files: held by the system for a living process, so that neither a dead owner nor its children hold one.

Who holds a lock stands in its file, for whoever is refused, waits or looks; whether it is held is asked of the system alone. The
file stays when the lock is let go.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # a system without them
    fcntl = None  # type: ignore[assignment]

_HELD_BY_OTHERS = (errno.EWOULDBLOCK, errno.EACCES)
_opened: set[int] = set()  # of this process


class NoLocksError(OSError):
    """The file system takes no locks."""


@dataclass(frozen=True)
class Owner:
    """Who took a lock: process (0 unknown), machine, since when (ISO 8601, UTC), what for, and the name of the draft it fills."""

    pid: int = 0
    host: str = ""
    since: str = ""
    what: str = ""
    draft: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return "another process"
        where = f" on {self.host}" if self.host and self.host != platform.node() else ""
        return f"process {self.pid}{where}" + (f", since {self.since}" if self.since else "")


def opened(path: Path) -> int:
    """The descriptor of a lock's file, which is made where it is not there; raises OSError."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:  # of another user: it can be locked all the same
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    _opened.add(file)
    return file


def taken(file: int, what: str = "") -> bool:
    """Take the lock, if nobody has it, and say so in its file; whether it is ours now. Raises NoLocksError where there are none."""
    if not _flock(file, shared=False):
        return False
    note(file, what)
    return True


def note(file: int, what: str, draft: str = "") -> None:
    """Say in the file of a lock that is ours who has it, what for, and where the work lies so far."""
    said = {"pid": os.getpid(), "host": platform.node(), "since": _now(), "what": what[:400], "draft": draft}
    with contextlib.suppress(OSError):  # on a full disk, or in a file of another user, nobody learns who it is
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(said).encode() + b"\n", 0)


def let_go(file: int) -> None:
    """Let go of the lock and its file."""
    if file in _opened:  # else this is a child, which has closed it
        _opened.discard(file)
        os.close(file)


def owner(file: int) -> Owner:
    """Who says to have taken the lock last."""
    try:
        found = json.loads(os.pread(file, 4096, 0))
        return Owner(
            int(found["pid"]),
            str(found["host"])[:80],
            str(found["since"])[:40],
            str(found["what"])[:400],
            str(found["draft"])[:200],
        )
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return Owner()


def holder(path: Path) -> Owner | None:
    """Who holds a lock right now; None where nobody does, and where the system does not say."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # what is no file keeps nobody waiting
    except OSError:
        return None
    try:
        return None if _flock(file, shared=True) else owner(file)
    except OSError:
        return None
    finally:
        os.close(file)


def _flock(file: int, *, shared: bool) -> bool:
    if fcntl is None:
        raise NoLocksError(errno.ENOSYS, "this system has none")
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        return True
    except OSError as error:
        if error.errno in _HELD_BY_OTHERS:
            return False
        raise NoLocksError(error.errno, error.strerror) from None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _of_a_child() -> None:
    """A child has its own copies of the files; it must not hold what its parent, once dead, has let go."""
    for file in _opened:
        with contextlib.suppress(OSError):
            os.close(file)
    _opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_of_a_child)
