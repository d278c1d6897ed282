"""One store for a lab: PostgreSQL and MLflow's server in front of it, until Ctrl-C or SIGTERM. Needs no container.

    python scripts/serve_store.py FOLDER [--port 5000] [--workers 4] [--auth] [--artifacts s3://bucket/path]

FOLDER is made where it is not there and holds all: the cluster, the artifacts, passwords (each in a file that its owner alone
reads) and logs. The same command goes on with it. A database that runs elsewhere is named by MLFLOW_BACKEND_STORE_URI. Run it as a
user of its own; PostgreSQL refuses root, and takes another by --user. On standard output comes one line, the one for users, when
the store answers.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote, urlsplit

from bench.errors import BenchError
from bench.locks import let_go, opened, taken
from bench.text.rows import rows

_DEBIAN = Path("/usr/lib/postgresql")
_MARK = "store.txt"  # says that a folder is ours
_HEALTHY_SECONDS, _ENDING_SECONDS = 300.0, 20.0
_RESTARTS, _WITHIN_SECONDS = 5, 60.0  # of a database that ends by itself
_USERS, _SETTINGS = (
    "auth.db",
    "auth.ini",
)  # of MLflow's basic auth: accounts with hashes of their passwords, and how it is set
_OURS_ALONE = (
    _USERS,
    _SETTINGS,
    "artifacts",
    "server.log",
    "postgres.log",
)  # that a store of before let everybody read
_BACKEND, _ADMIN = "MLFLOW_BACKEND_STORE_URI", "MLFLOW_AUTH_ADMIN_PASSWORD"
_NO_PLACE = (
    "runs",
    "models",
    "mlflow-artifacts",
    "http",
    "https",
    "uc",
    "",
)  # schemes that name what a server itself gives
_MODULES = {"s3": "boto3", "r2": "boto3", "b2": "boto3", "gs": "google.cloud.storage"}  # that MLflow sends files with
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)  # of Linux


class Stop(BaseException):
    """Somebody asked to end: Ctrl-C, SIGTERM or SIGHUP."""


class Cluster:
    """A PostgreSQL cluster of our own in `folder`, on loopback."""

    def __init__(self, folder: Path, port: int, user: str | None) -> None:
        self.folder, self.data, self.port, self.user = folder, folder / "postgres", port, user
        self.process: subprocess.Popen[bytes] | None = None
        self.password = secret(folder / "database-password")
        version = self.data / "PG_VERSION"
        if self.data.exists() and not version.is_file():
            raise BenchError(
                f"{self.data} is no PostgreSQL cluster (it has no PG_VERSION); move it away, or name another folder"
            )
        self.programs = programs(version.read_text().strip() if version.is_file() else "")

    @property
    def uri(self) -> str:
        """The address of its database, with the password."""
        return f"postgresql+psycopg2://mlflow:{quote(self.password, safe='')}@127.0.0.1:{self.port}/mlflow"

    def start(self) -> None:
        """Make it where it is not there, start it, and wait until it takes connections."""
        if not self.data.exists():
            self._make()
        words = [self.programs / "postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "max_connections=200"]  # fmt: skip
        self.process = spawned(words, self.folder / "postgres.log", {}, self.user, signal.SIGINT)
        until = time.monotonic() + _HEALTHY_SECONDS
        while (fault := self._refused()) is not None:
            if self.process.poll() is not None or time.monotonic() > until:
                raise BenchError(f"PostgreSQL did not start: {last(self.folder / 'postgres.log')}")
            if "authentication failed" in fault:
                self.end()
                raise BenchError(
                    f"PostgreSQL refuses the password in {self.folder / 'database-password'}; put back the one that the cluster "
                    "was made with"
                )
            time.sleep(0.1)

    def _make(self) -> None:
        draft, password = self.folder / ".postgres.draft", self.folder / ".password.draft"
        shutil.rmtree(draft, ignore_errors=True)
        password.unlink(missing_ok=True)
        draft.mkdir(mode=0o700)
        handle = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(self.password)
        if self.user:
            shutil.chown(draft, self.user)
            shutil.chown(password, self.user)
            self.folder.chmod(0o711)  # the user has to get through
        try:
            ran([self.programs / "initdb", "-D", draft, "-U", "mlflow", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8",
                 f"--pwfile={password}"], self.user)  # fmt: skip
        finally:
            password.unlink()
        draft.rename(self.data)

    def _refused(self) -> str | None:
        """Why it takes no connection, None where it does; the database of MLflow is made with the first."""
        import psycopg2

        try:
            with_it = psycopg2.connect(
                host="127.0.0.1", port=self.port, user="mlflow", password=self.password, dbname="postgres"
            )
        except psycopg2.OperationalError as error:
            return str(error)
        with_it.autocommit = True
        with with_it.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'mlflow'")
            if not cursor.fetchone():
                cursor.execute("CREATE DATABASE mlflow")
        with_it.close()
        return None

    def end(self) -> None:
        """End it without waiting for clients, all that was committed on the disk."""
        if self.process is not None:
            ended(self.process, signal.SIGINT, signal.SIGQUIT)


def programs(version: str) -> Path:
    """The folder of PostgreSQL's programs, of this major version where one is named."""
    found = {path.parent.name: path for path in _DEBIAN.glob("*/bin") if (path / "initdb").is_file()}
    if on_path := shutil.which("initdb"):
        told = subprocess.run([on_path, "--version"], capture_output=True, text=True, check=False).stdout.split()
        found.setdefault(told[2].partition(".")[0] if len(told) > 2 else "?", Path(on_path).parent)
    if not found:
        raise BenchError(
            f"PostgreSQL is not installed (initdb is not on the path, nor in {_DEBIAN}); install it (Debian: `apt install "
            f"postgresql`), or name a database that runs by {_BACKEND}"
        )
    if version and version not in found:
        raise BenchError(
            f"the cluster was made by PostgreSQL {version}, and installed are {', '.join(sorted(found))}; install {version}, or "
            "bring the cluster up to date with pg_upgrade"
        )
    return found[version or max(found, key=lambda name: int(name) if name.isdigit() else 0)]


