"""All that a run left of its time, as one timeline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bench.artifacts.digest import digest
from bench.record import Run, Timing
from bench.runs.journal import LEDGER
from bench.runs.ledger import readable
from bench.timeline.attempts import attempts, moment
from bench.timeline.bars import PHASES, Bar, Process, Timeline
from bench.timeline.scenarios import Reading, of_run, processes
from bench.types import Json

LOGGED = "mlflow.json"  # says when the run was logged: behind its record, so that its ledger cannot


def timeline(run: Run, folder: Path, readings: Sequence[Reading] | None = None) -> Timeline:
    """The attempts of a run and its scenarios, on one clock that begins with the first attempt.

    `readings` are those of `scenarios.of_run`, where they were read before.
    """
    ledger, unread = readable(folder / LEDGER)
    raw = of_run(run, folder) if readings is None else readings
    notes = [f"scenario {one.scenario}: {one.fault}" for one in raw if one.fault]
    if unread:
        notes.append(f"{unread} lines of the ledger cannot be read and are left out")
    elif LEDGER in run.files and (folder / LEDGER).is_file() and digest(folder / LEDGER) != run.files[LEDGER]:
        notes.append("the ledger is no longer the file that the record names")
    if run.submission:
        notes.append("the predictions were brought: nobody timed them")
    return Timeline(tuple(_on_one_clock(ledger, raw, _logged(folder))), tuple(notes))


def _on_one_clock(ledger: Sequence[Timing], readings: Sequence[Reading], logged: Mapping[str, Json]) -> list[Process]:
    found = attempts(ledger)
    first = next((time for one in ledger if one.phase == "begin" and (time := moment(one.at)) is not None), None)
    if found and logged:
        _with_log(found, first, logged)
    for one in readings:
        began = moment(str(one.raw.header["started"])) if one.raw else None
        if began and first and began >= first:
            found += processes(one, (began - first).total_seconds())
            continue
        end = max((process.offset + process.end for process in found), default=0.0)
        why = ("when it began is not known: it stands behind the rest",) if found else ()
        found += [process.moved(process.offset, *why) for process in processes(one, end)]
    return found


def _logged(folder: Path) -> Mapping[str, Json]:
    """When the run was logged, and how long that took; {} where the mark does not say."""
    try:
        time = json.loads((folder / LOGGED).read_text(encoding="utf-8"))["time"]
        found = {"at": moment(str(time["at"])), "start": time.get("start"), "seconds": time["seconds"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    sound = all(type(found[one]) in (int, float) and 0 <= found[one] < 1e10 for one in ("start", "seconds"))
    apart = found["start"] is None and type(found["seconds"]) in (int, float) and 0 <= found["seconds"] < 1e10
    return found if sound or apart else {}


def _with_log(processes: list[Process], first: datetime | None, logged: Mapping[str, Json]) -> None:
    """Put the logging behind the attempt whose process did it; where another process did, as one of its own."""
    seconds, last = logged["seconds"], processes[-1]
    if logged["start"] is not None:
        if logged["start"] >= last.end:
            bars = (*last.bars, Bar("log", PHASES, logged["start"], seconds))
            processes[-1] = replace(last, bars=bars)
    elif first is not None and logged["at"] is not None and logged["at"] >= first:
        offset = max((logged["at"] - first).total_seconds(), last.offset + last.end)
        processes.append(Process("logged later", offset, (Bar("log", PHASES, 0.0, seconds),)))
