"""`bench doctor`: what of a task's data is here, what is wrong with them, and what this machine has."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.artifacts import lock
from bench.artifacts.digest import cache_dir
from bench.commands.shared import output
from bench.config import compose as conf
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.runs import environment
from bench.task import BaseTask, Task
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Check the data of the named task, or say what of every task is here; 1 if something is wrong with a named one."""
    from bench.config.build import build
    from bench.submissions import held_out

    config, choices = conf.compose(options.overrides)
    if "task" in choices:
        task = build(conf.plain(config)["task"], "task")
        found = examine(task)
        if options.json:
            output.emit(vars(found))
        else:
            tell(f"{found.task}: {found.n_examples:,} {task.items}; {found.where}")
            for problem in found.problems:
                tell(f"  {problem}")
            if found.agreement:
                tell(f"  agreement with people: {found.agreement}")
            tell(f"  to obtain: {found.obtain}" if found.obtain else "  ok" if not found.problems else "")
        return 1 if found.problems else 0
    others = [word for word in options.overrides if not word.startswith("task=")]
    tasks = {name: conf.plain(conf.compose([f"task={name}", *others])[0])["task"] for name in conf.names("task")}
    places = {name: where(build(one, "task")) for name, one in tasks.items()}
    here = {**machine(config.data_dir), "held-out answers": held_out.described(tasks)}
    if options.json:
        output.emit({"machine": here, "tasks": places})
        return 0
    for title, lines in (("this machine", here), ("tasks", places)):
        tell(f"{title}:")
        for name, line in lines.items():
            tell(f"  {name:<{max(map(len, lines))}}  {line}")
    return 0


@dataclass(frozen=True)
class Finding:
    """The state of one task's data: `problems` is empty where they are complete."""

    task: str
    where: str
    n_examples: int
    problems: tuple[str, ...]
    obtain: str = ""
    agreement: str = ""


def examine(task: BaseTask) -> Finding:
    """Read the task's data as a run would, and say all that is wrong."""
    from bench.commands.shared import media_files

    try:
        problems = (*task.problems(), *(media_files.faults(task) if isinstance(task, Task) else ()))
        n = task.size()
    except BenchError as error:
        return Finding(task.name, where(task), 0, (str(error),), task.card.obtain, task.card.agreement)
    return Finding(task.name, where(task), n, problems, task.card.obtain if problems else "", task.card.agreement)


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
