"""Turns: what is fetched or made once is so by one process at a time; the others wait, and take what it brought."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from bench import locks
from bench.artifacts import transfer
from bench.artifacts.digest import cache_dir
from bench.text.shown import tell

FOLDER = "turns"  # of the cache
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


@contextmanager
def held(place: Path, doing: str, name: str) -> Iterator[Callable[[str], None]]:
    """The lock of `place` alone, without a draft; what is given takes the name of one, for whoever waits.

    Raises OSError where the cache cannot be written.
    """
    folder = cache_dir() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = locks.opened(folder / _key(place))
    try:
        with ExitStack() as waiting:
            began, shown = time.monotonic(), None
            while not _taken(file, f"{doing} {name}"):
                shown = _wait(file, began, shown, waiting, (doing, name))
        yield lambda draft: locks.note(file, f"{doing} {name}", draft)
    finally:
        locks.let_go(file)


def _wait(
    file: int, began: float, shown: transfer.Transfer | None, waiting: ExitStack, what: tuple[str, str]
) -> transfer.Transfer | None:
    """Wait a little; say so once, and show how far the owner is until `waiting` ends."""
    time.sleep(_LOOK)
    if time.monotonic() - began < _SAID_AFTER:
        return shown
    owner = locks.owner(file)
    draft = cache_dir() / "drafts" / (Path(owner.draft).name or "-")
    if shown is None:
        tell(f"bench: waiting for {owner}, which is {what[0]} {what[1]}", err=True)
        shown = waiting.enter_context(transfer.coming(what[1], draft))
    shown.folder, shown.doing = draft, f"waiting for {owner}, which is {what[0]}"
    return shown


def _taken(file: int, what: str) -> bool:
    """Whether the lock is ours now, or there are none."""
    try:
        return locks.taken(file, what)
    except locks.NoLocksError:
        _tell_no_locks(str(cache_dir()))
        return True


def owners() -> Iterator[locks.Owner]:
    """Who fetches or makes something for this cache right now."""
    return locks.holders(cache_dir() / FOLDER)


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
        elif (lock := cache_dir() / FOLDER / other).is_file():
            with suppress(OSError):  # without locks nobody can tell whose it is
                file = locks.opened(lock)
                try:
                    if locks.taken(file, "clearing"):
                        shutil.rmtree(draft, ignore_errors=True)
                finally:
                    locks.let_go(file)
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
