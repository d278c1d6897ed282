"""`bench sync`: log what the MLflow store has missed."""

from __future__ import annotations

import argparse
import os

from bench.commands.shared import output
from bench.errors import BenchError
from bench.text.secret_urls import public_url
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Log every complete run that the store does not have; a damaged one is named and left out."""
    from bench.leaderboard.stamps import folders
    from bench.runs.folder import RECORD, read_run
    from bench.tracking.log import Tracker, unlogged
    from bench.tracking.store import StoreError, default_uri

    if not options.runs.is_dir():
        raise BenchError(f"the runs directory {options.runs} does not exist; name it with --runs or BENCH_RUNS")
    uri = os.environ.get("MLFLOW_TRACKING_URI") or default_uri(options.runs)
    missing = [*unlogged([options.runs / path for path in folders(options.runs)], uri)]
    made, there = 0, 0
    try:
        tracker = Tracker(uri, options.runs) if missing else None
        for folder in missing if tracker else ():
            try:
                new = bool(tracker and tracker.log(read_run(folder / RECORD), folder).made)
            except BenchError as error:
                tell(f"bench: left out: {error}", err=True)
                continue
            if new:
                made += 1
            else:
                there += 1
    except StoreError as error:
        raise BenchError(f"{error}; start the store and run `bench sync` again") from None
    except OSError as error:  # the mark in a run's folder
        raise BenchError(
            f"{options.runs} cannot be written ({error.strerror}), so nothing could remember what is logged; make it writable"
        ) from None
    if options.json:
        output.emit({"logged": made, "already_there": there, "store": public_url(uri)})
    else:
        tell(f"{made} runs logged to {public_url(uri)}" + (f"; it had {there} others already" if there else ""))
    return 0
