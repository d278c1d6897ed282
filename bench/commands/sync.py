"""`bench sync`: log what the MLflow store has missed, and what it no longer has."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.shared import output
from bench.errors import BenchError
from bench.text.secret_urls import public_url
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.record import Run
    from bench.tracking.log import Tracker


@dataclass
class Synced:
    """How many runs were new to the store, how many it had without our mark, how many of the new ones had been logged before.

    `deleted` were deleted there by a person and stay so; `left` are halves and doubles that were taken away; `out` are runs that
    could not be logged, each named in a line, or their board in one of `lines`, which say what is to be done about it.
    """

    made: int = 0
    there: int = 0
    again: int = 0
    deleted: int = 0
    left: int = 0
    out: int = 0
    lines: dict[str, None] = field(default_factory=dict)


def main(options: argparse.Namespace) -> int:
    """Log every complete run that the store does not have; one that cannot be is named and left out, which is no success."""
    from bench.leaderboard.stamps import folders
    from bench.tracking.store import StoreError, default_uri

    if not options.runs.is_dir():
        raise BenchError(f"the runs directory {options.runs} does not exist; name it with --runs or BENCH_RUNS")
    uri = os.environ.get("MLFLOW_TRACKING_URI") or default_uri(options.runs)
    found = Synced()
    try:
        if paths := [options.runs / path for path in folders(options.runs)]:
            _sync(paths, uri, options.runs, found)
    except StoreError as error:
        kept = f" ({found.made + found.there} runs were logged before)" if found.made + found.there else ""
        raise BenchError(f"{error}; {error.remedy} and run `bench sync` again{kept}") from None
    except OSError as error:  # the mark in a run's folder
        raise BenchError(
            f"{options.runs} cannot be written ({error.strerror}), so nothing could remember what is logged; make it writable"
        ) from None
    if options.json:
        output.emit({"logged": found.made, "already_there": found.there, "again": found.again, "deleted_there": found.deleted,
                     "tidied": found.left, "left_out": found.out, "store": public_url(uri)})  # fmt: skip
    else:
        tell(_said(found, uri))
    for line in found.lines:
        tell(f"bench: {line} and run `bench sync` again", err=True)
    return 2 if found.out else 0


def _said(found: Synced, uri: str) -> str:
    parts = [
        f"{found.made} runs logged to {public_url(uri)}",
        f"it had {found.there} others already" if found.there else "",
        f"{found.again} of them had been logged before and were no longer there" if found.again else "",
        f"{found.deleted} were deleted there and stay so (`mlflow runs restore` brings them back)"
        if found.deleted
        else "",
        f"{found.left} that were begun and never finished, or were there twice, are deleted" if found.left else "",
        f"{found.out} are left out" if found.out else "",
    ]
    return "; ".join(filter(None, parts))


def _sync(folders: list[Path], uri: str, runs_dir: Path, found: Synced) -> None:
    """Log the runs that have no mark of this store, then those that are there no longer; take away what nobody finishes."""
    from bench.tracking import held as states
    from bench.tracking.log import Tracker
    from bench.tracking.mark import is_logged

    tracker = Tracker(uri, runs_dir)
    marked = [folder for folder in folders if is_logged(folder, uri)]
    for folder in folders:
        if folder not in marked:
            _one(folder, tracker, found)
    held = states.Held(tracker.client, uri)
    for folder in marked:
        state = held.state(folder)
        found.deleted += state == states.DELETED
        if state == states.MISSING:
            found.again += _one(folder, tracker, found)
    found.left = held.tidy()


def _one(folder: Path, tracker: Tracker, found: Synced) -> bool:
    """Log a run that can be; whether it was new to the store."""
    from bench.runs.folder import RECORD, read_run
    from bench.tracking.store import PartOfStore

    try:
        run = read_run(folder / RECORD)
        _refuse_denied(folder, run)
        new = tracker.log(run, folder).made
    except PartOfStore as error:  # the runs of others have nothing to do with it
        found.lines[f"{error}; {error.remedy}"] = None
        found.out += 1
        return False
    except BenchError as error:
        tell(f"bench: left out: {error}", err=True)
        found.out += 1
        return False
    found.made, found.there = found.made + new, found.there + (not new)
    return new


def _refuse_denied(folder: Path, run: Run) -> None:
    """Raise BenchError for a run whose files or rows deny its record, or that would send a file which no record vouches for."""
    from bench.commands.shared.exportable import metric_as_now
    from bench.leaderboard.evidence import refuse_denied
    from bench.runs.folder import refuse_altered
    from bench.runs.journal import LEDGER
    from bench.tracking.sent import refuse_foreign

    refuse_altered(folder, run, grown=(LEDGER,))
    refuse_denied(folder, run, metric_as_now)
    refuse_foreign(folder, run)
