"""All that a run left of its time, as one timeline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.record import Run, Timing
from bench.runs.journal import LEDGER, readable
from bench.timeline import scenarios
from bench.timeline.attempts import attempts, moment
from bench.timeline.bars import PHASES, Bar, Process, Timeline
from bench.timeline.scenarios import Raw
from bench.types import Json

LOGGED = "mlflow.json"  # says when the run was logged: behind its record, so that its ledger cannot


def timeline(run: Run, folder: Path) -> Timeline:
    """The attempts of a run and its scenarios, on one clock that begins with the first attempt."""
    readings, unread = readable(folder / LEDGER)
    raw, notes = scenarios.of_run(run, folder)
    if unread:
        notes.append(f"{unread} lines of the ledger cannot be read and are left out")
    if run.submission:
        notes.append("the predictions were brought: nobody timed them")
    return Timeline(tuple(_on_one_clock(readings, raw, _logged(folder))), tuple(notes))


def _on_one_clock(readings: Sequence[Timing], raw: Sequence[Raw], logged: Mapping[str, Json]) -> list[Process]:
    found = attempts(readings)
    first = next((time for one in readings if one.phase == "begin" and (time := moment(one.at)) is not None), None)
    if found and logged:
        found[-1] = _with_log(found[-1], logged)
    for one in raw:
        began = moment(str(one.header.get("started", "")))
        if began and first:
            found.append(scenarios.process(one, max(0.0, (began - first).total_seconds())))
        else:
            end = max((process.offset + process.end for process in found), default=0.0)
            found.append(
                scenarios.process(one, end).moved(end, "when it began is not known: it stands behind the rest")
            )
    return found


def _logged(folder: Path) -> Mapping[str, Json]:
    """When the run was logged, and how long that took; {} where the mark does not say."""
    try:
        time = json.loads((folder / LOGGED).read_text(encoding="utf-8"))["time"]
        start, seconds = time.get("start"), time["seconds"]
        sound = all(type(one) in (int, float) and 0 <= one < 1e10 for one in (seconds, 0 if start is None else start))
        return {"start": start, "seconds": seconds} if sound else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _with_log(process: Process, logged: Mapping[str, Json]) -> Process:
    """The last attempt with the logging behind it, where its own process logged it."""
    start = logged["start"]
    if start is None or start < process.end:
        return process  # another process logged it later
    return replace(process, bars=(*process.bars, Bar("log", PHASES, start, logged["seconds"])))