def secret(path: Path) -> str:
    """The secret in this file, which is made where it is not there or is empty, all or nothing; its owner alone reads it."""
    if not path.exists() or not path.stat().st_size:
        draft = path.with_name(f".{path.name}.draft")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24))
        draft.rename(path)
    if path.stat().st_mode & 0o077:
        raise BenchError(f"{path} holds a secret, and others may read it; `chmod 600` it")
    return path.read_text().strip()


def ran(words: list[object], user: str | None) -> None:
    """Run a program to its end, as this user; what it says of an error is ours where it fails."""
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, cwd="/", user=user, **_alone(user)
    )
    if done.returncode:
        said = (
            [line for line in rows(done.stderr) if "error" in line.lower()] or rows(done.stderr) or ["it says nothing"]
        )
        raise BenchError(f"{Path(str(words[0])).name} failed: {said[0]}")


def spawned(
    words: list[object],
    log: Path,
    more: dict[str, str],
    user: str | None = None,
    at_our_end: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """A program that a Ctrl-C at the terminal does not reach, so that we end all in order; where we are killed it gets a signal."""
    ours = os.getpid()

    def tied() -> None:
        if _PRCTL is not None:
            _PRCTL(1, int(at_our_end), 0, 0, 0)  # PR_SET_PDEATHSIG
            if os.getppid() != ours:
                os._exit(1)

    with log.open("ab") as file:
        return subprocess.Popen(
            [*map(str, words)], stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=os.environ | more, cwd="/",
            start_new_session=True, user=user, preexec_fn=tied, **_alone(user),  # there is one thread
        )  # fmt: skip


def _alone(user: str | None) -> dict[str, Any]:
    """That another user has none of our groups."""
    return {"group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def ended(process: subprocess.Popen[bytes], *signals: signal.Signals) -> None:
    """End a process by these signals, one after the other, and what is left of its group at last."""
    for one in signals:
        if process.poll() is None:
            process.send_signal(one)
            try:
                process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its own session: nobody else is in it
    process.wait()


def last(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line.strip() for line in rows(log.read_text(errors="replace")) if line.strip()] if log.exists() else []
    faults = [line for line in lines[-30:] if "FATAL" in line or "Error" in line or "error" in line]
    return f"{(faults or lines or ['it says nothing'])[-1][:300]} (see {log})"


def refuse_taken(host: str, port: int, what: str, but: int = 0) -> None:
    """Raise BenchError where something listens on the port, it cannot be had, or it is the one of something else (`but`)."""
    if port == but:
        raise BenchError(f"port {port} is wanted for {what} and for MLflow's server; name another for one of them")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            pass
    except OSError as error:
        raise BenchError(f"port {port} of {host} cannot be had for {what} ({error.strerror}); name another") from None


def refuse_user(name: str | None) -> None:
    """Raise BenchError where PostgreSQL would run as root, or as a user that it cannot run as."""
    if os.geteuid() == 0 and name in (None, "root"):
        raise BenchError(
            "PostgreSQL refuses to run as root; start this as another user, or name one for it: --user postgres"
        )
    if name is None:
        return
    if os.geteuid() != 0:
        raise BenchError("--user is for root alone, since PostgreSQL refuses it; leave it away")
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise BenchError(
            f"--user {name}: there is no such user here; Debian's package makes one called postgres"
        ) from None


def refuse_database(uri: str) -> None:
    """Raise BenchError for a database that is not there, refuses the password, or has the schema of another MLflow."""
    from bench.tracking import schema
    from bench.tracking.store import StoreError, store_errors

    try:
        with store_errors(uri):
            fault = schema.fault(uri)
    except StoreError as error:
        raise BenchError(f"{error}; {error.remedy}") from None
    if fault:
        raise BenchError(f"{fault[0]}; {fault[1]}")


def refuse_place(given: str) -> None:
    """Raise BenchError for a place that MLflow does not know, or needs a module for: its server would start and take no file."""
    from mlflow.store.artifact.artifact_repository_registry import get_registered_artifact_repositories

    scheme, known = urlsplit(given).scheme, {*get_registered_artifact_repositories()} - {*_NO_PLACE}
    if scheme not in known:
        raise BenchError(
            f"--artifacts {given}: MLflow keeps files in a folder or at {', '.join(f'{one}:' for one in sorted(known))}"
        )
    module = _MODULES.get(scheme, "")
    try:
        is_there = not module or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of google.cloud
        is_there = False
    if not is_there:
        raise BenchError(f"--artifacts {given} needs the Python module {module}, which is not installed; install it")


def place(given: str | None, folder: Path) -> str:
    """Where files go: an address as it is, and a folder by its whole path, since the server runs elsewhere; it is made here."""
    if given is not None and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", given):
        refuse_place(given)
        return given
    found = folder / "artifacts" if given is None else Path(given).absolute()
    try:
        found.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"--artifacts {found} cannot be used ({error.strerror}); name a folder that you may write"
        ) from None
    return str(found)


def prepared(folder: Path) -> None:
    """Make the folder, private; raises BenchError for one that holds anything else."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()) and not (folder / _MARK).exists():
            raise BenchError(
                f"{folder} is not empty and no store of this script's; name a new folder, or one that it has made"
            )
        (folder / _MARK).write_text("The store of scripts/serve_store.py: database, artifacts, passwords, logs.\n")
        for path in (
            folder / name for name in _OURS_ALONE
        ):  # where the folder is open, as PostgreSQL's own user needs it
            if path.exists() and (mode := path.stat().st_mode) & 0o077:
                path.chmod(mode & ~0o077)
    except OSError as error:
        raise BenchError(f"{folder} cannot be used ({error.strerror}); name a folder that you may write") from None


def authorised(folder: Path) -> dict[str, str]:
    """What MLflow's basic auth needs, as environment; its settings are in `auth.ini`, made once."""
    if importlib.util.find_spec("flask_wtf") is None:
        raise BenchError("--auth needs the Python module flask_wtf; `pip install 'mlflow[auth]'`")
    ini = folder / _SETTINGS
    if not ini.exists():
        ini.write_text(
            "[mlflow]\n"
            "# who has an account may log into every experiment: a board is one experiment, of all who measure\n"
            "default_permission = EDIT\n"
            f"database_uri = sqlite:///{str(folder / _USERS).replace('%', '%%')}\n"
            "admin_username = admin\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            "# seconds for which a password that was right is not hashed again: each time takes a tenth of a second\n"
            "auth_cache_ttl_seconds = 60\n"
        )
    return {"MLFLOW_AUTH_CONFIG_PATH": str(ini), _ADMIN: admin_password(folder)[0],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secret(folder / "session-secret")}  # fmt: skip


def admin_password(folder: Path) -> tuple[str, str]:
    """The first user's password, and where it stands."""
    if given := os.environ.get(_ADMIN):
        return given, _ADMIN
    return secret(folder / "admin-password"), str(folder / "admin-password")


def say_who_may(options: argparse.Namespace, folder: Path, url: str) -> None:
    """Say who may log in, or that everybody may; and where that is not as it was when the folder was served before."""
    if not options.auth:
        was = "this store asked for passwords before, and now asks for none: " if (folder / _USERS).exists() else ""
        if was or options.host not in ("127.0.0.1", "localhost", "::1"):
            say(f"{was}whoever reaches this port may read, change and delete all runs; --auth asks for passwords")
        return
    password, where = admin_password(folder)
    say(
        f"users set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; the first is admin, whose password is in {where}, "
        f"and who makes accounts at {url}/signup"
    )
    if is_refused(url, password):
        say(f"admin's password is not what {where} says: the one that the account was made with, or got since, counts")


def is_refused(url: str, password: str) -> bool:
    """Whether the server does not take this password of admin's; False also where it cannot be asked."""
    login = base64.b64encode(f"admin:{password}".encode()).decode()
    asked = urllib.request.Request(
        f"{url}/api/2.0/mlflow/users/get?username=admin", headers={"Authorization": f"Basic {login}"}
    )
    try:
        with _straight().open(asked, timeout=10):
            return False
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False


def _straight() -> urllib.request.OpenerDirector:
    """Who asks this machine, and no proxy."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def serve(options: argparse.Namespace, database: str, folder: Path, files: str) -> subprocess.Popen[bytes]:
    """MLflow's server; nothing that is secret stands in its command line."""
    words: list[object] = [sys.executable, "-m", "mlflow", "server", "--host", options.host, "--port", options.port, "--workers",
                           options.workers, "--artifacts-destination", files]  # fmt: skip
    words += ["--allowed-hosts", options.allowed_hosts] if options.allowed_hosts else []
    words += ["--app-name", "basic-auth"] if options.auth else []
    more = {_BACKEND: database, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return spawned(words, folder / "server.log", more | (authorised(folder) if options.auth else {}))


def wait_healthy(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until the server answers; raises BenchError where it ends before, or never does."""
    until = time.monotonic() + _HEALTHY_SECONDS
    straight = _straight()
    while True:
        try:
            with straight.open(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        if server.poll() is not None or time.monotonic() > until:
            raise BenchError(f"MLflow's server did not start: {last(log)}")
        time.sleep(0.2)


def watch(server: subprocess.Popen[bytes], cluster: Cluster | None, log: Path) -> None:
    """Until the server ends; a database of ours that ends is started again."""
    restarts: list[float] = []
    while server.poll() is None:
        if cluster is not None and cluster.process is not None and cluster.process.poll() is not None:
            restarts = [at for at in restarts if at > time.monotonic() - _WITHIN_SECONDS] + [time.monotonic()]
            if len(restarts) > _RESTARTS:
                raise BenchError(f"PostgreSQL ends again and again: {last(cluster.folder / 'postgres.log')}")
            say("PostgreSQL has ended; it is started again")
            cluster.start()
        time.sleep(0.2)
    raise BenchError(f"MLflow's server has ended: {last(log)}")


def addresses(host: str) -> tuple[str, str]:
    """By which name this machine asks for what listens at `host`, and by which others do."""
    if host in ("0.0.0.0", "::"):
        return ("[::1]" if host == "::" else "127.0.0.1"), socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return shown, shown


def run(options: argparse.Namespace) -> None:
    """Start all, say where it is, and end all in order: the server first, then the database."""
    folder = options.folder.absolute()
    prepared(folder)
    with ExitStack() as stack:
        lock = opened(folder / ".lock")
        stack.callback(let_go, lock)
        if not taken(lock, "serving"):
            raise BenchError(f"{folder} is served by another process already; end that first, or name another folder")
        refuse_taken(options.host, options.port, "MLflow's server")
        files = place(options.artifacts, folder)
        database, cluster = os.environ.get(_BACKEND, ""), None
        if not database:
            refuse_taken("127.0.0.1", options.database_port or options.port + 1, "PostgreSQL", but=options.port)
            refuse_user(options.user)
            cluster = Cluster(folder, options.database_port or options.port + 1, options.user)
            stack.callback(cluster.end)
            cluster.start()
            database = cluster.uri
        refuse_database(database)
        log = folder / "server.log"
        server = serve(options, database, folder, files)
        stack.callback(ended, server, signal.SIGTERM)
        near, shown = addresses(options.host)
        wait_healthy(server, f"http://{near}:{options.port}", log)
        print(f"export MLFLOW_TRACKING_URI=http://{shown}:{options.port}", flush=True)
        say_who_may(options, folder, f"http://{near}:{options.port}")
        watch(server, cluster, log)


def say(line: str) -> None:
    """One line to who started it."""
    print(f"serve_store: {line}", file=sys.stderr, flush=True)


def main() -> int:
    """Serve until told to end; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--host", type=named, default="127.0.0.1", help="the address to listen at; loopback unless told otherwise"
    )
    parser.add_argument("--port", type=port, default=5000)
    parser.add_argument("--database-port", type=port, help="of PostgreSQL, on loopback; one more than --port")
    parser.add_argument(
        "--user", help="the user that PostgreSQL runs as, where this is root; MLflow's server stays root"
    )
    parser.add_argument("--workers", type=positive, default=4, help="processes of MLflow's server")
    parser.add_argument("--artifacts", help="where files of runs go: a folder, or s3://…; FOLDER/artifacts")
    parser.add_argument(
        "--allowed-hosts", help="the names by which the server may be asked for, as MLflow's server has it"
    )
    parser.add_argument("--auth", action="store_true", help="ask for passwords (MLflow's basic auth)")
    options = parser.parse_args()
    os.umask(
        0o077
    )  # accounts, files of runs and logs are for whoever asks the server, not for all who are on this machine
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, stopped)
    try:
        run(options)
    except Stop:
        return 0
    except BenchError as error:
        say(str(error))
        return 2
    return 0


def stopped(number: int, frame: FrameType | None) -> None:
    """End, once: a second signal does not disturb the ending."""
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise Stop


def ranged(low: int, high: int, what: str) -> Callable[[str], int]:
    """A reader of whole numbers within bounds."""

    def read(text: str) -> int:
        if not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is no {what}, {low} to {high}")
        return int(text)

    return read


def named(text: str) -> str:
    """A text with something in it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty, which would be every address; 0.0.0.0 says so")
    return text


port, positive = ranged(1, 65534, "port"), ranged(1, 256, "number of processes")

if __name__ == "__main__":
    sys.exit(main())
