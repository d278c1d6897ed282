"""A PostgreSQL store: many processes at once, and a server that is down, refuses, or is full. Debian's server, started here."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from scripts.hard.forked import bench, start
from scripts.hard.row import Row, Scale, counted, say
from scripts.hard.stores.many import Source
from scripts.hard.stores.served import Odd, unused_port
from scripts.hard.stores.study import RUN, faults, synced, timed, unlogged

PASSWORD = "swordfish-4711"


def tried(scale: Scale) -> Iterator[Row]:
    """Many at once, kills, and what a server may refuse; a row that says so where there is no server."""
    if why := missing():
        say(f"stores: PostgreSQL: skipped, {why}")
        yield Row(f"PostgreSQL: SKIPPED, {why}", 0, 0, "–")
        return
    folder = scale.folder / "postgres"
    folder.mkdir()
    with Postgres(folder / "server") as server:
        source = Source(scale, folder / "source")
        for i in range(scale.n(1, 3)):
            uri = server.database(f"many{i}")
            yield source.at_once(uri, folder / f"new-{i}", f"{source.n} processes at once, a new PostgreSQL store")
            if scale.long:
                there = folder / f"there-{i}"
                yield source.at_once(uri, there, f"{source.n} processes at once, a PostgreSQL store that is there")
        yield source.killed(lambda i: server.database(f"killed{i}"), folder / "killed", "PostgreSQL")
        yield _refused(server, folder / "refused", scale)
        yield _restarted(server, folder / "restarted", scale)


def missing() -> str:
    """Why there can be no server; "" where there can."""
    try:
        import psycopg2
    except ImportError:
        return "psycopg2 is not installed"
    assert psycopg2
    return (
        ""
        if _program("initdb")
        else "no server of PostgreSQL is installed (initdb is not on the path, nor in /usr/lib/postgresql)"
    )


def _program(name: str) -> str:
    places = [*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), os.environ.get("PATH", "")]
    return shutil.which(name, path=os.pathsep.join(places)) or ""


class Postgres:
    """A server on loopback, by another user where this one is root, which it refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, unused_port()
        self.user: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        self.folder.mkdir()
        (self.folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            names = [one.pw_name for one in pwd.getpwall()]
            who = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self.user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
            os.chown(self.folder, who.pw_uid, who.pw_gid)
            os.chown(self.folder / "password", who.pw_uid, who.pw_gid)
            for parent in self.folder.parents:
                if parent.stat().st_uid == 0 and not parent.stat().st_mode & 1:
                    parent.chmod(0o711)
        made = [_program("initdb"), "-D", str(self.folder / "data"), "-U", "bench", "-A", "scram-sha-256", "--no-sync",
                f"--pwfile={self.folder / 'password'}"]  # fmt: skip
        subprocess.run(made, check=True, capture_output=True, cwd=self.folder, **self.user)
        self.start()
        return self

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = [_program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off", "-c", "max_connections=100"]  # fmt: skip
        with (self.folder.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder, **self.user)
        until = time.monotonic() + 60
        while True:
            try:
                self.connection("postgres").close()
                return
            except Exception:  # not yet
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, as when its machine goes away."""
        if self.process is not None:
            self.process.send_signal(3)  # SIGQUIT: at once, without waiting for clients
            self.process.wait(60)

    def __exit__(self, *_: object) -> None:
        self.stop()

    def connection(self, name: str) -> Any:
        """A connection to a database."""
        import psycopg2

        found = psycopg2.connect(host="127.0.0.1", port=self.port, user="bench", password=PASSWORD, dbname=name)
        found.autocommit = True
        return found

    def database(self, name: str) -> str:
        """A new and empty database; its URI."""
        with closing(self.connection("postgres")) as one, one.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return self.uri(name)

    def uri(self, name: str, password: str = PASSWORD, user: str = "bench") -> str:
        """The address of a database."""
        return f"postgresql+psycopg2://{user}:{password}@127.0.0.1:{self.port}/{name}"


def _refused(server: Postgres, folder: Path, scale: Scale) -> Row:
    """Down, silent, a wrong password, no such database, no rights, all connections taken: a line each, without the password."""
    good = server.database("refused")
    with closing(server.connection("postgres")) as one, one.cursor() as cursor:
        cursor.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    hung = Odd(folder / "silent", 0)
    kinds = {
        "down": (server.uri("refused").replace(str(server.port), str(unused_port())), "start the store"),
        "wrong password": (server.uri("refused", "wrong-" + PASSWORD), "put the right name and password"),
        "no database": (server.uri("nowhere"), "make that database"),
        "no rights": (server.uri("refused", user="guest"), "give its user the rights"),
        "silent": (f"postgresql+psycopg2://bench:{PASSWORD}@127.0.0.1:{hung.port}/x", ""),
        "no connections": (server.uri("refused", user="guest"), "wait until others have ended"),
    }
    if not scale.long:
        kinds = {name: kinds[name] for name in ("wrong password", "no rights", "silent")}
    verdicts, waits = [], []
    with hung:
        for i, (name, (uri, remedy)) in enumerate(kinds.items()):
            place = folder / name.replace(" ", "-")
            if name == "no connections":
                with closing(server.connection("postgres")) as one, one.cursor() as cursor:
                    cursor.execute("ALTER ROLE guest CONNECTION LIMIT 0")
            quick = {} if scale.long else {"PGCONNECT_TIMEOUT": "2"}
            done = bench(*RUN, f"seed={i}", folder=place, MLFLOW_TRACKING_URI=uri, **quick)
            waits.append((name, done.seconds))
            fault = unlogged(done, place / "runs", 1)
            if PASSWORD in done.stdout + done.stderr or any(
                PASSWORD in path.read_text(errors="replace") for path in place.rglob("*.*") if path.is_file()
            ):
                fault = fault or "the password is shown"
            if remedy not in done.stderr:
                fault = fault or f"{remedy!r} is not said: {done.stderr!r}"
            verdicts.append(f"{name}: {fault}" if fault else "")
            if not fault:
                fault = synced(good, place, place / "runs", again=False)
                verdicts[-1] = f"{name}, then sync: {fault}" if fault else ""
    return counted(
        f"a PostgreSQL that is {', '.join(kinds)}; `bench sync` later", verdicts, f"nothing; {timed(waits)} s a run"
    )


def _restarted(server: Postgres, folder: Path, scale: Scale) -> Row:
    """The server ends while runs are logged, and is started again."""
    uri, n = server.database("restarted"), scale.n(4, 20)
    words = (*RUN, f"seed={','.join(map(str, range(n)))}")
    child = start(*words, folder=folder, MLFLOW_TRACKING_URI=uri)
    runs = folder / "runs"
    while not list(runs.glob("*/*/*/mlflow.json")):
        time.sleep(0.05)
    server.stop()
    done = child.wait()
    server.start()
    fault = unlogged(done, runs, n) or synced(uri, folder, runs)
    fault = fault or faults(uri, runs, room=folder)
    return counted("a PostgreSQL server that ends while runs are logged, and comes back; `bench sync`", [fault])
