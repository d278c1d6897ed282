"""A new SQLite store as a copy of an empty one, which is kept in the cache: MLflow makes each by some seventy migrations.

Only the file is spared: what MLflow itself puts into a new store it puts into the copy. Whatever hinders this leaves the store to
MLflow.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.artifacts import kept
from bench.artifacts.digest import cache_dir
from bench.artifacts.turn import turn
from bench.disk import draft_of
from bench.runs.identity import fingerprint


def place(uri: str) -> None:
    """Put an empty store where this URI names a SQLite file that is not there, never over one that is."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    path = file_of(uri)
    if path is None or path.exists():
        return
    with suppress(OSError, sqlite3.Error, MlflowException, SQLAlchemyError):
        empty = _kept()
        if not _is_sound(empty):
            _make(empty)
        path.parent.mkdir(parents=True, exist_ok=True)
        _copy(empty, path)


def file_of(uri: str) -> Path | None:
    """The file of a SQLite store; None for a store that is no plain file."""
    path = uri.removeprefix("sqlite:///")
    return None if path in (uri, "", ":memory:") or "?" in path else Path(path)


def _kept() -> Path:
    """Where the empty store of this MLflow's schema is kept."""
    import mlflow

    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations" / "versions"
    schema = fingerprint([mlflow.__version__, sorted(path.name for path in migrations.glob("*.py"))])
    return cache_dir() / "mlflow" / f"empty-{schema[:12]}.db"


def _is_sound(path: Path) -> bool:
    """Whether the file is whole and its migrations were finished."""
    if not path.is_file() or not kept.is_as_it_was(path):
        return False
    try:
        with closing(sqlite3.connect(path)) as db:
            (checked,) = db.execute("PRAGMA quick_check").fetchone()
            return bool(checked == "ok" and db.execute("SELECT count(*) FROM alembic_version").fetchone()[0])
    except sqlite3.Error:
        return False


def _make(place: Path) -> None:
    """Have MLflow make a store, empty it, and keep it."""
    from mlflow import MlflowClient

    with turn(place, "making", "an empty MLflow store") as folder:
        if _is_sound(place):  # another process has made it meanwhile
            return
        draft = folder / place.name
        with _without_waiting_for_the_disk():
            MlflowClient(tracking_uri=f"sqlite:///{draft}")
        with closing(sqlite3.connect(draft)) as db:
            # The first experiment says in which folder MLflow was started; it makes another where there is none.
            db.execute("DELETE FROM experiments")
            db.commit()
        kept.put(draft, place)


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """A draft may be lost in a crash: no need to wait after each of hundreds of statements."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def hurry(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", hurry)
    try:
        yield
    finally:
        event.remove(Engine, "connect", hurry)


def _copy(empty: Path, path: Path) -> None:
    """Copy all or nothing, and nothing where another process has made the store in between."""
    draft = draft_of(path)
    try:
        shutil.copyfile(empty, draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike a rename it refuses to replace
        except FileExistsError:
            raise
        except OSError:  # no links here; a rename is all or nothing too, where MLflow's own making is not
            if path.exists():
                raise
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
