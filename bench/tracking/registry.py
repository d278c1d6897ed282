"""The models of a training in MLflow's registry: a version for each seed, which `mlflow:models/NAME/VERSION` loads again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.tracking import mark
from bench.tracking.fields import KEY, LONGEST_TAG
from bench.tracking.races import retried
from bench.tracking.store import connect, store_errors
from bench.training.record import TrainingRecord

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
_MOST = 1000  # versions that are looked through for those that are there already


def refuse_name(name: str) -> None:
    """Raise BenchError for what can be no name there that a source of ours names again."""
    if not _NAME.fullmatch(name):
        raise BenchError(
            f"register={name[:80]} must be at most 100 letters, digits and the signs _ . - beginning with a letter or digit"
        )


def register(uri: str, name: str, training: TrainingRecord, folder: Path, card: Mapping[str, str]) -> list[str]:
    """Put each seed's model into the registry as a version of `name`, once; the versions in the order of the seeds.

    `card` are tags that say what it is and what it may be used for. Raises StoreError where the store takes it not, and BenchError
    where the training was not logged there, or a model is no longer what it left.
    """
    logged = mark.of_store(folder, uri)
    if logged is None:
        raise BenchError(
            f"the training in {folder} is not in that MLflow store, so its models cannot be registered there"
        )
    for seed in training.seeds:
        if digest(folder / seed["model"]) != seed["sha256"]:
            raise BenchError(f"{folder / seed['model']} is not the model that the training left; nothing is registered")
    client = connect(uri)
    with store_errors(uri):
        known = retried(lambda: _known(client, name), lambda error: "already exists" in str(error))  # made by another
        return [_version(client, logged.run_id, name, training, seed, folder, card, known) for seed in training.seeds]


def _known(client: Any, name: str) -> Mapping[str, str]:
    """The versions of a registered model by their key, which is made where it is not there."""
    if not client.search_registered_models(f"name = '{name}'", max_results=1):
        client.create_registered_model(name)
    return {
        one.tags.get(KEY, ""): str(one.version)
        for one in client.search_model_versions(f"name = '{name}'", max_results=_MOST)
    }


def _version(
    client: Any, run_id: str, name: str, training: TrainingRecord, seed: Mapping[str, Any], folder: Path, card: Mapping[str, str],
    known: Mapping[str, str],
) -> str:  # fmt: skip
    key = f"{training.training_id} {training.created} seed {seed['seed']}"
    if key in known:
        return known[key]
    place = f"seed-{seed['seed']}/model"
    client.log_artifacts(run_id, str(folder / seed["model"]), place)
    tags = {
        KEY: key, "task": training.task, "model": training.model, "training": training.training_id, "seed": str(seed["seed"]),
        "sha256": seed["sha256"], training.bar.metric: f"{seed['value']:.6g}", "reached": str(seed["reached"]),
        "trained_on": training.split, "comparable": str(training.comparable), **card,
    }  # fmt: skip
    made = client.create_model_version(
        name, f"runs:/{run_id}/{place}", run_id, tags={key: value[:LONGEST_TAG] for key, value in tags.items()}
    )
    return str(made.version)
