"""The parts of a run as processes of this machine: one for each GPU, or for a share of the cores."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench import locks
from bench.engine.progress import Progress
from bench.errors import BenchError
from bench.ground import Ground
from bench.launch.parent import LAUNCHED_BY
from bench.logs.log import FILE as LOG
from bench.logs.log import log
from bench.runs.environment import physical_cores
from bench.runs.journal import JOURNAL
from bench.runs.shards import FOLDER, LOGS, Shard
from bench.runs.state import state_of

Say = Callable[[str], None]
_LAUNCH_LOCK = ".launch.lock"
_MOST_WITHOUT_GPU = 4  # parts, unless more are asked for: each has the model in memory of its own
_EVERY_SECONDS = 0.25
ANSWERED = (0, 1)  # how a part ends that has all its answers, with 1 where every one of its examples failed
_TAKEN_OVER = re.compile("--reuse: |max_new_tokens: ")  # what a part says of answers of earlier runs
_PATIENCE_SECONDS = 30.0  # for a part that was interrupted: what it has answered is kept long before


@dataclass
class _Process:
    """A part under way: its process, and the file that it writes its errors into."""

    shard: Shard
    process: subprocess.Popen[bytes]
    said: Path
    errors: IO[bytes]

    def lines(self) -> list[str]:
        """What it said."""
        text = self.said.read_text(encoding="utf-8", errors="replace").strip()
        return [line.removeprefix("bench: ")[:600] for line in text.split("\n")]


def n_parts(ground: Ground, asked_for: int | None) -> int:
    """Into how many parts a run is cut: as many as asked for, else one a GPU, else one a core, and never more than clusters."""
    n = asked_for or len(_gpus(ground)) or min(physical_cores(), _MOST_WITHOUT_GPU)
    clusters: set[str] = set()
    for example in ground.asked.examples:
        clusters.add(example.cluster)
        if len(clusters) >= n:
            return n
    return len(clusters)


def launch(ground: Ground, words: Sequence[str], parts: int, progress: Progress, say: Say) -> None:
    """Answer all parts of a run, each by `bench run WORDS shard=K/PARTS`, and wait for them; who called goes on with the run.

    Raises BenchError where a part failed, with the log of each that did: what the others answered is kept. An interruption is
    handed on to all.
    """
    folder = ground.folder.path / FOLDER
    with _alone(folder, say):
        under_way: list[_Process] = []
        try:
            for number in range(1, parts + 1):
                under_way.append(_started(ground, words, Shard(parts, number), folder))
            _wait(under_way, folder, progress, len(ground.asked.examples))
        finally:
            _end(under_way)
            _tell(under_way, folder, progress, len(ground.asked.examples))
        if failed := [one for one in under_way if one.process.returncode not in ANSWERED]:
            raise BenchError(_failure(failed, parts, folder))
        for line in dict.fromkeys(line for one in under_way for line in one.lines() if _TAKEN_OVER.match(line)):
            say(f"parts: {line}")
        for one in under_way:
            one.said.unlink(missing_ok=True)


def _failure(failed: Sequence[_Process], parts: int, folder: Path) -> str:
    said = []
    for one in failed:
        code = one.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else one.lines()[-1] or f"ended with {code}"
        where = folder / one.shard.folder / LOG
        said.append(f"part {one.shard}: {how} (its log: {where if where.exists() else one.said})")
    return (
        f"{len(failed)} of {parts} parts failed, what all have answered is kept, and the same command goes on with it; "
        + "; ".join(said)
    )


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """Keep a second launch of the same run out; raises BenchError where one is under way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOGS).mkdir(exist_ok=True)
        file = locks.opened(folder / _LAUNCH_LOCK)
    except OSError as error:
        raise BenchError(
            f"run directory {folder.parent} cannot be written ({error.strerror}); choose another with runs_dir= or BENCH_RUNS"
        ) from None
    try:
        if not locks.taken(file):
            raise BenchError(
                f"the parts of {folder.parent} are launched already by {locks.owner(file)}; wait for it or end it (`bench status` "
                "shows it)"
            )
        yield
    finally:
        locks.let_go(file)


def _gpus(ground: Ground) -> list[str]:
    """The GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES gives them; none for a model on the CPU."""
    if ground.basis.device.kind != "cuda":
        return []
    if named := os.environ.get("CUDA_VISIBLE_DEVICES"):
        return named.split(",")
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _started(ground: Ground, words: Sequence[str], shard: Shard, folder: Path) -> _Process:
    gpus = _gpus(ground)
    environment = {**os.environ, LAUNCHED_BY: str(os.getpid())}
    own = [f"shard={shard}"]
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = gpus[(shard.number - 1) % len(gpus)]
    elif ground.model.uses_device and not any(word.lstrip("+").startswith("device.threads=") for word in words):
        own.append(f"device.threads={max(1, physical_cores() // shard.of)}")
    said = folder / LOGS / f"{shard.folder}.err"
    errors = said.open("wb")
    command = [sys.executable, "-m", "bench.cli", "run", *words, *own]
    log.info("launches part %s", str(shard))
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
    )  # fmt: skip
    return _Process(shard, process, said, errors)


def _wait(under_way: Sequence[_Process], folder: Path, progress: Progress, n: int) -> None:
    """Until all parts have ended; how far they are together is told meanwhile."""
    progress.doing(f"starts {len(under_way)} parts")
    while sum(one.process.poll() is None for one in under_way):
        _tell(under_way, folder, progress, n)
        time.sleep(_EVERY_SECONDS)


def _tell(under_way: Sequence[_Process], folder: Path, progress: Progress, n: int) -> None:
    """How many answers all have together, once there are any; with those that the run had before."""
    done = (state_of(folder.parent).done or 0) if any(_begun(folder, one) for one in under_way) else 0
    if done:
        progress(min(n, done), n)


def _begun(folder: Path, one: _Process) -> bool:
    return (folder / one.shard.folder / JOURNAL).exists()


def _end(under_way: Sequence[_Process]) -> None:
    """Interrupt what is still under way, which keeps what it has answered; kill what does not end."""
    for one in under_way:
        if one.process.poll() is None:
            one.process.send_signal(
                signal.SIGTERM
            )  # whoever ignores Ctrl-C, as a job in the background, made its parts ignore it
    until = time.monotonic() + _PATIENCE_SECONDS
    for one in under_way:
        try:
            one.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait()
        one.errors.close()
