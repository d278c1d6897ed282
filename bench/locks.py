"""Locks of files: held by the system for a living process, so that neither a dead owner nor its children hold one.

Where other machines may see the file, or the system gives no locks for it, a lease is held beside (`bench.leases`). Who holds a
lock stands in its file, for whoever is refused, waits or looks; whether it is held is asked of the system, and of the lease,
alone. The file stays when the lock is let go.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import leases, machine

try:
    import fcntl
except ImportError:  # a system without them
    fcntl = None  # type: ignore[assignment]

_HELD_BY_OTHERS = (errno.EWOULDBLOCK, errno.EACCES)
_opened: dict[int, Path] = {}  # of this process
_leasing: set[int] = set()  # of those, the ones whose lease is ours


class NoLocksError(OSError):
    """The file system takes no locks, and no file can be made beside it to hold a lease."""


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
    own = os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)  # the owner is written in: of a link it would be anybody's file
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | own, 0o666)
    except PermissionError:  # of another user: it can be locked all the same
        file = os.open(path, os.O_RDONLY | own)
    _opened[file] = path.absolute()
    leases.look_anew(path.absolute())
    return file


def taken(file: int, what: str = "") -> bool:
    """Take the lock, if nobody has it, and say so in its file; whether it is ours now. Raises NoLocksError where there are none."""
    path, without = _opened[file], None
    try:
        if not _flock(file, shared=False):
            return False
    except NoLocksError as error:
        without = error
    if (without or machine.shared_kind(path)) and not _leased(file, path, without):
        return False
    note(file, what)
    return True


def _leased(file: int, path: Path, without: NoLocksError | None) -> bool:
    """Whether the lease of a lock is ours now; the lock is let go where not. `without`: the system has given none."""
    try:
        if leases.taken(path):
            _leasing.add(file)
            return True
    except OSError as error:
        raise without or NoLocksError(error.errno, error.strerror) from None
    if fcntl is not None and without is None:
        fcntl.flock(file, fcntl.LOCK_UN)
    return False


def is_undecided(file: int) -> bool:
    """Whether a lock that was not taken may be that of a dead machine: it is tried again until that is known, at most a minute."""
    return leases.is_undecided(_opened[file])


def has_leases() -> bool:
    """Whether a lock of this process needs a lease at all."""
    return bool(_leasing)


def is_lost(path: Path, *, now: bool = False) -> bool:
    """Whether a lock that is ours was taken over by another machine, to which this one seemed dead; it may write no more.

    With `now` it is looked at even where that was done a moment ago.
    """
    return leases.is_lost(path.absolute(), now=now)


def is_taken(path: Path) -> bool:
    """Whether a lock that was ours is that of another by now; else its lease was removed or changed by hand."""
    return leases.is_taken(path.absolute())


def is_after_silence(path: Path) -> bool:
    """Whether a lock that is ours was that of another machine which gave no sign of life, and may wake while it writes."""
    return leases.is_after_silence(path.absolute())


def note(file: int, what: str, draft: str = "") -> None:
    """Say in the file of a lock that is ours who has it, what for, and where the work lies so far."""
    said = {"pid": os.getpid(), "host": platform.node(), "since": _now(), "what": what[:400], "draft": draft}
    with contextlib.suppress(OSError):  # on a full disk, or in a file of another user, nobody learns who it is
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(said).encode() + b"\n", 0)


def let_go(file: int) -> None:
    """Let go of the lock and its file."""
    if file in _opened:  # else this is a child, which has closed it
        path = _opened.pop(file)
        if file in _leasing:
            _leasing.discard(file)
            leases.give_back(path)
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


def holders(folder: Path) -> Iterator[Owner]:
    """Who holds a lock of this folder right now."""
    leased = leases.leased(folder)  # once: each look for leases goes through the whole folder
    for path in sorted(folder.glob("*")):
        if (found := holder(path, leased=path.name in leased)) is not None:
            yield found


def holder(path: Path, *, leased: bool = True) -> Owner | None:
    """Who holds a lock right now; None where nobody does, and where the system does not say. Without `leased` it has no lease."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # what is no file keeps nobody waiting
    except OSError:
        return None
    try:
        return owner(file) if not _is_unlocked(file) or (leased and leases.is_held(path.absolute())) else None
    except OSError:
        return None
    finally:
        os.close(file)


def _is_unlocked(file: int) -> bool:
    """Whether the system says that nobody has the lock, or says nothing."""
    try:
        return _flock(file, shared=True)
    except NoLocksError:
        return True


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
    _leasing.clear()
    leases.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_of_a_child)
