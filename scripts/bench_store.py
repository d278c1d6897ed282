"""Time of boards out of a store of many runs: SQLite, PostgreSQL, and MLflow's server in front of PostgreSQL.

    python scripts/bench_store.py [--n 300 3000 10000] [--stores sqlite postgres server] [--workers 4]

The first run of each board is logged as every run is; the others are the same calls, of which the rows are put into the database
all at once, and the files into the folder that the store has for them. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
import uuid
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.runs.folder import RunFolder
from bench.tracking import clock, log
from bench.tracking.log import Tracker
from bench.tracking.models import Models
from scripts.bench_board import Yesterday, board, made_up, timed
from scripts.hard.stores.lab import Lab

_ROWS = 5000  # that go into the database at once


class Bulk:
    """What `Tracker` asks of a client to log a run, kept as rows of MLflow's tables."""

    def __init__(self, tracker: Tracker, database: str, files: Path) -> None:
        from mlflow.store.tracking.dbmodels import models

        self.tables = models
        self.client, self.database, self.files = tracker.client, database, files
        self.tracking_uri = tracker.uri
        self.rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        self.places: dict[str, str] = {}
        self.data: dict[tuple[str, str, str], str] = {}

    def create_run(self, experiment: str, run_name: str, tags: dict[str, str], start_time: int) -> Any:
        """A row of runs, and those of its tags."""
        run_id = uuid.uuid4().hex
        if experiment not in self.places:
            self.places[experiment] = self.client.get_experiment(experiment).artifact_location
        self.rows[self.tables.SqlRun].append({
            "run_uuid": run_id, "name": run_name, "experiment_id": int(experiment), "status": "FINISHED", "start_time": start_time,
            "end_time": start_time, "lifecycle_stage": "active", "artifact_uri": f"{self.places[experiment]}/{run_id}/artifacts",
            "user_id": "bench", "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "", "source_version": "",
        })  # fmt: skip
        tags = tags | {"mlflow.runName": run_name}
        self.rows[self.tables.SqlTag] += [
            {"run_uuid": run_id, "key": key, "value": value} for key, value in tags.items()
        ]
        self.experiment, self.run_id = experiment, run_id
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id))

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        """Rows of metrics and params."""
        for one in metrics:
            row = {"run_uuid": run_id, "key": one.key, "value": one.value, "timestamp": one.timestamp, "step": one.step,
                   "is_nan": False}  # fmt: skip
            self.rows[self.tables.SqlMetric].append(row)
            self.rows[self.tables.SqlLatestMetric].append(row)
            if one.model_id:
                self.rows[self.tables.SqlLoggedModelMetric].append({
                    "model_id": one.model_id, "metric_name": one.key, "metric_timestamp_ms": one.timestamp, "metric_step": one.step,
                    "metric_value": one.value, "experiment_id": int(self.experiment), "run_id": run_id, "dataset_uuid": None,
                    "dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest,
                })  # fmt: skip
        self.rows[self.tables.SqlParam] += [{"run_uuid": run_id, "key": one.key, "value": one.value} for one in params]

    def log_inputs(self, run_id: str, datasets: Any, models: Any = None) -> None:
        """The model of the run, and its data, which the first run of its board has brought."""
        self.rows[self.tables.SqlInput] += [
            {"input_uuid": uuid.uuid4().hex, "source_type": "RUN_INPUT", "source_id": run_id, "destination_type": "MODEL_INPUT",
             "destination_id": one.model_id}
            for one in models or ()
        ]  # fmt: skip
        data = datasets[0].dataset
        key = self.experiment, data.name, data.digest
        if key not in self.data:
            from sqlalchemy import create_engine, select

            table = self.tables.SqlDataset
            engine = create_engine(self.database)
            with engine.connect() as connection:
                self.data[key] = connection.execute(
                    select(table.dataset_uuid).where(table.experiment_id == int(self.experiment))
                ).scalar_one()
            engine.dispose()
        made = uuid.uuid4().hex
        self.rows[self.tables.SqlInput].append({
            "input_uuid": made, "source_type": "DATASET", "source_id": self.data[key], "destination_type": "RUN",
            "destination_id": run_id,
        })  # fmt: skip
        self.rows[self.tables.SqlInputTag].append(
            {"input_uuid": made, "name": "mlflow.data.context", "value": "evaluation"}
        )

    def log_artifact(self, run_id: str, path: str, place: str = "") -> None:
        """A link to the file, where the store has those of the run."""
        folder = self.files / self.experiment / run_id / "artifacts" / place
        if self.places[self.experiment].startswith("file:"):
            folder = Path(self.places[self.experiment].removeprefix("file://")) / run_id / "artifacts" / place
        folder.mkdir(parents=True, exist_ok=True)
        os.link(path, folder / Path(path).name)

    def set_terminated(self, run_id: str, end_time: int) -> None:
        """It is."""

    def write(self) -> None:
        """All rows into the database."""
        from sqlalchemy import create_engine

        engine = create_engine(self.database)
        names = (
            "SqlRun", "SqlTag", "SqlMetric", "SqlLatestMetric", "SqlParam", "SqlInput", "SqlInputTag", "SqlLoggedModelMetric",
        )  # fmt: skip
        for name in names:
            table, rows = getattr(self.tables, name).__table__, self.rows[getattr(self.tables, name)]
            for at in range(0, len(rows), _ROWS):
                with engine.begin() as connection:
                    connection.execute(table.insert(), rows[at : at + _ROWS])
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ANALYZE")  # as a server does by itself a minute later
        engine.dispose()


