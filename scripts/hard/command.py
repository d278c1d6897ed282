"""The command `bench` as another process runs it: stubs in reach, a cache and a runs directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[2]
OWN = Path(__file__).parent / "own"  # stubs as a user brings them: a package beside its conf/
FAULTS = Path(__file__).parent / "faults"
OURS = ("BENCH_RUNS", "BENCH_DATA", "BENCH_PRIVATE", "BENCH_OFFLINE", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a process that works in `folder`, with task=hard_numbers and model=hard_stub in its configuration."""
    plain = {name: value for name, value in os.environ.items() if name not in OURS}
    own = {
        "BENCH_CONF": str(OWN / "conf"), "PYTHONPATH": os.pathsep.join([str(ROOT), str(OWN)]), "BENCH_CACHE": str(folder / "cache"),
        "BENCH_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    return plain | own | more


def words(*arguments: str) -> list[str]:
    """What starts `bench ARGUMENTS`."""
    return [sys.executable, "-m", "bench.cli", *arguments]


def bench(*arguments: str, folder: Path, timeout: float = 120, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `bench ARGUMENTS` in `folder` to its end; raises TimeoutExpired where it hangs."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        words(*arguments), cwd=folder, env=environment(folder, **more), capture_output=True, text=True, timeout=timeout,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def start(*arguments: str, folder: Path, **more: str) -> subprocess.Popen[str]:
    """Begin `bench ARGUMENTS` in `folder`; whoever calls ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        words(*arguments), cwd=folder, env=environment(folder, **more), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip


class Ended(Protocol):
    """How a command ended, and what it said."""

    @property
    def returncode(self) -> int:
        """The exit code; below 0 the signal."""

    @property
    def stdout(self) -> str:
        """What stands on stdout."""

    @property
    def stderr(self) -> str:
        """What stands on stderr."""


def is_clean(done: Ended) -> str:
    """ "" where a command that failed said so in lines for its user, else what is wrong with how it ended."""
    said = done.stdout + done.stderr
    if "Traceback (most recent call last)" in said or done.returncode == 70:
        return f"a traceback: {said[-300:]!r}"
    if done.returncode not in (0, 1, 2, 3, 130):
        return f"exit code {done.returncode}: {said[-300:]!r}"
    if done.returncode and not said.strip():
        return f"exit code {done.returncode} without a word"
    return ""
