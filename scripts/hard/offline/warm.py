"""`bench` in a process that has imported it already: each command is a fork of it, so that hundreds of them take seconds.

`_serve` in a process of its own gets lists of commands (words, cwd, environment, the largest file that may be written), and answers
with their codes, stdout and stderr. `Warm` is the other end.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import CompletedProcess
from types import TracebackType
from typing import Any

from scripts.hard.command import environment

_IMPORTED = (
    *(
        f"bench.{name}"
        for name in "cli commands.run commands.fetch commands.compare commands.shared.jobs config.build".split()
    ),
    *(
        "bench.models.reference",
        "bench.models.device",
        "tasks.chitchat",
        "tasks.finmm.docvqa_task",
        "sacrebleu",
        "sklearn.metrics",
    ),
)
_TORCH = ("torch", "transformers", "bench.models.embedding")


@dataclass(frozen=True)
class Ask:
    """A command: its words, the largest file that it may write (0: any), and what its environment has more."""

    words: Sequence[str]
    most_bytes: int = 0
    more: Mapping[str, str] = field(default_factory=dict)


class Warm:
    """Runs `bench ARGUMENTS` as forks of one process; `torch` has it import that, too."""

    def __init__(self, folder: Path, *, torch: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        fork = multiprocessing.get_context("fork")
        self._pipe, theirs = fork.Pipe()
        self._process = fork.Process(target=_serve, args=(theirs, self._pipe, torch))
        self._process.start()
        theirs.close()

    def __enter__(self) -> Warm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join()

    def bench(self, *words: str, seconds: float = 60, most_bytes: int = 0, **more: str) -> CompletedProcess[str]:
        """Run one command; the code is 124 where it took longer than `seconds`."""
        return self.crowd([Ask(words, most_bytes, more)], seconds)[0]

    def crowd(self, asks: Sequence[Ask], seconds: float = 60) -> list[CompletedProcess[str]]:
        """Run several commands at once."""
        asked = [
            {"words": one.words, "cwd": str(self.folder), "environment": environment(self.folder, **one.more), "seconds": seconds,
             "most_bytes": one.most_bytes} for one in asks
        ]  # fmt: skip
        self._pipe.send(asked)
        return [CompletedProcess(one.words, *found) for one, found in zip(asks, self._pipe.recv(), strict=True)]

    def killed(self, ask: Ask, cache: Path, after: float) -> tuple[CompletedProcess[str], bool]:
        """Run a command and kill it so many seconds after it began to bring something into the cache; whether it was killed."""
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(self.crowd, [ask])
            while not done.done() and not (owner := owner_in(cache)):
                time.sleep(0.01)
            time.sleep(0 if done.done() else after)
            if not done.done():
                with suppress(ProcessLookupError):
                    os.kill(owner, signal.SIGKILL)
            (found,) = done.result()
        return found, found.returncode == -signal.SIGKILL


def owner_in(cache: Path) -> int:
    """The process that brings something into the cache, as its lock says; 0 for none."""
    for draft in cache.glob("drafts/*"):
        with suppress(OSError, ValueError):
            return int(json.loads((cache / "turns" / draft.name.partition("-")[0]).read_text())["pid"])
    return 0


def _all(asked: Sequence[Mapping[str, Any]]) -> list[tuple[int, str, str]]:
    """The code, stdout and stderr of each, all at once."""
    files = [(tempfile.TemporaryFile(), tempfile.TemporaryFile()) for _ in asked]
    children = [_forked(one, out.fileno(), err.fileno()) for one, (out, err) in zip(asked, files, strict=True)]
    end = time.monotonic() + asked[0]["seconds"]
    codes = [_waited(child, end) for child in children]
    texts = []
    for pair in files:
        for file in pair:
            file.seek(0)
        texts.append([file.read().decode(errors="replace") for file in pair])
        for file in pair:
            file.close()
    return [(code, out, err) for code, (out, err) in zip(codes, texts, strict=True)]


def _forked(asked: Mapping[str, Any], out: int, err: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 71
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        code = _inside(asked)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _inside(asked: Mapping[str, Any]) -> int:
    from bench.cli import main

    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    if most := asked["most_bytes"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return main(asked["words"])


def _waited(child: int, end: float) -> int:
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 124


def _serve(asked: Connection, theirs: Connection, torch: bool) -> None:
    """Run commands until the other end is closed."""
    theirs.close()
    for name in (*_IMPORTED, *(_TORCH if torch else ())):
        importlib.import_module(name)
    with suppress(EOFError):
        while True:
            asked.send(_all(asked.recv()))