def fill(uri: str, database: str, folder: Path, files: Path, n: int) -> None:
    """`n` made-up runs of six boards in a store."""
    from mlflow import MlflowClient

    runs = folder / "runs"
    made_up(runs, n)
    tracker = Tracker(uri, folder)
    tracker._models = Models(MlflowClient(database))  # one request less a model than by a server
    clock.time = Yesterday  # type: ignore[assignment]  # boards ask again for what was logged in the last minutes
    bulk, seen = Bulk(tracker, database, files), set[str]()
    began, alone = time.perf_counter(), 0.0
    for path in sorted(runs.glob("*/*/*/run.json")):
        run = RunFolder(path.parent).read()
        if run.task not in seen:
            seen.add(run.task)
            start = time.perf_counter()
            tracker.log(run, path.parent)
            alone += time.perf_counter() - start
            continue
        kept, tracker.client = tracker.client, bulk  # type: ignore[assignment]
        try:
            tracker._create(
                run, path.parent, tracker.experiment(f"{run.task} v1", ()), {log.KEY: log.key_of(run)}, None
            )
        finally:
            tracker.client = kept
    bulk.write()
    made = time.perf_counter() - began
    print(
        f"{n:,} runs made in {made:.0f} s; logging the first of each board took {alone / len(seen):.3f} s", flush=True
    )


def boards(name: str, uri: str, folder: Path, n: int) -> None:
    """The first board of all runs, later ones, and one after a run was deleted."""
    timed(f"{name}: all boards of {n:,} runs, first", lambda: board(folder, "--store", uri))
    timed(f"{name}: all boards of {n:,} runs, again", lambda: board(folder, "--store", uri), 3)
    shutil.rmtree(folder / "cache" / "mlflow")
    timed(f"{name}: all boards of {n:,} runs, first once more", lambda: board(folder, "--store", uri))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[300, 3000, 10_000])
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgres", "server"])
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    for n in options.n:
        for name in options.stores:
            with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
                folder = Path(made)
                if name == "sqlite":
                    uri = database = f"sqlite:///{folder}/mlflow.db"
                else:
                    served = Lab(folder / "store", workers=options.workers)
                    stack.enter_context(served)
                    database = served.database
                    uri = served.uri if name == "server" else database
                fill(uri, database, folder, folder / "store" / "store" / "artifacts", n)
                boards(name, uri, folder, n)


if __name__ == "__main__":
    main()
