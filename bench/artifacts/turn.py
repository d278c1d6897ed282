"""Turns: what is fetched or made once is so by one process at a time; the others wait, and take what it brought."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from bench.artifacts import transfer
from bench.artifacts.digest import cache_dir
from bench.text.shown import tell

try:
    import fcntl
except ImportError:  # a system without them: each process has its turn at once
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)  # what a file system without them answers
_LOOK = 0.1  # seconds between two looks whether it is our turn
_SAID_AFTER = 1.0  # seconds of waiting from which it is worth a line: a page is drawn sooner
_FORSAKEN = 24 * 3600  # seconds without a change after which a draft without a lock, of an earlier version, is nobody's


@contextmanager
def turn(place: Path, doing: str, name: str) -> Iterator[Path]:
    """The turn to bring `place` into the cache: an empty folder of the cache to make it in, which is removed afterwards.

    One process has it at a time. Who waits is told for which process, which is `doing` ("fetching") what is called `name`; whoever
    gets the turn looks again whether `place` is there by now. The lock is the system's, on a file that stays: a process that dies
    lets go of it, and its drafts are cleared by the next one. A file system without locks gives a turn to all, in one line.
    Raises OSError where the cache cannot be written.
    """
    key, drafts = _key(place), cache_dir() / "drafts"
    with held(place, doing, name) as note:
        drafts.mkdir(parents=True, exist_ok=True)
        _clear(drafts, key)
        folder = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=drafts))
        note(folder.name)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # also what a child of ours still writes into


class _Note:
    """What the owner of a lock says of itself in its file, for whoever waits: process, machine, the draft that it fills."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor

    def __call__(self, draft: str) -> None:
        if self.descriptor is not None:
            with suppress(OSError):  # a file of somebody else's, which can only be locked
                text = f"{os.getpid()}\n{socket.gethostname()}\n{draft}\n".encode()
                os.ftruncate(self.descriptor, 0)
                os.pwrite(self.descriptor, text, 0)


@contextmanager
def held(place: Path, doing: str, name: str) -> Iterator[_Note]:
    """The lock of `place` alone, without a draft; raises OSError where the cache cannot be written."""
    locks = cache_dir() / "turns"
    locks.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield _Note(None)
        return
    descriptor = _opened(locks / _key(place))
    try:
        with ExitStack() as waiting:
            began, shown = time.monotonic(), None
            while not _taken(descriptor):
                shown = _wait(descriptor, began, shown, waiting, (doing, name))
        note = _Note(descriptor)
        note("")
        yield note
    finally:
        os.close(descriptor)


def _wait(
    descriptor: int, began: float, shown: transfer.Transfer | None, waiting: ExitStack, what: tuple[str, str]
) -> transfer.Transfer | None:
    """Wait a little; say so once, and show how far the owner is until `waiting` ends."""
    time.sleep(_LOOK)
    if time.monotonic() - began < _SAID_AFTER:
        return shown
    owner, draft = _owner(descriptor)
    if shown is None:
        tell(f"bench: waiting for {owner}, which is {what[0]} {what[1]}", err=True)
        shown = waiting.enter_context(transfer.coming(what[1], draft))
    shown.folder, shown.doing = draft, f"waiting for {owner}, which is {what[0]}"
    return shown


def _owner(descriptor: int) -> tuple[str, Path]:
    """Which process has the lock, in words, and where its draft lies."""
    pid, host, draft = (*os.pread(descriptor, 1_000, 0).decode(errors="replace").split("\n"), "", "", "")[:3]
    where = "" if host == socket.gethostname() else f" on {host}"
    return f"process {pid}{where}" if pid else "another process", cache_dir() / "drafts" / (draft or "-")


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:  # of another user: it can be locked all the same
        return os.open(path, os.O_RDONLY)


def _taken(descriptor: int) -> bool:
    """Whether the lock is ours now, or there are none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        if error.errno not in _NO_LOCKS:
            raise
        _tell_no_locks(str(cache_dir()))
    return True


@cache
def _tell_no_locks(folder: str) -> None:
    tell(f"bench: {folder} is on a file system without locks; processes that start at once may fetch twice", err=True)


def _key(place: Path) -> str:
    """What a place in the cache is called, wherever the cache lies; a place elsewhere has its own path."""
    found, home = place.resolve(), cache_dir().resolve()
    name = found.relative_to(home).as_posix() if found.is_relative_to(home) else str(found)
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _clear(drafts: Path, key: str) -> None:
    """Remove what dead processes have left: of this place, whose lock is ours, and of all others whose lock nobody has."""
    for draft in list(drafts.iterdir()):
        other = draft.name.partition("-")[0]
        if other == key:
            shutil.rmtree(draft, ignore_errors=True)
        elif (lock := cache_dir() / "turns" / other).is_file() and fcntl is not None:
            with suppress(OSError):
                descriptor = _opened(lock)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(draft, ignore_errors=True)
                finally:
                    os.close(descriptor)
    _clear_forsaken(str(cache_dir()))


@cache
def _clear_forsaken(home: str) -> None:
    """Remove drafts of earlier versions, and of files that are written in one go; once a process."""
    old = time.time() - _FORSAKEN
    for pattern in (
        "fetch-*",
        "derived/draft-*",
        "mlflow/draft-*",
        "bundles/unpack-*",
        "rows/tmp*",
        "*/.*",
        "derived/*/.*",
    ):
        for path in list(Path(home).glob(pattern)):
            with suppress(OSError):
                if max(one.lstat().st_mtime for one in (path, *path.rglob("*"))) < old:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
