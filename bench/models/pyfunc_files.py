"""The files of a model in MLflow's registry, brought into the cache, and loaded from there: what of MLflow the models need."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.artifacts import kept
from bench.artifacts.digest import cache_dir
from bench.artifacts.failing import keeping
from bench.artifacts.turn import turn
from bench.errors import BenchError
from bench.text.secret_urls import public_url
from bench.text.secrets import clean


def files(store: str, uri: str, name: str, version: str) -> Path:
    """The model's files in the cache, brought once; raises BenchError when they cannot be had."""
    if os.environ.get("BENCH_OFFLINE") and "://" in store and not store.startswith(("sqlite:", "file:")):
        raise BenchError(f"--offline forbids asking the MLflow store {shown(store)} for {uri}; fetch it first")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default MLflow tries for minutes
    import logging

    import mlflow

    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    try:
        with _as_default(store):
            return _brought(uri, store, mlflow.MlflowClient(store, store).get_model_version(name, version))
    except BenchError:
        raise
    except Exception as error:  # MLflow, its database, its artifact store and the network each raise their own
        raise BenchError(f"{uri} cannot be had from the MLflow store {shown(store)}: {_line(error)}") from None


def _brought(uri: str, store: str, version: Any) -> Path:
    """The files of a version as the registry describes it, out of the cache if they are there."""
    import mlflow

    # A version's number stands for the same files for ever, but a store may be deleted and begun anew.
    known = f"{shown(store)} {version.name} {version.version} {version.creation_timestamp} {version.source}"
    place = cache_dir() / "mlflow" / hashlib.sha256(known.encode()).hexdigest()
    if not place.exists():
        with keeping(uri), turn(place, "fetching", uri) as folder:
            if not place.exists():  # else another process has brought it meanwhile
                target = folder / "brought"
                target.mkdir()
                got = mlflow.artifacts.download_artifacts(
                    artifact_uri=uri, dst_path=str(target), tracking_uri=store, registry_uri=store
                )
                shutil.copytree(got, folder / "whole")
                kept.put(folder / "whole", place)
    kept.refuse_exchanged(place, uri)
    return place


@contextlib.contextmanager
def _as_default(store: str) -> Iterator[None]:
    """Name the store in the environment for a while: MLflow else makes a mlflow.db in the working folder beside it."""
    names = {
        "MLFLOW_TRACKING_URI": store,
        "MLFLOW_REGISTRY_URI": store,
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def loaded(folder: Path, uri: str) -> Any:
    """The model in the folder, whose own code runs; raises BenchError for whatever that raises."""
    import mlflow.pyfunc

    try:
        return mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
    except Exception as error:  # the model's own code may raise anything
        raise BenchError(f"{uri} cannot be loaded: {_line(error)}; install what its requirements.txt names") from None


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {clean(lines[0])[:200] if lines else ''}"


def shown(store: str) -> str:
    """The store's address without a password."""
    return public_url(store)
