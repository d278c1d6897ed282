"""`bench doctor`: what of a task's data is here, what is wrong with them, and what this machine has."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import environment, lock
from bench.artifacts import cache_dir
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.task import BaseTask


@dataclass(frozen=True)
class Finding:
    """The state of one task's data: `problems` is empty where they are complete."""

    task: str
    where: str
    n_examples: int
    problems: tuple[str, ...]
    obtain: str = ""


def examine(task: BaseTask) -> Finding:
    """Read the task's data as a run would, and say all that is wrong."""
    try:
        problems = tuple(task.problems())
        n = task.size()
    except BenchError as error:
        return Finding(task.name, where(task), 0, (str(error),), task.card.obtain)
    return Finding(task.name, where(task), n, problems, task.card.obtain if problems else "")


def where(task: BaseTask) -> str:
    """Where the data lie, or what would bring them."""
    source = getattr(task, "data", None)
    if not isinstance(source, DataSource):
        return task.card.source
    try:
        place = source.here()
    except BenchError as error:
        return str(error)
    if place is not None:
        return str(place)
    missing = Path(source.data_dir) / source.local
    return f"{missing} is missing; {source.remote or source.obtain or 'no source'}"


def machine(data_dir: str) -> Mapping[str, str]:
    """What a run here would find beside the task: interpreter, processor, folders, Java."""
    described = environment.describe()
    pins = len(lock.pins())
    return {
        "python": f"{described['python']} ({sys.executable})",
        "processor": f"{described['cpu']}, {described['cores']} cores",
        "data directory": f"{Path(data_dir).resolve()}{'' if Path(data_dir).is_dir() else ' (missing)'}",
        "cache": f"{cache_dir()}{'' if cache_dir().is_dir() else ' (empty)'}",
        "bench.lock": f"{lock.path()}: {pins} sources pinned here" if pins else "none",
        "java": shutil.which("java") or "none: METEOR is absent",
    }
