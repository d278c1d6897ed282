"""What an index says of a run's readings beside its record: whether their raw files give them, and bounds of their percentiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bench.errors import BenchError
from bench.metrics.metric import AnyMetric, Metric, RankedMetric
from bench.record import Run
from bench.runs import measurements
from bench.runs.folder import RECORD
from bench.runs.measurements import Measurements
from bench.runs.readings import Reading, checked, lowered
from bench.scoring.bounds import AGREES, value
from bench.types import Json


def with_evidence(folder: Path, run: Run) -> Run:
    """The run as boards show it: a reading that its raw file does not give is INVALID, and says why.

    The others have "intervals", for each percentile of the latency [low, high] at 95 %, and "sure", the same at `SURE`; None where
    the answers do not bound it. "lowered" says which minimum of its rules a reading was asked to go below.
    """
    if not run.scenarios:
        return run
    return replace(run, scenarios={name: _told(folder, run, name, one) for name, one in run.scenarios.items()})


def refuse_denied(
    folder: Path, run: Run, metric_of: Callable[[str, str], tuple[AnyMetric, str]],
    rows_of: Callable[[Path], Measurements | None] = measurements.found,
) -> None:  # fmt: skip
    """Raise BenchError where a run's own rows give another value than its record states: nobody can tell which was damaged.

    `metric_of(task, name)` gives a metric with the digest of its source, and raises BenchError for one that is not known here. What
    another metric of that name has measured is taken as it is, as are runs of before, whose scorer was not kept. `rows_of`
    gives those of a folder, None where it has none.
    """
    known = [score for score in run.scores if score.metric in run.scorer and score.value is not None]
    measured = rows_of(folder) if known and not run.origin else None
    if measured is None:
        return
    rows = measured.rows
    for score in known:
        try:
            metric, digest = metric_of(run.task, score.metric)
        except BenchError:
            continue
        if run.scorer[score.metric] != digest:
            continue
        if score.metric not in rows or not isinstance(metric, Metric | RankedMetric):
            continue
        try:
            found: float | None = value(metric, rows[score.metric])
        except (IndexError, ValueError):  # rows of another width
            found = None
        if found is None or not math.isclose(found, score.value or 0.0, rel_tol=AGREES, abs_tol=AGREES):
            raise BenchError(
                f"{folder / RECORD} says {score.metric} {score.value}, its rows in {measurements.FILE} give {found}; one of "
                "the two was changed: run the same command again with --fresh"
            )


def _told(folder: Path, run: Run, scenario: str, found: Json) -> Json:
    if not isinstance(found, Mapping):
        return {}
    try:
        reading = checked(folder, run, scenario)
        below = lowered(reading.raw)
    except BenchError as error:
        return {**found, "verdict": "INVALID", "reasons": [str(error)]}
    return {**found, "lowered": below, **(_bounds(reading) if found.get("latency") else {})}


def _bounds(reading: Reading) -> dict[str, Json]:
    """Bounds of each percentile that the reading has."""
    from bench.stats.quantiles import SURE, bounds

    seconds = [one.latency for one in reading.answers]
    ranks = {
        name: int(name[1:])
        for name, value in reading.summary["latency"].items()
        if name[0] == "p" and value is not None
    }
    return {
        "intervals": {name: [*bounds(seconds, rank)] for name, rank in ranks.items()},
        "sure": {name: [*bounds(seconds, rank, SURE)] for name, rank in ranks.items()},
    }  # fmt: skip
