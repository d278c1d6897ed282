"""The runs that a command line names, as exports take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.shared import references
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.exports.item import Item
    from bench.metrics.metric import AnyMetric
    from bench.task import Task
    from bench.types import Json


def items_of(named: Sequence[str], runs_dir: Path) -> list[Item]:
    """The runs of all references, each once. Raises BenchError for one that is none, not complete, altered or damaged."""
    folders = {folder.resolve(): folder for name in named for folder in references.complete(name, runs_dir)}
    return [_item(folder) for folder in folders.values()]


def _item(folder: Path) -> Item:
    from bench.exports.item import item
    from bench.leaderboard.evidence import refuse_denied, with_evidence
    from bench.runs import measurements
    from bench.runs.folder import RECORD, read_run, refuse_altered

    run = with_evidence(folder, read_run(folder / RECORD))
    refuse_altered(folder, run)
    refuse_denied(folder, run, metric_as_now)
    return item(folder, run, _task(run.task), measurements.found(folder), _usual(run.task, run.model))


@cache
def _usual(task: str, model: str) -> Mapping[str, Json] | None:
    """The configurations of a task and a model as their files have them; None where one has no file, or one that is wrong."""
    from bench.config import compose as conf

    if not (conf.has("task", task) and conf.has("model", model)):
        return None
    try:
        return {"task": conf.choice("task", task), "model": conf.choice("model", model)}
    except BenchError:  # a file of before, or of another version of ours: then nobody knows the command
        return None


def _task(name: str) -> type[Task] | None:
    """The class of a task; None where this version, or the folders of `BENCH_CONF`, have none of that name."""
    from bench.config import compose as conf
    from bench.config.build import task_class
    from bench.task import Task

    if not conf.has("task", name):
        return None
    cls = task_class(name)
    return cls if issubclass(cls, Task) else None


def metric_as_now(task: str, name: str) -> tuple[AnyMetric, str]:
    """The metric with the digest of its source; raises BenchError where the task has none of this name."""
    from bench.scoring.source import digest_of

    cls = _task(task)
    metric = next((one for one in (cls.metrics if cls else ()) if one.name == name), None)
    if cls is None or metric is None:
        raise BenchError(f"task '{task}' has no metric '{name}'")
    return metric, digest_of(metric, cls)
