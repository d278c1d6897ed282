"""A new MLflow store as a copy of an empty one, and what connecting costs those who only wanted to log a run."""

from __future__ import annotations

import gc
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bench.tracking import empty
from bench.tracking.store import connect


def content(path: Path) -> dict[str, list[object]]:
    """Tables and rows of a store, but for times and the folder that MLflow was started in."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE experiments SET creation_time = 0, last_update_time = 0")
        schema = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        # The migrations rebuild tables with their constraints in the order of a set: their words are compared, sorted.
        found: dict[str, list[object]] = {
            "schema": [(kind, name, sorted(re.findall(r"\w+", sql or ""))) for kind, name, sql in schema]
        }
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            found[name] = db.execute(f'SELECT * FROM "{name}"').fetchall()
        return found


@pytest.mark.slow
def test_a_new_store_is_what_mlflow_itself_makes(tmp_path: Path) -> None:
    connect(f"sqlite:///{tmp_path / 'new' / 'copied.db'}")
    from mlflow import MlflowClient

    MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'made.db'}")
    copied = content(tmp_path / "new" / "copied.db")
    assert len(copied["experiments"]) == 1
    assert copied == content(tmp_path / "made.db")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [".copied.db.lock", "copied.db"]


def test_the_store_is_a_copy_of_the_kept_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def make(kept: Path) -> None:
        made.append(kept)
        kept.parent.mkdir(parents=True)
        with closing(sqlite3.connect(kept)) as db:
            db.execute("CREATE TABLE alembic_version AS SELECT 'last'")
            db.commit()

    monkeypatch.setattr(empty, "_make", make)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("a.db", "b.db"):
        empty.place(f"sqlite:///{tmp_path / name}")
    assert len(made) == 1
    assert (tmp_path / "b.db").read_bytes() == made[0].read_bytes()


@pytest.mark.parametrize("damage", [b"", b"nonsense" * 1000])
def test_a_damaged_empty_store_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    made: list[Path] = []
    monkeypatch.setattr(empty, "_make", made.append)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    empty._kept().parent.mkdir()
    empty._kept().write_bytes(damage)
    empty.place(f"sqlite:///{tmp_path / 'a.db'}")
    assert made == [empty._kept()]


def test_a_store_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"somebody's")
    empty.place(f"sqlite:///{path}")
    with pytest.raises(FileExistsError):  # made by another process since it was looked for
        empty._copy(path, path)
    assert path.read_bytes() == b"somebody's"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "http://host/a.db", "x"])
def test_a_store_that_is_no_plain_file_is_left_to_mlflow(uri: str) -> None:
    assert empty.file_of(uri) is None


def test_where_nothing_can_be_kept_the_store_is_left_to_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    empty.place(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert not (tmp_path / "mlflow.db").exists()


def test_connecting_collects_garbage_afterwards_and_tells_nobody(tmp_path: Path) -> None:
    os.environ.pop("MLFLOW_DISABLE_TELEMETRY", None)
    connect("http://127.0.0.1:9")
    assert gc.isenabled()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.slow
def test_a_model_of_mlflow_can_be_read_after_a_store_was_connected_to(tmp_path: Path) -> None:
    """As `bench run -m model=constant,pyfunc` does: the first run is logged before the second model is loaded."""
    connected = f"from bench.tracking.store import connect; connect('sqlite:///{tmp_path}/a.db')"
    code = f"{connected}; import mlflow; mlflow.pyfunc.load_model"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
