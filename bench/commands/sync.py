"""`bench sync`: log what the MLflow store has missed."""

from __future__ import annotations

import argparse
import os

from bench.commands import output
from bench.errors import BenchError


def main(options: argparse.Namespace) -> int:
    """Log every complete run that the store does not have."""
    from bench.records import find_runs
    from bench.tracking import StoreError, Tracker, default_uri, unlogged

    uri = os.environ.get("MLFLOW_TRACKING_URI") or default_uri(options.runs)
    missing = [*unlogged(find_runs(options.runs), uri)]
    try:
        if missing:
            tracker = Tracker(uri, options.runs)
            for folder, found in missing:
                tracker.log(found, folder)
    except StoreError as error:
        raise BenchError(f"{error}; start the store and run `bench sync` again") from None
    if options.json:
        output.emit({"logged": len(missing), "store": uri})
    else:
        print(f"{len(missing)} runs logged to {uri}")
    return 0
