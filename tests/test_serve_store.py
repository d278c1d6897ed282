"""The script that starts one store for a lab: what it refuses, each in one line, and what it leaves on the disk."""

from __future__ import annotations

import argparse
import base64
import configparser
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.machine import lives
from scripts import serve_store


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """What the command line says, with ports that are free, as somebody who is not root."""
    monkeypatch.delenv("MLFLOW_BACKEND_STORE_URI", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    return argparse.Namespace(
        folder=tmp_path / "store", host="127.0.0.1", port=ports[0], database_port=ports[1], workers=1, artifacts=None,
        allowed_hosts=None, auth=False, user=None,
    )  # fmt: skip


def refused(options: argparse.Namespace) -> str:
    """The line that the script ends with."""
    with pytest.raises(BenchError) as caught:
        serve_store.run(options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def installed(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this PostgreSQL were the only one."""
    (folder / version / "bin").mkdir(parents=True)
    (folder / version / "bin" / "initdb").touch()
    monkeypatch.setattr(serve_store, "_DEBIAN", folder)
    monkeypatch.setattr(serve_store.shutil, "which", lambda name: None)


def test_root_is_refused_and_told_how_to_name_another_user(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "refuses to run as root" in refused(options)
    options.user = "nobody-of-this-name"
    assert "there is no such user here" in refused(options)


def test_without_postgresql_the_line_says_what_to_install(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(serve_store, "_DEBIAN", tmp_path / "none")
    monkeypatch.setattr(serve_store.shutil, "which", lambda name: None)
    assert "PostgreSQL is not installed" in refused(options)


@pytest.mark.parametrize("name", ["port", "database_port"])
def test_a_port_that_is_taken_is_named(options: argparse.Namespace, name: str) -> None:
    with socket.create_server(("127.0.0.1", getattr(options, name))):
        line = refused(options)
    assert f"port {getattr(options, name)} of 127.0.0.1 cannot be had" in line


def test_one_port_for_both_is_refused_at_once(options: argparse.Namespace) -> None:
    options.database_port = options.port
    assert f"port {options.port} is wanted for PostgreSQL and for MLflow's server" in refused(options)


def test_a_folder_that_holds_anything_else_is_left_as_it_is(options: argparse.Namespace) -> None:
    options.folder.mkdir()
    (options.folder / "thesis.txt").write_text("mine")
    assert "is not empty and no store of this script's" in refused(options)
    assert [path.name for path in options.folder.iterdir()] == ["thesis.txt"]


def test_a_cluster_of_another_version_and_a_folder_that_is_none_are_told_apart(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(tmp_path / "programs", "15", monkeypatch)
    serve_store.prepared(options.folder)
    (options.folder / "postgres").mkdir()
    assert "is no PostgreSQL cluster" in refused(options)
    (options.folder / "postgres" / "PG_VERSION").write_text("13\n")
    assert "was made by PostgreSQL 13, and installed are 15" in refused(options)


def test_a_store_that_is_served_already_is_not_served_twice(options: argparse.Namespace) -> None:
    serve_store.prepared(options.folder)
    lock = serve_store.opened(options.folder / ".lock")
    assert serve_store.taken(lock, "serving")
    try:
        assert "is served by another process already" in refused(options)
    finally:
        serve_store.let_go(lock)


def test_a_secret_is_made_once_and_refused_where_others_may_read_it(tmp_path: Path) -> None:
    made = serve_store.secret(tmp_path / "password")
    assert len(made) > 20
    assert serve_store.secret(tmp_path / "password") == made
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
    (tmp_path / "password").chmod(0o644)
    with pytest.raises(BenchError, match="others may read it"):
        serve_store.secret(tmp_path / "password")


@pytest.mark.parametrize("revision", ["0123456789ab", "451aebb31d03"])
def test_a_database_of_another_mlflow_is_refused_before_a_server_is_started(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, revision: str
) -> None:
    with sqlite3.connect(tmp_path / "old.db") as db:
        db.execute("CREATE TABLE alembic_version (version_num TEXT)")
        db.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", f"sqlite:///{tmp_path}/old.db")
    assert "its database schema" in refused(options)
    assert not (options.folder / "server.log").exists()


def test_a_database_that_is_down_is_one_line_without_its_password(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg2")
    address = f"postgresql+psycopg2://ann:swordfish@127.0.0.1:{options.database_port}/x"
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", address)
    line = refused(options)
    assert "start the store" in line
    assert "swordfish" not in line


def test_passwords_need_the_module_that_mlflow_asks_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_store.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"pip install 'mlflow\[auth\]'"):
        serve_store.authorised(tmp_path)


def test_no_secret_stands_in_the_command_line_of_the_server(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(serve_store, "spawned", lambda words, log, more, user=None: seen.extend((words, more)))
    monkeypatch.setattr(serve_store.importlib.util, "find_spec", lambda name: object())
    options.auth = True
    serve_store.serve(options, "postgresql://ann:swordfish@host/x", tmp_path, "files")
    words, more = seen
    assert isinstance(words, list)
    assert isinstance(more, dict)
    assert "swordfish" not in str(words)
    assert more["MLFLOW_AUTH_ADMIN_PASSWORD"] not in str(words)
    assert more["MLFLOW_BACKEND_STORE_URI"].startswith("postgresql://ann:swordfish@")
    assert more["MLFLOW_AUTH_ADMIN_PASSWORD"] == (tmp_path / "admin-password").read_text()


def test_what_a_store_keeps_is_for_its_owner_alone_also_where_it_was_made_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "store.txt").touch()
    (folder / "auth.db").write_text("hashes of passwords")
    folder.chmod(0o711)  # for PostgreSQL's own user
    serve_store.prepared(folder)
    assert (folder / "auth.db").stat().st_mode & 0o077 == 0
    assert (folder / "artifacts").stat().st_mode & 0o777 == 0o700
    seen: list[int] = []
    monkeypatch.setattr(serve_store, "run", lambda options: seen.append(os.umask(0o022)))
    monkeypatch.setattr(serve_store.signal, "signal", lambda *given: None)
    monkeypatch.setattr(sys, "argv", ["serve_store", str(folder)])
    before = os.umask(0o022)
    try:
        assert (serve_store.main(), seen) == (0, [0o077])
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("auth", "host", "lines"),
    [
        (False, "127.0.0.1", []),
        (
            False,
            "0.0.0.0",
            ["whoever reaches this port may read, change and delete all runs; --auth asks for passwords"],
        ),
        (True, "127.0.0.1", ["users set MLFLOW_TRACKING_USERNAME"]),
    ],
)
def test_who_may_is_said_when_the_store_answers(
    options: argparse.Namespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    auth: bool,
    host: str,
    lines: list[str],
) -> None:
    options.auth, options.host = auth, host
    serve_store.say_who_may(options, tmp_path, "http://127.0.0.1:9")  # where nobody answers
    said = capsys.readouterr().err.split("\n")[:-1]
    assert [line[: len(f"serve_store: {start}")] for line, start in zip(said, lines, strict=True)] == [
        f"serve_store: {start}" for start in lines
    ]


def test_a_store_that_asked_for_passwords_does_not_stop_asking_without_a_word(
    options: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "auth.db").touch()
    serve_store.say_who_may(options, tmp_path, "http://127.0.0.1:9")
    assert "this store asked for passwords before, and now asks for none" in capsys.readouterr().err


@pytest.mark.parametrize("right", [True, False])
def test_a_password_of_admins_that_does_not_count_is_said_and_not_shown(
    options: argparse.Namespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    right: bool,
) -> None:
    seen: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode())
            self.send_response(200 if right else 401)
            self.end_headers()

        def log_message(self, *given: object) -> None:
            pass

    options.auth = True
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "swörd: fish")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        serve_store.say_who_may(options, tmp_path, f"http://127.0.0.1:{server.server_port}")
    said = capsys.readouterr().err
    assert seen == ["admin:swörd: fish"]
    assert ("admin's password is not what MLFLOW_AUTH_ADMIN_PASSWORD says" in said) is not right
    assert "fish" not in said


def test_a_folder_with_a_percent_sign_in_its_name_keeps_its_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "100% ours"
    folder.mkdir()
    monkeypatch.setattr(serve_store.importlib.util, "find_spec", lambda name: object())
    settings = configparser.ConfigParser()
    settings.read(serve_store.authorised(folder)["MLFLOW_AUTH_CONFIG_PATH"])
    assert settings["mlflow"]["database_uri"] == f"sqlite:///{folder}/auth.db"


@pytest.mark.parametrize("given", ["bogus://x", "runs:/1/x", "http://host/x", "mlflow-artifacts:/x", "s4://bucket"])
def test_a_place_that_takes_no_files_is_refused_before_anything_starts(options: argparse.Namespace, given: str) -> None:
    options.artifacts = given
    line = refused(options)
    assert line.startswith(f"--artifacts {given}: MLflow keeps files in a folder or at ")
    assert " s3:" in line
    assert not (options.folder / "server.log").exists()


def test_a_place_whose_module_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_store.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match="s3://bucket/x needs the Python module boto3"):
        serve_store.refuse_place("s3://bucket/x")


def test_a_folder_for_files_is_named_from_where_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert serve_store.place("my files", tmp_path / "store") == str(tmp_path / "my files")
    assert serve_store.place(None, tmp_path / "store") == str(tmp_path / "store" / "artifacts")
    assert (tmp_path / "my files").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="cannot be used"):
        serve_store.place("file", tmp_path / "store")


def test_a_password_that_was_never_written_is_made(tmp_path: Path) -> None:
    (tmp_path / "password").touch(0o600)  # as after a full disk
    assert len(serve_store.secret(tmp_path / "password")) > 20


def test_a_killed_script_leaves_no_program_behind(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from scripts import serve_store\n"
        f"one = serve_store.spawned(['sleep', '300'], Path({str(tmp_path / 'log')!r}), {{}})\n"
        "print(one.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    until = time.monotonic() + 60
    while lives(int(done.stdout)):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("host", "near", "shown"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]", "[::1]"),
        ("::", "[::1]", ""),
        ("0.0.0.0", "127.0.0.1", ""),
    ],
)
def test_the_address_that_is_told_is_one_that_can_be_asked(host: str, near: str, shown: str) -> None:
    assert serve_store.addresses(host) == (near, shown or socket.gethostname())
    with pytest.raises(argparse.ArgumentTypeError, match="it is empty"):
        serve_store.named("")
