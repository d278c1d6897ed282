"""Reading a database of MLflow's by its driver alone."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.tracking import carried, listed, schema
from bench.tracking.fields import KEY, LOGGED
from bench.tracking.seen import Place

ADDRESS = "postgresql+psycopg2://ann:p%40w-1@db.lab:5432/mlflow"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The tables that are read of a store, with three runs: one has the tags of its record, one was deleted."""
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE alembic_version AS SELECT ? AS version_num", (schema.revisions()[0],))
        db.execute("CREATE TABLE experiments (experiment_id, name, lifecycle_stage, last_update_time)")
        db.execute("CREATE TABLE runs (run_uuid, artifact_uri, experiment_id, status, lifecycle_stage)")
        db.execute("CREATE TABLE tags (run_uuid, key, value)")
        db.execute("CREATE TABLE latest_metrics (run_uuid, key, value)")
        db.executemany(
            "INSERT INTO experiments VALUES (?, ?, ?, 0)", [(1, "squad_v1 v1", "active"), (2, "old v1", "deleted")]
        )
        for number, stage in enumerate(("active", "deleted", "active")):
            run_id = f"{number}" * 32
            db.execute(
                "INSERT INTO runs VALUES (?, ?, 1, 'FINISHED', ?)", (run_id, f"mlflow-artifacts:/1/{number}", stage)
            )
            db.execute("INSERT INTO tags VALUES (?, ?, ?)", (run_id, KEY, f"key{number}"))
        db.execute("INSERT INTO latest_metrics VALUES (?, ?, 5.0)", ("0" * 32, LOGGED))
        db.execute("INSERT INTO tags VALUES (?, ?, '1 abc')", ("0" * 32, carried.TAG))
    return path


class Driver:
    """Stands for psycopg2: of every address the file's tables."""

    Error = sqlite3.Error

    def __init__(self, file: Path) -> None:
        self.file, self.told = file, list[Any]()

    def connect(self, address: str) -> Any:
        self.told.append(address)
        db = sqlite3.connect(self.file)

        @contextmanager
        def cursor() -> Iterator[Any]:
            yield SimpleNamespace(execute=execute, fetchall=lambda: found[-1].fetchall())

        def execute(query: str, values: tuple[tuple[str, ...], ...] = ()) -> None:
            names = values[0] if values else ()
            found.append(db.execute(query.replace("%s", f"({', '.join('?' * len(names))})"), names))

        found: list[Any] = []
        return SimpleNamespace(
            cursor=cursor, set_session=lambda **said: self.told.append(said), close=lambda: self.told.append("closed")
        )


@pytest.fixture
def driver(file: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """The only way to a database that there is."""
    found = Driver(file)
    monkeypatch.setitem(sys.modules, "psycopg2", found)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    return found


def read(uri: str) -> tuple[list[Place], list[str], dict[str, str]]:
    """All that is read of a database."""
    with listed.listed(uri) as found:
        return [*found.places()], found.deleted_experiments(), found.tags(["0" * 32])


def test_postgresql_is_read_as_a_file_is_in_one_transaction_that_writes_nothing(driver: Driver, file: Path) -> None:
    places, deleted, tags = read(ADDRESS)
    assert (places, deleted, tags) == read(f"sqlite:///{file}")
    assert [(one.run_id[0], one.key, one.logged, one.local) for one in places] == [
        ("0", "key0", 5.0, ""),
        ("2", "key2", 0.0, ""),
    ]
    assert (deleted, tags) == (["old v1"], {"0" * 32: f'{{"{carried.TAG}": "1 abc"}}'})
    session = {"isolation_level": "REPEATABLE READ", "readonly": True}
    assert driver.told == ["postgresql://ann:p%40w-1@db.lab:5432/mlflow", session, "closed"]


def test_what_the_driver_says_against_a_database_leaves_it_to_mlflow(driver: Driver, file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = 'other'")
    with pytest.raises(listed.Unlike, match="its schema is other"):
        read(ADDRESS)
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("DROP TABLE alembic_version")
    with pytest.raises(listed.Unlike, match="no such table"):
        read(ADDRESS)
    assert driver.told.count("closed") == 2


def test_where_its_driver_is_not_installed_sqlalchemy_is_asked(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ImportError, match="sqlalchemy"):
        read("postgresql://ann@db/mlflow")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://db/ml?sslmode=require",
        "postgresql+pg8000://a:b@db/ml",
        "mysql://a:b@db/ml",
        "postgresql://a:b#c@db/ml",
    ],
)
def test_other_addresses_are_for_sqlalchemy(address: str, driver: Driver) -> None:
    with pytest.raises(ImportError, match="sqlalchemy"):
        read(address)
    assert driver.told == []
