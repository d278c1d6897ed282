"""A real MLflow server in a process of its own, behind which connections are cut or slowed down as it is told; and odd servers."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from scripts.hard.forked import Child, begin


def unused_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Served:
    """MLflow's server app over a new SQLite store in `folder`; what `fault` says happens to its next requests."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.port = folder, port or unused_port()
        self.uri, self.child, self._number = f"http://127.0.0.1:{self.port}", None, 0
        self.fault("", 0)

    def __enter__(self) -> Served:
        self.child: Child | None = begin(lambda: _serve(self.folder, self.port), self.folder)
        until = time.monotonic() + 90
        while time.monotonic() < until:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def fault(self, how: str, at: int, *, once: bool = False, seconds: float = 0.0) -> None:
        """From the `at`-th request on (the first is 0), or for that one alone: cut "before" or "after" it is done; or be slow."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        text = json.dumps({"number": self._number, "how": how, "at": at, "once": once, "seconds": seconds})
        (self.folder / ".fault.new").write_text(text)
        (self.folder / ".fault.new").replace(self.folder / "fault.json")

    def seen(self) -> int:
        """How many requests came since the last fault was set."""
        try:
            number, n = (self.folder / "seen").read_text().split()
        except OSError:
            return 0
        return int(n) if int(number) == self._number else 0


def _serve(folder: Path, port: int) -> int:
    import logging

    from werkzeug.serving import WSGIRequestHandler, make_server

    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/served.db", "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{folder}/served.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/", "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"file://{folder}/files",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true", "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip
    from mlflow.server import app

    from bench.tracking import empty

    empty.place(f"sqlite:///{folder}/served.db")
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None:
            pass

    make_server(
        "127.0.0.1", port, _Faulty(app, folder), threaded=True, request_handler=Quiet
    ).serve_forever()  # fmt: skip
    return 0


class _Faulty:
    """An app that counts requests, and cuts the connection of those that are to be cut."""

    def __init__(self, app: Callable[..., Iterable[bytes]], folder: Path) -> None:
        self.app, self.folder, self.lock, self.number, self.n = app, folder, threading.Lock(), 0, 0

    def __call__(self, environ: dict[str, Any], answer: Callable[..., Any]) -> Iterable[bytes]:
        with self.lock:
            told = json.loads((self.folder / "fault.json").read_text())
            if told["number"] != self.number:
                self.number, self.n = told["number"], 0
            at, self.n = self.n, self.n + 1
            (self.folder / "seen").write_text(f"{self.number} {self.n}")
        due = at == told["at"] if told["once"] else at >= told["at"]
        how = told["how"] if due else ""
        time.sleep(told["seconds"] if how == "slow" else 0)
        if how == "before":
            return _cut(environ, answer)
        if how == "after":
            for _ in self.app(environ, lambda *_: lambda data: None):
                pass
            return _cut(environ, answer)
        return self.app(environ, answer)


def _cut(environ: dict[str, Any], answer: Callable[..., Any]) -> Iterable[bytes]:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    answer("500 cut", [])
    return [b""]


class Odd:
    """A server that answers every request with this, or takes connections and never says a word (`status` 0)."""

    def __init__(self, folder: Path, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.folder, self.answer, self.port = folder, (status, body, headers or {}), unused_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Odd:
        self.child = begin(
            lambda: _silent(self.port) if not self.answer[0] else _odd(self.port, *self.answer), self.folder
        )
        time.sleep(0.3)
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait()


def _silent(port: int) -> int:
    with socket.create_server(("127.0.0.1", port)) as one:
        held = []
        while True:
            held.append(one.accept())


def _odd(port: int, status: int, body: bytes, headers: dict[str, str]) -> int:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
    return 0
