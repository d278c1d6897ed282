"""The lock of a run's folder: a second process is refused at once, and told who is in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import locks
from bench.disk import put_anew
from bench.errors import BenchError
from bench.leases import SILENT_SECONDS
from bench.locks import Owner
from bench.logs.log import FILE as LOG
from bench.logs.log import say
from bench.runs.appended import Appended
from bench.runs.heartbeat import ALIVE

LOCK = ".lock"
_RECORD = "run.json"  # says that a run is complete: its answers are read alone, and may be links into somebody's store of files
_PATIENCE_SECONDS = 0.3  # for whoever only looks whether it is held


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process out of a folder, which is there; raises BenchError where one is in it, OSError as `open` does."""
    refuse_links(folder)
    file = locks.opened(folder / LOCK)
    try:
        _take(file, folder)
        _put_away(folder)
        yield
    finally:
        locks.let_go(file)


def refuse_links(folder: Path) -> None:
    """Raise BenchError for a file of a run or part that is a link, or no file at all.

    What is written into a folder that came from elsewhere would else be written, or cut off, wherever its links lead to.
    """
    is_complete = (folder / _RECORD).exists()
    with os.scandir(folder) as entries:
        odd = [one.name for one in entries if one.is_symlink() or not (one.is_file() or one.is_dir())]
    for name in odd:
        if not is_complete or name in (LOCK, LOG, ALIVE):
            raise BenchError(
                f"{folder / name} is {'a link' if (folder / name).is_symlink() else 'no plain file'}, and a run's own files are "
                "written to; put the file itself there, or remove it, and run the same command again"
            )


def _take(file: int, folder: Path) -> None:
    began, told = time.monotonic(), False
    try:
        while not locks.taken(file):
            waited = time.monotonic() - began
            if waited > _PATIENCE_SECONDS and not locks.is_undecided(file):
                raise in_use(folder, locks.owner(file))
            if waited > _PATIENCE_SECONDS and not told:
                told = True
                say(
                    f"{'/'.join(folder.parts[-3:])}: its lock is that of {locks.owner(file)}; waits for a sign of life, "
                    f"{SILENT_SECONDS:.0f} s at most"
                )
            time.sleep(0.02 if waited < 1 else 0.5)
    except locks.NoLocksError as error:
        raise BenchError(
            f"the file system of {folder} takes no locks ({error.strerror}), and without one two processes would write into one "
            "run; name a folder on another with runs_dir= or BENCH_RUNS"
        ) from None


def in_use(folder: Path, owner: Owner) -> BenchError:
    """What is said to a second one in a folder."""
    return BenchError(f"run directory {folder} is in use by {owner}; wait for it or end it (`bench status` shows it)")


def _put_away(folder: Path) -> None:
    """Put copies in the place of what is appended to, where the lock was another machine's that fell silent.

    It may wake within a write, behind its last look at the lock, and then writes into files that nobody reads.
    """
    if locks.has_leases() and locks.is_after_silence(folder / LOCK):
        for path in (
            *folder.glob("*.jsonl"),
            *folder.glob("*/*.jsonl"),
        ):  # a run's own, and those of a training's seeds
            if path.is_file() and not path.is_symlink():
                put_anew(path)


def append(folder: Path, file: Appended, texts: Sequence[str]) -> None:
    """Append lines to a file of a folder whose lock is ours; raises BenchError as `refuse_lost` and `Appended.write` do."""
    refuse_lost(folder)
    try:
        file.write(texts)
    except BenchError:  # of who was suspended within the write, whoever took over has put the file away
        refuse_lost(folder, now=True)
        raise


def refuse_lost(folder: Path, *, now: bool = False) -> None:
    """Raise BenchError where the lock of a folder, which was ours, is another machine's by now; nothing more may be written.

    With `now` that is looked at even where it was a moment ago.
    """
    if not (locks.has_leases() and locks.is_lost(folder / LOCK, now=now)):  # asked for every answer
        return
    if locks.is_taken(folder / LOCK):
        raise BenchError(
            f"run directory {folder} was taken over by {locks.holder(folder / LOCK) or 'another machine'}, to which this process "
            f"gave no sign of life for {SILENT_SECONDS:.0f} s; what it has answered is kept, and the run goes on there"
        )
    lease = f"the lease beside {folder / LOCK} was removed or changed by somebody, so that another machine may be at the run"
    gone = f"run directory {folder} is gone; put it back, if it is somewhere"
    raise BenchError(
        f"{lease if folder.is_dir() else gone}; what was answered is kept there: run the same command again"
    )


def holder(folder: Path) -> Owner | None:
    """Who is in a run's folder right now; None where nobody is, or where the system does not say."""
    return locks.holder(folder / LOCK)
