"""An MLflow store: where it is by default, how it is reached, and what it raises, in one line."""

from __future__ import annotations

import atexit
import gc
import os
import re
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.text.secret_urls import public_url
from bench.text.secrets import clean
from bench.tracking import empty

if TYPE_CHECKING:
    from mlflow import MlflowClient


_TRIES = 3  # of opening a database; MLflow's ten take 100 s
_PATIENCE_SECONDS = 5.0  # for another process that writes
_NAME = "give a server (http:, https:) or a database (sqlite:, postgresql:, mysql:, mssql:) by MLFLOW_TRACKING_URI or tracking.uri="
_NO_STORE = ("unsupported URI", "Can't load plugin", "Could not parse SQLAlchemy URL", "Unity Catalog tracking URI")
_REMEDIES = {  # by what the database or MLflow says
    "database is locked": "wait for the process that is writing there",
    "readonly database": "make the file and its folder writable",
    "attempt to write a readonly": "make the file and its folder writable",
    "file is not a database": "move that file away, or name another store",
    "malformed": "move that file away, or name another store",
    "unable to open database": "make it a file that can be written, in a folder that is there",
    "disk is full": "free space",
    "database schema": "use the MLflow that made it, or bring it up to date with `mlflow db upgrade URI`",
    "tracking backend": _NAME,  # a folder, which MLflow takes no more
    "Can't locate revision": "use the newer MLflow that made it, or name another store",
}


class StoreError(Exception):
    """The store did not take what was sent; the run directory is complete all the same. `remedy` is what a person does about it."""

    def __init__(self, line: str, remedy: str = "start the store") -> None:
        super().__init__(line)
        self.remedy = remedy


class DeletedExperiment(StoreError):
    """One experiment of a store was deleted, which says nothing of its others."""

    def __init__(self, uri: str, name: str, experiment: str) -> None:
        super().__init__(
            f"MLflow store {public_url(uri)}: its experiment '{name}' was deleted",
            f"restore it (`MLFLOW_TRACKING_URI={shlex.quote(public_url(uri))} mlflow experiments restore -x {experiment}`)",
        )


def default_uri(runs_dir: Path) -> str:
    """SQLite beside the runs."""
    return f"sqlite:///{(runs_dir / 'mlflow.db').resolve()}"


def connect(uri: str) -> MlflowClient:
    """A client of this store; raises StoreError where there can be none."""
    # Answer soon when the server is down: by default MLflow tries for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # a bar a file, between our own lines
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines a run, where others read ours
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers of every run
    if "mlflow" not in sys.modules:
        atexit.register(
            gc.freeze
        )  # else the last collection goes through all of MLflow, before the memory is given back anyway
    with _no_collection(), store_errors(uri):
        import logging

        from mlflow import MlflowClient
        from mlflow.store.db import utils

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.ERROR)  # it would warn at each try
        utils.MAX_RETRY_COUNT = min(utils.MAX_RETRY_COUNT, _TRIES)
        _refuse_unusable(uri)
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
        line = clean(lines[0])[:200] if lines else type(error).__name__
        remedy = next((what for said, what in _REMEDIES.items() if said in str(error)), "start the store")
        if any(said in str(error) for said in _NO_STORE):
            line, remedy = "this is no address of a store", _NAME
        raise StoreError(f"MLflow store {public_url(uri)}: {line}", remedy) from error
    except ImportError as error:  # the driver of a database, or what sends files to its place for them
        what = f"the Python module {error.name}" if error.name else f"a module ({clean(str(error))[:200]})"
        raise StoreError(
            f"MLflow store {public_url(uri)} needs {what}, which is not installed", "install it"
        ) from error


def _refuse_unusable(uri: str) -> None:
    """Raise StoreError for an address without a number as its port, or a SQLite store that MLflow would try for minutes."""
    try:
        _ = urlsplit(uri).port
    except ValueError:
        raise StoreError(f"MLflow store {public_url(uri)}: this is no address of a store", _NAME) from None
    path = uri.removeprefix("sqlite:///")
    if path != uri and re.search(r"%[0-9a-fA-F]{2}|\?.*/", path):
        raise StoreError(
            f"MLflow store {public_url(uri)}: a path with ? or % and two digits is another one in the address of a SQLite file",
            "name another with MLFLOW_TRACKING_URI or tracking.uri=",
        )
    file = empty.file_of(uri)
    if file is None or not file.exists():
        return
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE_SECONDS)) as db:
            db.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        remedy = next(
            (what for said, what in _REMEDIES.items() if said in str(error)), "make it a file that can be written"
        )
        raise StoreError(f"MLflow store {public_url(uri)}: {error}", remedy) from None
