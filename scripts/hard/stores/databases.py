"""A SQLite store that is locked, read-only, full, no database or damaged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scripts.hard.forked import Done, asked, begin, bench
from scripts.hard.row import Row, Scale, counted, say
from scripts.hard.stores.study import RUN, ended, faults, synced, unlogged


def tried(scale: Scale) -> Iterator[Row]:
    """Locks, and files that take nothing."""
    folder = scale.folder / "databases"
    folder.mkdir(parents=True)
    yield _locked(folder / "locked", scale)
    yield _unusable(folder / "unusable", scale)
    yield _small(folder / "small", scale)


def made(path: Path) -> str:
    """A new store there; its URI."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def make() -> bool:
        from bench.tracking.store import connect

        return connect(f"sqlite:///{path}") is not None

    asked(make, path.parent)
    return f"sqlite:///{path}"


def run_into(uri: str, folder: Path, seed: int = 0) -> Done:
    """One run that is logged there."""
    return bench(*RUN, f"seed={seed}", f"tracking.uri={uri}", folder=folder)


@contextmanager
def _held(path: Path, seconds: float) -> Iterator[None]:
    """Another process writes there for so long."""

    def hold() -> int:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            db.execute("ROLLBACK")
        return 0

    child = begin(hold, path.parent)
    time.sleep(0.3)
    try:
        yield
    finally:
        child.kill()
        child.wait()


def _locked(folder: Path, scale: Scale) -> Row:
    """Somebody writes longer than one waits, from the start and in the middle; and somebody lets go in time."""
    verdicts, waits = [], []
    for i, seconds in enumerate((2.0, 90.0)):
        uri = made(folder / f"{i}.db")
        with _held(folder / f"{i}.db", seconds):
            done = run_into(uri, folder / str(i))
        waits.append(done.seconds)
        runs = folder / str(i) / "runs"
        fault = faults(uri, runs, room=folder) or ended(done) if seconds < 5 else unlogged(done, runs, 1)
        verdicts.append(fault or synced(uri, folder, runs))
    if scale.long:
        verdicts.append(_locked_in_the_middle(folder, waits))
    said = ", ".join(f"{wait:.0f}" for wait in waits)
    return counted(
        "a SQLite store that another process has locked, for 2 s and for longer", verdicts, f"nothing; {said} s a run"
    )


def _locked_in_the_middle(folder: Path, waits: list[float]) -> str:
    """The lock comes when the run is half logged: a thread waits for its first trace in the store."""
    uri, place = made(folder / "middle.db"), folder / "middle"
    db = sqlite3.connect(folder / "middle.db", check_same_thread=False, isolation_level=None)
    ended_ = threading.Event()

    def lock() -> None:
        while not ended_.is_set():
            if db.execute("SELECT count(*) FROM runs").fetchone()[0]:
                db.execute("BEGIN EXCLUSIVE")
                return
            time.sleep(0.002)

    child = begin(lambda: _main(*RUN, "seed=9", f"tracking.uri={uri}"), place)
    thread = threading.Thread(target=lock)
    thread.start()
    done = child.wait()
    ended_.set()
    thread.join()
    db.close()
    waits.append(done.seconds)
    return unlogged(done, place / "runs", 1) or synced(uri, folder, place / "runs")


def _main(*words: str) -> int:
    from bench.cli import main

    return main(list(words))


def _unusable(folder: Path, scale: Scale) -> Row:
    """A file that is no database, one that is cut off, a folder, a file and a folder that cannot be written."""
    whole = folder / "whole.db"
    made(whole)
    kinds: dict[str, Callable[[Path], object]] = {
        "no database": lambda path: path.write_text("not a database " * 200),
        "cut off": lambda path: path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2]),
        "cut off in its head": lambda path: path.write_bytes(whole.read_bytes()[:70]),
        "a page of zeros": lambda path: path.write_bytes(
            whole.read_bytes()[:4096] + bytes(whole.stat().st_size - 4096)
        ),
        "a folder": lambda path: path.mkdir(),
    }
    verdicts = []
    for i, (name, damage) in enumerate([*kinds.items()][:: scale.n(4, 1)]):
        place = folder / str(i)
        place.mkdir()
        damage(place / "store.db")
        fault = unlogged(run_into(f"sqlite:///{place}/store.db", place), place / "runs", 1)
        shutil.rmtree(place / "store.db") if (place / "store.db").is_dir() else (place / "store.db").unlink()
        fault = fault or synced(f"sqlite:///{place}/store.db", place, place / "runs")
        verdicts.append(f"{name}: {fault}" if fault else "")
    return counted("a file that is no database, cut off, zeroed, or a folder; `bench sync` later", verdicts)


def _small(folder: Path, scale: Scale) -> Row:
    """A store on a file system that is full, or becomes read-only: a small tmpfs, which only root may mount."""
    name = "a store on a full disk, and on a read-only one; `bench sync` later"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        say(f"stores: {name}: skipped, no tmpfs can be mounted here ({mounted.stderr.strip()})")
        return Row(f"{name}: SKIPPED, no tmpfs can be mounted here", 0, 0, "–")
    try:
        uri, verdicts = made(folder / "store.db"), []
        place = scale.folder / "databases"
        filler = folder / "filler"
        for i, left in enumerate([0, 8192, 65536] if scale.long else [4096]):
            _fill(filler, left)
            runs = place / f"full-{i}" / "runs"
            fault = unlogged(run_into(uri, runs.parent, i), runs, 1)
            filler.unlink()
            verdicts.append(fault or synced(uri, place, runs))
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        fault = unlogged(run_into(uri, place / "ro", 77), place / "ro" / "runs", 1)
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        verdicts.append(fault or synced(uri, place, place / "ro" / "runs"))
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    return counted(name, verdicts)


def _fill(filler: Path, left: int) -> None:
    """Fill the file system but for so many bytes."""
    free = os.statvfs(filler.parent).f_bavail * os.statvfs(filler.parent).f_frsize
    filler.write_bytes(bytes(max(free - left, 0)))
