"""An MLflow store: where it is by default, how it is reached, and what it raises, in one line."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.text.secret_urls import public_url
from bench.text.secrets import clean
from bench.tracking import empty

if TYPE_CHECKING:
    from mlflow import MlflowClient


class StoreError(Exception):
    """The store did not take what was sent; the run directory is complete all the same."""


def default_uri(runs_dir: Path) -> str:
    """SQLite beside the runs."""
    return f"sqlite:///{(runs_dir / 'mlflow.db').resolve()}"


def connect(uri: str) -> MlflowClient:
    """A client of this store; raises StoreError where there can be none."""
    # Answer soon when the server is down: by default MLflow tries for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # a bar a file, between our own lines
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers of every run
    if "mlflow" not in sys.modules:
        atexit.register(
            gc.freeze
        )  # else the last collection goes through all of MLflow, before the memory is given back anyway
    with _no_collection(), store_errors(uri):
        import logging

        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        empty.place(uri)
        return MlflowClient(tracking_uri=uri)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Leave garbage alone: while MLflow's 2,000 modules come in, looking for it takes a fifth of the time and finds nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow, its database and the network raise into one StoreError of one line."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
        lines = str(error).strip().splitlines()
        said = clean(lines[0])[:200] if lines else type(error).__name__
        raise StoreError(f"MLflow store {public_url(uri)}: {said}") from error
