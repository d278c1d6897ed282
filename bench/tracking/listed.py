"""Which runs of ours a database holds, by reads of few columns: a board of 10,000 runs needs neither MLflow nor its objects.

Only where the schema is that of the MLflow that is installed; else, and for whatever a database says against it, MLflow's own
search is asked, which also says what is wrong.
"""

from __future__ import annotations

import importlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from bench.tracking import carried, empty, schema
from bench.tracking.fields import KEY, LOGGED
from bench.tracking.seen import Place

_AT_ONCE = 500  # runs whose tags are asked for by name
_ALL = 2000  # from so many on those of all runs are read
_RUNS = f"""
SELECT r.run_uuid, r.artifact_uri, t.value, COALESCE(m.value, 0), r.experiment_id
FROM runs r
JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = '{KEY}' AND t.value <> ''
LEFT JOIN latest_metrics m ON m.run_uuid = r.run_uuid AND m.key = '{LOGGED}'
WHERE r.status = 'FINISHED' AND r.lifecycle_stage = 'active'
"""  # the names are ours
_EXPERIMENTS = (
    "SELECT name FROM experiments WHERE lifecycle_stage = 'deleted' ORDER BY last_update_time DESC, experiment_id"
)
_TAGS = f"SELECT run_uuid, key, value FROM tags WHERE key IN ({', '.join(repr(one) for one in carried.NAMES)})"
_REVISION = "SELECT version_num FROM alembic_version"

# A plain address, of which SQLAlchemy and the database's own driver understand the same.
_POSTGRESQL = re.compile(r"postgresql(\+psycopg2)?://[\w.~%-]+(:[\w.~%-]+)?@[\w.-]+(:\d+)?/[\w-]+")

Ask = Callable[[str, Sequence[str]], list[Any]]


class Unlike(Exception):
    """The database is none that these reads fit."""


class Listed:
    """A database's runs, in one transaction that changes nothing."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def places(self) -> Iterator[Place]:
        """Every finished run of ours that is not deleted, in experiments that are not."""
        for run_id, artifacts, key, logged, experiment in self._ask(_RUNS, ()):
            yield Place(str(run_id), str(artifacts), str(key), float(logged), str(experiment))

    def deleted_experiments(self) -> list[str]:
        """The names of the experiments that were deleted, the last first."""
        return [str(name) for (name,) in self._ask(_EXPERIMENTS, ())]

    def tags(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The tags of these runs that carry their records, as JSON by run."""
        found: dict[str, dict[str, str]] = {}
        wanted = set(run_ids)
        for rows in self._rows_of_tags(run_ids):
            for run_id, key, value in rows:
                if run_id in wanted:
                    found.setdefault(run_id, {})[key] = value
        return {run_id: json.dumps(tags) for run_id, tags in found.items()}

    def _rows_of_tags(self, run_ids: Sequence[str]) -> Iterable[list[Any]]:
        if len(run_ids) > _ALL:
            yield self._ask(_TAGS, ())
            return
        for at in range(0, len(run_ids), _AT_ONCE):
            yield self._ask(f"{_TAGS} AND run_uuid IN", run_ids[at : at + _AT_ONCE])


@contextmanager
def listed(uri: str) -> Iterator[Listed]:
    """The runs of this database; raises Unlike where it is no database, or another than these reads fit."""
    file = empty.file_of(uri)
    head, _ = schema.revisions()
    if head is None:
        raise Unlike("the revisions of the installed MLflow are not in one line")
    if file is not None:
        with _of_file(file.resolve().as_uri(), head) as found:
            yield found
    elif uri.startswith("sqlite"):
        raise Unlike("it is no plain file")
    elif _POSTGRESQL.fullmatch(uri) and (driver := _driver()) is not None:
        with _of_postgresql(driver, uri, head) as found:
            yield found
    else:
        with _of_server(uri, head) as found:
            yield found


@contextmanager
def _of_file(uri: str, head: str) -> Iterator[Listed]:
    try:
        with closing(sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=5)) as db:

            def ask(query: str, names: Sequence[str]) -> list[Any]:
                marks = f" ({', '.join('?' * len(names))})" if names else ""
                return db.execute(f"{query}{marks}", tuple(names)).fetchall()

            db.execute("BEGIN")
            _refuse_other(ask, head)
            yield Listed(ask)
    except sqlite3.Error as error:
        raise Unlike(str(error)) from None


def _driver() -> Any:
    """psycopg2, which has no types; None where it is not installed: SQLAlchemy may know another."""
    try:
        return importlib.import_module("psycopg2")
    except ImportError:
        return None


@contextmanager
def _of_postgresql(psycopg2: Any, uri: str, head: str) -> Iterator[Listed]:
    """By its driver alone: to import SQLAlchemy takes as long as all the rest of a board's look at a store."""
    try:
        with closing(psycopg2.connect(uri.replace("+psycopg2", "", 1))) as connection, connection.cursor() as cursor:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)

            def ask(query: str, names: Sequence[str]) -> list[Any]:
                cursor.execute(f"{query} %s", (tuple(names),)) if names else cursor.execute(query)
                return [*cursor.fetchall()]

            _refuse_other(ask, head)
            yield Listed(ask)
    except psycopg2.Error as error:
        raise Unlike(str(error)) from None


@contextmanager
def _of_server(uri: str, head: str) -> Iterator[Listed]:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    except (SQLAlchemyError, ImportError) as error:
        raise Unlike(str(error)) from None
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

            def ask(query: str, names: Sequence[str]) -> list[Any]:
                if not names:
                    return [*connection.execute(sqlalchemy.text(query))]
                wanted: Any = sqlalchemy.bindparam("names", expanding=True)
                return [*connection.execute(sqlalchemy.text(f"{query} :names").bindparams(wanted), {"names": [*names]})]

            _refuse_other(ask, head)
            yield Listed(ask)
    except SQLAlchemyError as error:
        raise Unlike(str(error)) from None
    finally:
        engine.dispose()


def _refuse_other(ask: Ask, head: str) -> None:
    """Raise Unlike for the schema of another MLflow."""
    found = [row[0] for row in ask(_REVISION, ())]
    if found != [head]:
        raise Unlike(f"its schema is {', '.join(map(str, found))}, that of the installed MLflow {head}")
