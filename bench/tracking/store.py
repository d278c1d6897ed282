"""An MLflow store: where it is by default, how it is reached, and what it raises, in one line."""

from __future__ import annotations

import atexit
import functools
import gc
import logging
import os
import re
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import garbage, machine
from bench.errors import BenchError
from bench.logs.log import say
from bench.text.secret_urls import public_url
from bench.text.secrets import clean
from bench.tracking import addresses, empty, remedies, schema
from bench.tracking.races import is_being_made, retried
from bench.tracking.turn import turn

if TYPE_CHECKING:
    from mlflow import MlflowClient


_TRIES = 3  # of opening a database; MLflow's ten take 100 s
_PATIENCE_SECONDS = 5.0  # for another process that writes
_MAKING_SECONDS = 60.0  # for another process that makes the tables of a new database, or for a free connection
_DATABASE = re.compile(r"(sqlite|postgresql|mysql|mssql)[+:]")
_DEFAULTS = {
    # Answer soon when the server is down: by default MLflow tries for minutes, or waits as long as an answer says.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "PGCONNECT_TIMEOUT": "10",  # libpq would wait for ever for a server that takes a connection and says nothing
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # a bar a file, between our own lines
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines a run, where others read ours
    "MLFLOW_DISABLE_TELEMETRY": "true",  # it would tell its makers of every run
}


class StoreError(Exception):
    """The store did not take what was sent; the run directory is complete all the same. `remedy` is what a person does about it."""

    def __init__(self, line: str, remedy: str = remedies.START) -> None:
        super().__init__(line)
        self.remedy = remedy


class PartOfStore(StoreError):
    """One experiment of a store takes no runs, which says nothing of its others."""


class ForbiddenExperiment(PartOfStore):
    """Whoever asks may not log runs of this board."""

    def __init__(self, uri: str, board: str, why: BaseException) -> None:
        line, remedy = remedies.said(why)
        super().__init__(f"MLflow store {public_url(uri)}: {clean(line)[:200]} to runs of '{board}'", remedy)


class DeletedExperiment(PartOfStore):
    """An experiment was deleted."""

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
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    if "mlflow" not in sys.modules:
        atexit.register(
            gc.freeze
        )  # else the last collection goes through all of MLflow, before the memory is given back anyway
    with garbage.left_alone(), store_errors(uri):  # which imports 2,000 modules
        from mlflow import MlflowClient
        from mlflow.store.db import utils

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        # They would warn at each try, and show a traceback of what becomes our one line.
        for name in ("mlflow.store.db.utils", "mlflow.utils.rest_utils", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        utils.MAX_RETRY_COUNT = min(utils.MAX_RETRY_COUNT, _TRIES)
        _refuse_unusable(uri)
        _warn_shared(uri)
        _bound_waiting()
        with turn(uri):
            empty.place(uri)
            retried(lambda: _refuse_other_schema(uri), is_being_made, seconds=_PATIENCE_SECONDS)
            return retried(lambda: MlflowClient(tracking_uri=uri), is_being_made, seconds=_MAKING_SECONDS, pause=0.5)


@functools.cache
def _warn_shared(uri: str) -> None:
    """Say it once of a SQLite file that other machines may see, whose locks may hold within one of them alone."""
    file = empty.file_of(uri)
    if file is not None and (kind := machine.shared_kind(file)):
        say(
            f"MLflow store {public_url(uri)} is a SQLite file on {kind}, which several machines at once may damage; log to a "
            "server (MLFLOW_TRACKING_URI, docs/scale.md) where more than one runs, or leave it with tracking=none and `bench sync`",
            logging.WARNING,
        )


def sync_command(uri: str, runs_dir: Path) -> str:
    """The command that logs to this store later: `bench sync` alone goes to that of the environment, else beside the runs."""
    shown, usual = public_url(uri), os.environ.get("MLFLOW_TRACKING_URI") or default_uri(runs_dir)
    store = "" if shown == public_url(usual) else f"MLFLOW_TRACKING_URI={shlex.quote(shown)} "
    is_found = runs_dir.resolve() == Path(os.environ.get("BENCH_RUNS", "runs")).resolve()
    return f"{store}bench sync" + ("" if is_found else f" --runs {shlex.quote(str(runs_dir))}")


def is_database(uri: str) -> bool:
    """Whether the store is a database that is reached without a server of MLflow."""
    return _DATABASE.match(uri) is not None


def _bound_waiting() -> None:
    """Have PostgreSQL wait for a table that somebody has locked as long as MLflow has SQLite wait, not for ever."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", _patient):
        event.listen(Engine, "connect", _patient)


def _patient(connection: Any, _: Any) -> None:
    if type(connection).__module__.startswith("psycopg"):
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")
        connection.commit()  # else the first rollback takes it back


def _refuse_other_schema(uri: str) -> None:
    """Raise StoreError for a database that another MLflow has made."""
    if is_database(uri) and (found := schema.fault(uri)):
        raise StoreError(f"MLflow store {public_url(uri)}: {found[0]}", found[1])


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow, its database and the network raise into one StoreError of one line."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StoreError, BenchError):
        raise
    except ImportError as error:  # the driver of a database, or what sends files to its place for them
        what = f"the Python module {error.name}" if error.name else f"a module ({clean(str(error))[:200]})"
        raise StoreError(
            f"MLflow store {public_url(uri)} needs {what}, which is not installed", remedies.installed_by(error.name)
        ) from error
    except Exception as error:
        if not isinstance(
            error, MlflowException | RequestException | SQLAlchemyError | OSError
        ) and not remedies.is_of_store(error):
            raise  # a fault of ours
        line, remedy = remedies.said(error)
        raise StoreError(f"MLflow store {public_url(uri)}: {clean(line)[:200]}", remedy) from error


def refuse_address(uri: str) -> None:
    """Raise StoreError for an address that is none, or leads somewhere else than it looks."""
    if found := addresses.fault(uri):
        raise StoreError(f"MLflow store {public_url(uri)}: {found[0]}", found[1])


def _refuse_unusable(uri: str) -> None:
    """Raise StoreError for an address that is none, or a SQLite store that MLflow tries for minutes."""
    refuse_address(uri)
    file = empty.file_of(uri)
    if file is None or not file.exists():
        return
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE_SECONDS)) as db:
            db.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        remedy = remedies.said(error)[1]
        remedy = "make it a file that can be written" if remedy == remedies.START else remedy
        raise StoreError(f"MLflow store {public_url(uri)}: {error}", remedy) from None
