"""What the runs of a directory are called on a command line: TASK/MODEL, or an id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.runs.folder import ARTIFACTS


def pairs(runs_dir: Path, begun: str = "") -> list[str]:
    """TASK/MODEL of every run below the directory whose name begins so, in order; no run is opened."""
    task, slash, _ = begun.partition("/")
    tasks = [runs_dir / task] if slash else [one for one in _folders(runs_dir) if one.name.startswith(begun)]
    names = [f"{one.name}/{model.name}" for one in tasks for model in _folders(one)]
    return sorted(name for name in names if name.startswith(begun))


def ids(runs_dir: Path, begun: str) -> list[str]:
    """The ids that begin so."""
    every = (run.name for task in _folders(runs_dir) for model in _folders(task) for run in _folders(model))
    return sorted({name for name in every if name.startswith(begun)})


def _folders(parent: Path) -> Iterator[Path]:
    """The folders in a folder; none where it cannot be read."""
    try:
        yield from (
            one for one in parent.iterdir() if not one.name.startswith(".") and one.name != ARTIFACTS and one.is_dir()
        )
    except OSError:
        return
