"""A server of known delays on this machine, in a process of its own: what a client measures beside them is the client's.

Run as a file, with the standard library alone, so that it is up at once and shares no interpreter with the client that it
measures: `python -I loopback_server.py FIRST_SECONDS BETWEEN_SECONDS TOKENS`. It prints its port, and ends with its standard input.

It streams TOKENS pieces of a chat or completion, the first after FIRST_SECONDS. Timers are late, so the last piece says how long
it took in truth: seconds from the whole request to the first piece, and to the last.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

_NAME = "loopback"


async def main(first: float, between: float, n: int) -> None:
    """Serve until standard input ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                length = next((int(line[15:]) for line in head if line.lower().startswith(b"content-length:")), 0)
                body = json.loads(await reader.readexactly(length)) if length else {}
                await _answer(writer, head[0], body, first, between, n)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has left, or the measurement is over
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


async def _head(reader: asyncio.StreamReader) -> list[bytes]:
    """The lines of a request's head, none where no more comes."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    except asyncio.IncompleteReadError:
        return []


async def _answer(
    writer: asyncio.StreamWriter, line: bytes, body: dict[str, Any], first: float, between: float, n: int
) -> None:
    """Answer one request: its tokens one by one where it is to be streamed, else at once at the end."""
    start = time.monotonic()
    if line.startswith(b"GET"):
        _send_json(writer, {"object": "list", "data": [{"id": _NAME, "object": "model"}]})
        return
    chat, streams = b"/chat/" in line, bool(body.get("stream"))
    n = min(n, int(body.get("max_tokens") or body.get("max_completion_tokens") or n))
    usage = {"prompt_tokens": 8, "completion_tokens": n, "total_tokens": 8 + n}
    if streams:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    took = [0.0]
    for i in range(n):
        due = start + first + i * between
        await asyncio.sleep(due - time.monotonic())
        now = time.monotonic() - start
        if i == 0:
            took[0] = now
        text = " a" if i < n - 1 else f" {took[0]:.6f} {now:.6f}"
        if streams and i < n - 1:
            writer.write(_chunk(_event(_choice(chat, text, None))))
    if not streams:
        _send_json(writer, {"model": _NAME, "choices": [_whole(chat, " a" * (n - 1) + text)], "usage": usage})
        return
    events = _event(_choice(chat, text, None)) + _event(_choice(chat, "", "stop"))
    events += _event({"model": _NAME, "choices": [], "usage": usage}) + b"data: [DONE]\n\n"
    writer.write(_chunk(events) + b"0\r\n\r\n")


def _choice(chat: bool, text: str, reason: str | None) -> dict[str, Any]:
    words: dict[str, Any] = {"delta": {"content": text}} if chat else {"text": text}
    return {"model": _NAME, "choices": [{"index": 0, **words, "finish_reason": reason}]}


def _whole(chat: bool, text: str) -> dict[str, Any]:
    words: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    return {"index": 0, **words, "finish_reason": "stop"}


def _event(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _send_json(writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    writer.write(head.encode() + raw)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
