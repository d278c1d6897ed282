"""A small OpenAI-compatible server on loopback that does wrong what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import re
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

    With `hangs` it says nothing until the server ends; with `cuts` it resets the connection, after the headers if `late`. With
    `packets` it sends these one by one as a stream of events, with a pause in front where there is a number, then cuts or ends.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    hangs: bool = False
    cuts: bool = False
    late: bool = False
    packets: tuple[bytes | float, ...] | None = None


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


def events(*chunks: Any, end: bytes = b"data: [DONE]\n\n") -> tuple[bytes, ...]:
    """Each chunk as an event in a packet of its own, and the end of the stream."""
    return (*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), *([end] if end else []))


def chunks(body: dict[str, Any], *, chat: bool = True) -> list[dict[str, Any]]:
    """What a server streams that would say this at once: role, a word at a time, how it ended, its count."""
    head = {name: value for name, value in body.items() if name not in ("choices", "usage")}
    whole = dict(body["choices"][0]) if isinstance(body["choices"][0], dict) else {}
    message, text = dict(whole.pop("message", {})), whole.pop("text", None)
    if chat:
        role = {"role": message.pop("role", "assistant")} | ({"content": ""} if message.get("content") else {})
        pieces = [{"delta": one} for one in (role, *({k: piece} for k, v in message.items() for piece in _pieces(v)))]
    else:
        pieces = [{"text": piece} for piece in _pieces(text)]
    end = {"delta": {}} if chat else {}
    choices = [{"index": 0, "finish_reason": None} | piece for piece in pieces] + [{"index": 0} | end | whole]
    counted = [{"choices": [], "usage": body["usage"]}] if "usage" in body else []
    return [head | one for one in [*({"choices": [choice]} for choice in choices), *counted]]


def _pieces(value: Any) -> list[Any]:
    """A text in words, a list item by item with the texts of each in words, anything else whole."""
    if isinstance(value, str):
        return re.findall(r"\s*\S+|\s+$", value) or [value]
    if isinstance(value, list):
        return [[piece] for item in value for piece in _of_item(item)]
    return [value]


def _of_item(item: dict[str, Any]) -> list[Any]:
    name = next((name for name in ("text", "thinking") if name in item), None)
    return [item | {name: piece} for piece in _pieces(item[name])] if name else [item]


def streams(answer: Answer, *, chat: bool = True) -> Answer:
    """The same answer as a stream, with a moment between its pieces, so that each arrives for itself."""
    return Answer(packets=apart(events(*chunks(answer.body, chat=chat))))


def apart(packets: tuple[bytes, ...]) -> tuple[bytes | float, ...]:
    """The packets with a moment in front of each."""
    return tuple(one for packet in packets for one in (0.003, packet))


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
        if answer.packets is not None:
            return self._stream(handler, answer)
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

    def _stream(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in {
            "Content-Type": "text/event-stream",
            "Transfer-Encoding": "chunked",
            **answer.headers,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        for packet in answer.packets or ():
            if isinstance(packet, bytes):
                handler.wfile.write(f"{len(packet):x}\r\n".encode() + packet + b"\r\n")
            else:
                time.sleep(packet)
        if answer.cuts:
            return self._reset(handler)
        handler.wfile.write(b"0\r\n\r\n")
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
