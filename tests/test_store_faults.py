"""What is wrong with a store or a disk is said as it is, with what helps; the same command afterwards loses nothing."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench.tracking import addresses, fields
from bench.tracking.read import Store
from bench.tracking.store import StoreError, connect, default_uri, sync_command

Main = Callable[..., tuple[int, list[str], list[str]]]
RUN = ("run", "task=words", "model=stub", "task.n=5", "batch_size=2", "resamples=20")


@pytest.mark.slow
def test_a_deleted_experiment_is_said_to_be_one_and_others_are_logged(
    own_package: Path, tmp_path: Path, bench_main: Main
) -> None:
    uri = f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}"
    client = connect(uri)
    experiment = client.create_experiment("words v1")
    client.delete_experiment(experiment)
    code, _, err = bench_main(*RUN)
    hint = f"restore it (`MLFLOW_TRACKING_URI={uri} mlflow experiments restore -x {experiment}`)"
    assert code == 0
    assert "experiment 'words v1' was deleted; the run is complete in runs/words/stub" in err[-1]
    assert f"{hint}, and `bench sync` logs it later" in err[-1]
    assert bench_main("run", "task=finmm_qa", "model=lexical", "limit=3", "tracking.enabled=false")[0] == 0
    code, out, err = bench_main("sync")
    assert (code, out) == (2, [f"1 runs logged to {uri}; 1 are left out"])
    assert err == [
        f"bench: MLflow store {uri}: its experiment 'words v1' was deleted; {hint} and run `bench sync` again"
    ]
    code, _, err = bench_main("board", "finmm_qa", "--store", uri)
    assert (code, err) == (0, [f"bench: left out: the runs of 1 deleted experiments of {uri}, such as words v1; "
                               "`mlflow experiments restore` brings them back"])  # fmt: skip
    client.restore_experiment(experiment)
    assert bench_main("sync")[:2] == (0, [f"1 runs logged to {uri}"])


@pytest.mark.parametrize(
    ("kind", "reason", "remedy"),
    [
        ("text", "file is not a database", "move that file away"),
        ("folder", "unable to open database file", "make it a file that can be written"),
        ("locked", "database is locked", "wait for the process that is writing there"),
        ("old", "database schema", "mlflow db upgrade"),
        ("a?b/x", "a ? ends the path", "name another with MLFLOW_TRACKING_URI"),
        ("a%20b", "a path with %", "name another with MLFLOW_TRACKING_URI"),
    ],
)
def test_a_sqlite_store_that_cannot_be_used_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, reason: str, remedy: str
) -> None:
    monkeypatch.setattr("bench.tracking.store._PATIENCE_SECONDS", 0.05)
    path = tmp_path / ("mlflow.db" if kind in ("text", "folder", "locked", "old") else kind)
    if kind == "text":
        path.write_text("not a database " * 100)
    elif kind == "folder":
        path.mkdir()
    elif kind == "locked":
        connect(f"sqlite:///{path}")
    elif kind == "old":
        connect(f"sqlite:///{tmp_path / 'other.db'}")
        shutil.copy(tmp_path / "other.db", path)
    with closing(sqlite3.connect(path if kind == "locked" else ":memory:")) as other:
        if kind == "locked":
            other.execute("BEGIN EXCLUSIVE")
        if kind == "old":
            with closing(sqlite3.connect(path)) as db:
                db.execute("UPDATE alembic_version SET version_num = '0a8213491aaa'")
                db.commit()
        with pytest.raises(StoreError, match=re.escape(reason)) as caught:
            connect(f"sqlite:///{path}").search_experiments()
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "uri",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite://", "sqlite:///file:x?mode=memory&uri=true"],
)
def test_a_store_that_ends_with_the_command_is_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="ends with this command"):
        connect(uri)


@pytest.mark.parametrize(
    ("uri", "reason", "remedy"),
    [
        ("sqlite:///a.db?x=1", "a ? ends the path", "leave away what stands from the ? on"),
        ("sqlite:////srv/a.db?mode=ro", "a ? ends the path", "leave away"),
        ("sqlite+pysqlite:///a.db?cache=shared", "a ? ends the path", "leave away"),
        ("sqlite:///~/a.db", "~ is the name of a folder", "write the whole path"),
        ("sqlite://host/srv/a.db", "this is no address of a store", "a SQLite file is sqlite:///PATH"),
        ("sqlite:a.db", "this is no address of a store", "a SQLite file is sqlite:///PATH"),
        ("   ", "begins or ends with a space", "leave that away"),
        (" http://127.0.0.1:9", "begins or ends with a space", "leave that away"),
        ("http://127.0.0.1:9/\n", "begins or ends with a space", "leave that away"),
        ("http://127.0.0.1:9/#/experiments/1", "the address of a page", "leave away what stands from its # on"),
        ("http://127.0.0.1:9/?x=1", "the address of a page", "leave away what stands from its ? on"),
        ("127.0.0.1:5000", "it does not say how it is asked", "write http://"),
        ("localhost:5000/", "it does not say how it is asked", "write http://"),
        ("./mlruns", "it is a folder, which MLflow takes no more", "give a server"),
        ("file:///srv/mlruns", "it is a folder, which MLflow takes no more", "give a server"),
    ],
)
def test_an_address_that_leads_elsewhere_than_it_looks_is_said_before_anything_is_made(
    uri: str, reason: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(StoreError) as caught:
        connect(uri).search_experiments(max_results=1)
    assert reason in str(caught.value)
    assert caught.value.remedy.startswith(remedy)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql+psycopg2://ann:Qz@Vk/Jx#88@127.0.0.1:9/x",
        "http://ann:88/QzVk@127.0.0.1:9",
        "http://ann:88#QzVk@lab.example:9/x",
        "http://ann:QzVk/Jx@127.0.0.1:9",
        "http://ann:QzVk@Jx@127.0.0.1:9",
    ],
)
def test_a_password_that_ends_an_address_too_early_is_said_and_no_part_of_it_shown(uri: str) -> None:
    for act in (connect, Store):
        with pytest.raises(StoreError) as caught:
            act(uri)
        said = f"{caught.value} {caught.value.remedy} {sync_command(uri, Path('runs'))}"
        assert "%40 for @" in said
        assert not [part for part in ("Qz", "Vk", "Jx", "88", "ann") if part in said]


@pytest.mark.parametrize(
    "uri", ["http://ann:p%40ss%2Fw%23@127.0.0.1:9", "http://127.0.0.1:9/a@b/c", "sqlite:////srv/ann@lab:9/x/y.db"]
)
def test_an_address_whose_signs_are_written_as_they_must_be_is_one(uri: str) -> None:
    assert addresses.fault(uri) is None


@pytest.mark.parametrize("uri", ["http://", "https:///x", "http://host:0", "http://[::1"])
def test_an_address_without_a_host_or_port_is_none(uri: str) -> None:
    with pytest.raises(StoreError, match="this is no address of a store"):
        connect(uri)


def test_the_command_that_is_told_for_later_logs_to_the_store_that_was_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_RUNS", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    there = "http://there:5000"
    assert sync_command(default_uri(Path("runs")), Path("runs")) == "bench sync"
    assert sync_command(there, Path("runs")) == f"MLFLOW_TRACKING_URI={there} bench sync"
    assert sync_command(there, Path("my runs")) == f"MLFLOW_TRACKING_URI={there} bench sync --runs 'my runs'"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:secret@there:5000")
    assert sync_command("http://ann:secret@there:5000", Path("runs")) == "bench sync"
    monkeypatch.setenv("BENCH_RUNS", "my runs")
    assert sync_command("http://b:1", Path("my runs")) == "MLFLOW_TRACKING_URI=http://b:1 bench sync"


def test_any_configuration_has_names_and_texts_that_mlflow_takes(
    own_package: Path, tmp_path: Path, run_record: Any
) -> None:
    from mlflow.utils.validation import _validate_param

    odd = {
        "a:b/c": 1,
        "a=b": 2,
        "a?b": 3,
        "": 4,
        "..": 5,
        "/x": 6,
        "é ü": 7,
        "x" * 300: 8,
        "x" * 299 + "y": 9,
        "long": "z" * 9_000,
        "n\nl": 1,
    }
    found = fields.params(run_record(config={"model": {"labels": odd}, "..": 1, "//": 2, ".": 3}))
    assert len(found) == len(odd) + 3
    for key, value in found.items():
        _validate_param(key, value)
        assert len(value) <= 6_000


class Full:
    """A file that takes its first 100 bytes, and then half of what is written once more."""

    def __init__(self, file: Any, path: Path, code: int) -> None:
        self.file, self.path, self.code = file, path, code
        self.fileno, self.close = file.fileno, file.close

    def write(self, data: memoryview) -> int:
        if self.path.stat().st_size <= 100:
            return int(self.file.write(data))
        self.file.write(data[: len(data) // 2])
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("config.yaml", errno.EFBIG), ("identity.json", errno.EDQUOT), ("predictions.jsonl", errno.ENOSPC),
        ("timings.jsonl", errno.EFBIG), ("measurements.json", errno.ENOSPC), ("run.json", errno.ENOSPC),
        ("mlflow.json", errno.ENOSPC),
    ],
)  # fmt: skip
def test_after_a_full_disk_the_same_command_goes_on(
    own_package: Path, tmp_path: Path, bench_main: Main, name: str, code: int
) -> None:
    replace, open_ = os.replace, Path.open
    track = "true" if name == "mlflow.json" else "false"
    command = (*RUN, f"tracking.enabled={track}")

    def full_replace(source: Any, target: Any) -> None:
        if Path(target).name == name:
            raise OSError(code, os.strerror(code), str(source), None, str(target))
        replace(source, target)

    def full_open(path: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
        file = open_(path, mode, *more, **options)
        return Full(file, path, code) if path.name == name and mode == "ab" else file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", full_replace)
        patch.setattr(Path, "open", full_open)
        found = bench_main(*command)
    if name != "mlflow.json":
        assert (found[0], len(found[2])) == (2, 1), found
        assert "cannot be written" in found[2][0]
        assert not list(tmp_path.glob("runs/words/stub/*/run.json"))
    assert not list(tmp_path.glob("runs/words/stub/*/.*.json.*"))
    assert bench_main(*command)[0] == 0
    (folder,) = tmp_path.glob("runs/words/stub/*/")
    ids = [json.loads(line)["id"] for line in (folder / "predictions.jsonl").read_text().split("\n") if line]
    assert sorted(ids) == [f"w{i}" for i in range(5)]
    assert json.loads((folder / "run.json").read_text())["n_examples"] == 5


@pytest.mark.parametrize(
    ("uri", "reason", "remedy"),
    [
        ("foo://x", ": this is no address of a store", "sqlite:"),
        ("mysql+foo://x/y", ": this is no address of a store", "sqlite:"),
        ("sqlite:/x", ": this is no address of a store", "sqlite:"),
        ("http://[x", ": this is no address of a store", "sqlite:"),
        ("postgresql://host:port/x", ": this is no address of a store", "sqlite:"),
        ("mysql+pymysql://127.0.0.1/x", " needs the Python module pymysql, which is not installed", "install it"),
        ("mysql://127.0.0.1/x", " needs the Python module MySQLdb", "install it: `pip install mysqlclient`"),
    ],
)
def test_an_address_of_no_store_and_a_driver_that_is_missing_are_said_to_be_that(
    uri: str, reason: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pymysql", "MySQLdb"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StoreError) as caught:
        connect(uri).search_experiments(max_results=1)
    assert reason in str(caught.value)
    assert remedy in caught.value.remedy


@pytest.mark.slow
def test_a_run_whose_store_lacks_its_driver_is_kept_and_synced_later(
    own_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench_main: Main
) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mysql+pymysql://127.0.0.1/x")
    code, _, err = bench_main(*RUN)
    assert (code, "install it, and `bench sync` logs it later" in err[-1]) == (0, True)
    code, _, err = bench_main("sync")
    assert (code, len(err)) == (2, 1)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert bench_main("sync")[0] == 0
