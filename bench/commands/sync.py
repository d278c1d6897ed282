"""`bench sync`: log what the MLflow store has missed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bench.commands.shared import output
from bench.errors import BenchError
from bench.text.secret_urls import public_url
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Log every complete run that the store does not have; a damaged one is named and left out."""
    from bench.leaderboard.stamps import folders
    from bench.tracking.mark import unlogged
    from bench.tracking.store import StoreError, default_uri

    if not options.runs.is_dir():
        raise BenchError(f"the runs directory {options.runs} does not exist; name it with --runs or BENCH_RUNS")
    uri = os.environ.get("MLFLOW_TRACKING_URI") or default_uri(options.runs)
    missing = [*unlogged([options.runs / path for path in folders(options.runs)], uri)]
    try:
        made, there, deleted = _log(missing, uri, options.runs)
    except StoreError as error:
        raise BenchError(f"{error}; {error.remedy} and run `bench sync` again") from None
    except OSError as error:  # the mark in a run's folder
        raise BenchError(
            f"{options.runs} cannot be written ({error.strerror}), so nothing could remember what is logged; make it writable"
        ) from None
    if options.json:
        output.emit({"logged": made, "already_there": there, "store": public_url(uri)})
    else:
        tell(f"{made} runs logged to {public_url(uri)}" + (f"; it had {there} others already" if there else ""))
    for line in deleted:
        tell(f"bench: {line} and run `bench sync` again", err=True)
    return 2 if deleted else 0


def _log(folders: Sequence[Path], uri: str, runs_dir: Path) -> tuple[int, int, list[str]]:
    """Log the runs: how many were new to the store, how many it had, and a line for each experiment that was deleted."""
    from bench.runs.folder import RECORD, read_run
    from bench.tracking.log import Tracker
    from bench.tracking.store import DeletedExperiment

    made, there, deleted = 0, 0, dict[str, None]()
    tracker = Tracker(uri, runs_dir) if folders else None
    for folder in folders if tracker else ():
        try:
            run = read_run(folder / RECORD)
            new = tracker is not None and tracker.log(run, folder).made
        except DeletedExperiment as error:  # the runs of others have nothing to do with it
            deleted[f"{error}; {error.remedy}"] = None
            continue
        except BenchError as error:
            tell(f"bench: left out: {error}", err=True)
            continue
        made, there = made + new, there + (not new)
    return made, there, list(deleted)
