"""A training in MLflow: one run in the experiment of its board, its curves as metrics by step."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.text.secret_urls import public_url
from bench.tracking import clock, mark
from bench.tracking.begun import settled, signed
from bench.tracking.fields import KEY, flat
from bench.tracking.fields import name as field_name
from bench.tracking.log import Tracker
from bench.tracking.races import TRIES, retried
from bench.tracking.store import StoreError, store_errors
from bench.tracking.turn import turn
from bench.training.record import FILE, TrainingRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient

_MOST = 1000  # metrics that MLflow takes at once


def log(uri: str, runs_dir: Path, training: TrainingRecord, folder: Path) -> None:
    """Log a training once; raises StoreError where the store takes it not.

    Params are its recipe and target, `time_to_target` the result of MLPerf's rule; each seed's curve is a metric, by step.
    """
    key = f"{training.training_id} {training.created}"
    if mark.of_store(folder, uri) is not None:
        return
    tracker = Tracker(uri, runs_dir)
    with store_errors(uri), turn(uri):
        run_id = retried(lambda: _settled(tracker, training, folder, key), tries=TRIES)
    mark.write(folder, uri, run_id, [], FILE)


def _settled(tracker: Tracker, training: TrainingRecord, folder: Path, key: str) -> str:
    """The id of the finished run of the training; one that was logged by half is deleted and logged again."""
    bar = training.bar
    experiment = tracker.experiment(
        f"time to {bar.metric} {bar.value:g} on {training.task} v{training.task_version}",
        ("time_to_target",),
        "time_to_target",
    )
    if found := settled(tracker.client, experiment, key):
        return found
    _logged(tracker.client, experiment, training, folder, key)
    if found := settled(tracker.client, experiment, key):
        return found
    raise StoreError(
        f"MLflow store {public_url(tracker.uri)} took the training and does not show it", "look at the store"
    )


def _logged(client: MlflowClient, experiment: str, training: TrainingRecord, folder: Path, key: str) -> None:
    from mlflow.entities import Metric, Param

    tags = {KEY: key, "task": training.task, "model": training.model, "device": training.device, "dtype": training.dtype,
            "split": training.split, "comparable": str(training.comparable)}  # fmt: skip
    run_id = str(
        client.create_run(experiment, run_name=training.model, tags=tags | signed(clock.now(client))).info.run_id
    )
    now = int(time.time() * 1000)
    numbers = {"time_to_target": training.result["mlperf"]["seconds"], **flat(training.result)}
    metrics = [
        Metric(field_name(name), float(value), now, 0)
        for name, value in numbers.items() if isinstance(value, int | float) and not isinstance(value, bool)
    ]  # fmt: skip
    for seed in training.seeds:
        metrics += [
            Metric(field_name(f"seed-{seed['seed']}.{training.bar.metric}"), float(one["value"]), now, one["step"])
            for one in seed["curve"]
        ]
    params = flat({"target": str(training.bar), "limit_seconds": training.limit_seconds, "recipe": training.recipe,
                   "seeds": [seed["seed"] for seed in training.seeds]})  # fmt: skip
    client.log_batch(run_id, params=[Param(field_name(name), str(value)) for name, value in params.items()])
    for start in range(0, len(metrics), _MOST):
        client.log_batch(run_id, metrics=metrics[start : start + _MOST])
    client.log_artifact(run_id, str(folder / FILE))
    for seed in training.seeds:
        for name in ("curve.tsv", "ledger.jsonl"):
            client.log_artifact(run_id, str(folder / f"seed-{seed['seed']}" / name), f"seed-{seed['seed']}")
    client.set_terminated(run_id)
