"""A small OpenAI-compatible server on loopback that does wrong what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the server does with one request: `body` as JSON, or as it is if it is bytes, after `seconds`.

    With `hangs` it says nothing until the server ends; with `cuts` it resets the connection, after the headers if `late`.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    hangs: bool = False
    cuts: bool = False
    late: bool = False


def says(text: str | None, *, prompt_tokens: int = 7, new_tokens: int = 2, seconds: float = 0.0, **more: Any) -> Answer:
    """A good answer of a chat and of a completion; `more` are keys of its message."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text} | more,
        "text": text,
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": new_tokens}
    return Answer({"model": "served", "choices": [choice], "usage": usage}, seconds=seconds)


def error(status: int, message: str = "no", code: str | None = None, **headers: str) -> Answer:
    """An error as OpenAI words it; `headers` with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer({"error": {"message": message, "code": code}}, status, named)


@dataclass
class Asked:
    """One request as it came: its time, path, headers and body."""

    seconds: float
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """The user's last words, or the prompt."""
        return str(self.body["messages"][-1]["content"] if "messages" in self.body else self.body["prompt"])


class FaultyServer:
    """Plays `script`, an answer a request, then answers each with `then`; a context manager."""

    def __init__(
        self, script: Iterable[Answer] = (), then: Callable[[Asked], Answer] = lambda asked: says(f"to {asked.text}")
    ) -> None:
        self.script, self.then = list(script), then
        self.asked: list[Asked] = []
        self.now = self.most_at_once = 0
        self.lock, self.ended = threading.Lock(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                outer._handle(self)

            def log_message(self, *words: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads, block_on_close, request_queue_size = True, False, 128

            def handle_error(self, *words: Any) -> None:
                pass  # clients that leave are what some tests are about

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)

    def __enter__(self) -> FaultyServer:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        asked = Asked(time.monotonic(), handler.path, {k.lower(): v for k, v in handler.headers.items()}, body)
        with self.lock:
            self.asked.append(asked)
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
            answer = self.script.pop(0) if self.script else None
        try:
            self._send(handler, answer or self.then(asked))
        finally:
            with self.lock:
                self.now -= 1

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.hangs:
            self.ended.wait()
            return None
        time.sleep(answer.seconds)
        if answer.cuts and not answer.late:
            return self._reset(handler)
        raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        if answer.cuts:
            handler.wfile.write(raw[: len(raw) // 2])
            return self._reset(handler)
        handler.wfile.write(raw)
        return None

    def _reset(self, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()


def unused_address() -> str:
    """The address of a port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/v1"
