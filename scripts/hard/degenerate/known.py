"""The tasks that can be had here with a few examples each, and the range that docs/metrics.md states for each of their metrics."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bench.errors import BenchError
from bench.metrics import meteor
from bench.metrics.metric import AnyMetric, CorpusMetric, Metric, RankedMetric
from bench.task import Task

ROOT = Path(__file__).parents[3]
MOST = 12  # examples of a task: more of them are no other kind
_RANGES = {"0 to 1": (0.0, 1.0), "-1 to 1": (-1.0, 1.0), "0 or more": (0.0, None), "0 to 10": (0.0, 10.0)}
Range = tuple[float | None, float | None]


@cache
def tasks(folder: Path) -> dict[str, Task]:
    """Each task of conf/task on the small files of the tests, or on the reference data where those are here."""
    sys.path.insert(0, str(ROOT / "tests"))
    import small_data

    def left_out() -> None:
        raise BenchError("METEOR is left out: Java takes seconds to start")

    meteor.ready = left_out  # type: ignore[assignment]
    files = small_data.write(folder / "small")
    plain = (*small_data.CARRIED, *small_data.SMALL)
    kept = ROOT / ".." / "shared" / "data"
    reference = Path(small_data.REFERENCE) if small_data.REFERENCE else kept
    names = [name for name in small_data.NAMES if name in plain or (reference / "GOLDEN.json").exists()]
    found = {}
    for name in names:
        task = small_data.shipped(name, files)
        if name not in plain and not task.examples():
            raise ValueError(f"{name} has no examples")
        task.slices = lambda example: {}  # type: ignore[method-assign]  # they look examples up by their own ids
        found[name] = task
    return found


@cache
def ranges() -> Mapping[tuple[str, str], Range]:
    """The range of values by (task, metric) as the tables of docs/metrics.md have it; None is no bound."""
    found: dict[tuple[str, str], Range] = {}
    for line in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 6 or cells[2] not in _RANGES:
            continue
        for task in re.findall(r"`([^`]+)`", cells[5]):
            for metric in re.findall(r"`([^`]+)`", cells[0]):
                found[task, metric] = _RANGES[cells[2]]
    return found


def range_of(task: Task, metric: AnyMetric) -> Range:
    """What the value may be: as documented, else as the metric itself says of a fraction."""
    stated = ranges().get((task.name, metric.name))
    if stated is not None:
        return stated
    if isinstance(metric, Metric | RankedMetric | CorpusMetric) and metric.is_fraction:
        return (getattr(metric, "least", 0.0), 1.0)
    return (None, None)
