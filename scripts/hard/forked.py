"""Commands of `bench` in processes of their own that share what was imported before: many of them in little time.

A child is a real process, with its own memory, locks and connections; it may be killed. Nothing in the parent may have connected to
a store, whose connections a fork would share: what asks a store is done in a child too (`asked`).
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import runpy
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.hard.command import FAULTS, OWN, environment


@dataclass(frozen=True)
class Done:
    """How a child ended, and what it said; `seconds` from its start to its end."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        """What stands on stderr."""
        return [line for line in self.stderr.split("\n") if line]


@dataclass
class Child:
    """A process under way."""

    pid: int
    said: Path
    began: float
    gate: int = -1

    def go(self) -> None:
        """Let a child begin that waits."""
        os.write(self.gate, b"!")  # to close it would not do: children that were forked later have it open, too
        os.close(self.gate)
        self.began = time.monotonic()

    def kill(self) -> None:
        """End it at once, as nothing else does."""
        os.kill(self.pid, signal.SIGKILL)

    def is_over(self) -> bool:
        """Whether it has ended."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self, after: float) -> Done:
        """Kill it after so many seconds, if it is still there."""
        until = time.monotonic() + after
        while time.monotonic() < until and not self.is_over():
            time.sleep(0.01)
        self.kill()  # nothing to one that has ended and was not waited for
        return self.wait()

    def wait(self, seconds: float = 300) -> Done:
        """Wait until it ends; one that hangs is killed, which its exit code -9 says."""
        until = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > until:
                self.kill()
                until += 60
            time.sleep(0.01)
        end = self.said.with_suffix(".end")
        took = (float(end.read_text()) if end.exists() else time.monotonic()) - self.began
        out, err = (
            path.read_text(errors="replace") for path in (self.said.with_suffix(".out"), self.said.with_suffix(".err"))
        )
        return Done(os.waitstatus_to_exitcode(status), out, err, took)


_cache: list[str] = []  # where children keep what they need not make anew, an empty store above all


def warm(folder: Path) -> None:
    """Import what commands need, so that children need not; they share a cache in `folder`."""
    _cache[:] = [str(folder / "cache")]
    sys.path.insert(0, str(OWN))
    import hard_stubs
    import mlflow
    import mlflow.store.tracking.sqlalchemy_store
    import mlflow.tracking._tracking_service.utils

    import bench.cli
    import bench.commands.run
    import bench.commands.shared.jobs
    import bench.commands.sync
    import bench.tracking.held

    assert all((hard_stubs, mlflow, bench))
    for name in asked(_needed, folder / "warm"):  # what commands import as they go
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else each child copies all of it when it looks for garbage


def own_cache(folder: Path) -> None:
    """Commands from here on share another cache, which begins with what the first one holds."""
    shutil.copytree(_cache[0], folder / "cache")
    _cache[:] = [str(folder / "cache")]


def _needed() -> list[str]:
    from bench.cli import main

    main(["run", "task=hard_numbers", "model=hard_stub", "limit=2", "resamples=10"])
    import mlflow.server  # what `served` needs

    assert mlflow.server
    return [name for name in sys.modules if not name.startswith(("_", "bench.conf"))]


_number = 0


def begin(act: Callable[[], int], folder: Path, *, waits: bool = False, **more: str) -> Child:
    """Start a function as a process in `folder`, with the environment of a command; with `waits` it begins when it is told to."""
    global _number
    _number += 1
    folder.mkdir(parents=True, exist_ok=True)
    said = folder / f".said-{_number}"
    gate, other = os.pipe() if waits else (-1, -1)
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        if waits:
            os.close(gate)
        return Child(pid, said, time.monotonic(), other)
    code = 99
    try:
        _become(folder, said, more)
        if waits:
            os.close(other)
            os.read(gate, 1)
        code = act()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        said.with_suffix(".end").write_text(str(time.monotonic()))
        os._exit(code)


def _become(folder: Path, said: Path, more: dict[str, str]) -> None:
    os.chdir(folder)
    own = environment(folder, **{"BENCH_CACHE": _cache[0], **more})
    os.environ.clear()
    os.environ.update(own)
    for stream, name in ((1, ".out"), (2, ".err")):
        handle = os.open(said.with_suffix(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, stream)
        os.close(handle)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    if "HARD_FAULT" in more:  # what Python loads by its name where it starts
        runpy.run_path(str(FAULTS / "sitecustomize.py"))


def start(*words: str, folder: Path, waits: bool = False, **more: str) -> Child:
    """Start `bench WORDS`."""

    def act() -> int:
        from bench.cli import main

        return main(list(words))

    return begin(act, folder, waits=waits, **more)


def bench(*words: str, folder: Path, seconds: float = 300, **more: str) -> Done:
    """Run `bench WORDS` to its end."""
    return start(*words, folder=folder, **more).wait(seconds)


def asked(act: Callable[[], Any], folder: Path) -> Any:
    """What a function gives, asked in a process of its own."""
    place = folder / ".asked"

    def write() -> int:
        place.write_bytes(pickle.dumps(act()))
        return 0

    done = begin(write, folder).wait()
    if done.returncode:
        raise RuntimeError(f"the question failed: {done.stderr[-1000:]}")
    return pickle.loads(place.read_bytes())
