"""A web server on this machine that counts what it is asked for, and fails as it is told to."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("cut", "chunks cut", "404", "500", "other bytes", "hangs up", "no status", "odd length")
_PIECES = 20


class Server(ThreadingHTTPServer):
    """Serves `files` by path, each over `seconds`; `faults` says by path how it fails. `asked` counts the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.seconds = 0.0

    def address(self, path: str) -> str:
        """The address of a file."""
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, *_: Any) -> None:
        """Say nothing: whoever asked was killed, or we hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        """Answer, or fail as told."""
        self.server.asked[self.path] += 1
        body, fault = self.server.files.get(self.path), self.server.faults.get(self.path, "")
        if body is None or fault in ("404", "500"):
            self.send_error(int(fault or 404))
        elif fault == "hangs up":
            self.connection.close()
        elif fault == "no status":
            self.wfile.write(b"not a word of HTTP\r\n\r\n")
        else:
            self._send(body[:-1] + b"?" if fault == "other bytes" else body, fault)

    def _send(self, body: bytes, fault: str) -> None:
        if fault == "chunks cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body))
        else:
            self.send_response(200)
            self.send_header("Content-Length", "many" if fault == "odd length" else str(len(body)))
            self.end_headers()
        size = -(-len(body) // _PIECES)
        with suppress(OSError):  # whoever asked was killed
            for at in range(0, len(body) // 2 if "cut" in fault else len(body), size):
                self.wfile.write(body[at : at + size])
                time.sleep(self.server.seconds / _PIECES)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs while the block does."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
