"""Reading a reply that a server streams, and telling of its tokens as they come."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from bench.models.base import Heard
from bench.models.endpoint_errors import Failure, broken_off, is_reply
from bench.models.endpoint_events import Events
from bench.models.endpoint_pieces import Pieces
from bench.models.endpoint_reply import counts
from bench.models.endpoint_seen import Seen
from bench.types import Json

if TYPE_CHECKING:
    import aiohttp

_OVER = "[DONE]"
_LATE_BYTES = 2**16  # that are read behind the end


def is_stream(response: aiohttp.ClientResponse) -> bool:
    """Whether a good answer comes as events; a server that knows of no streaming sends one JSON object."""
    return 200 <= response.status < 300 and response.content_type == "text/event-stream"


class Telling:
    """Tells a listener of the tokens of one request."""

    def __init__(self, heard: Heard, name: str) -> None:
        self.heard, self.name, self.n = heard, name, 0

    def __call__(self, n: int) -> None:
        """So many are new."""
        self.n += n
        self.heard(self.name, n)

    def take_back(self) -> None:
        """What was told is no part of the answer."""
        if self.n:
            self(-self.n)


class Streamed:
    """One reply as it streams. `read` ends with it; `late` then looks at what comes behind its end, outside the time."""

    def __init__(self, telling: Telling, seen: Seen, clean: Callable[[Json], Json], most: int) -> None:
        self.telling, self.seen, self.clean, self.most = telling, seen, clean, most
        self.pieces = Pieces()
        self.arrivals = 0  # at which words came
        self._events = Events()
        self._over = self.went_on = False  # behind the end

    async def read(self, packets: AsyncIterator[bytes]) -> Json | Failure:
        """The whole reply, or why there is none; ends at the server's word that it is over, or with the stream."""
        found = await self._read(packets)
        if isinstance(found, Failure):
            self.telling.take_back()
            return found
        self.seen.answered(counts(found), self.pieces, self.arrivals)
        return self.clean(found)

    async def _read(self, packets: AsyncIterator[bytes]) -> Json | Failure:
        size = 0
        async for packet in packets:
            size += len(packet)
            if size > self.most:
                return Failure(f"answered with more than {self.most:,} bytes")
            if (failure := self._arrived(packet)) is not None:
                return failure
            if self._over:
                break
        if not (self._over or self.pieces.is_whole):
            return Failure("cut the connection (the stream ended before the reply did)", again=True)
        reply = self.pieces.reply
        return reply if is_reply(reply) else Failure("answered with no choices in its stream", again=True)

    def _arrived(self, packet: bytes) -> Failure | None:
        """Take in what has come at once, and tell of its tokens; what is wrong with it."""
        new = 0
        for name, data in self._events.fed(packet):
            if self._over or data.strip() == _OVER:
                self._over = True
                self._pass_over(data)
            elif data.strip():  # an event without anything is a sign of life
                try:
                    chunk = json.loads(data)
                    if not isinstance(chunk, dict) or name == "error" or chunk.get("error"):
                        return broken_off(chunk, self.clean)
                    new += self.pieces.add(chunk)
                except (ValueError, RecursionError):
                    return Failure("answered with invalid JSON in its stream", again=True)
        if new:
            self.arrivals += 1
            self.telling(new)
        return None

    def _pass_over(self, data: str) -> None:
        """Note whether words come behind the end, which are none of the answer's."""
        try:
            chunk = json.loads(data)
            self.went_on |= isinstance(chunk, dict) and Pieces().add(chunk) > 0
        except (ValueError, RecursionError):
            return

    async def late(self, packets: AsyncIterator[bytes]) -> None:
        """Read on to the end of the body, so that the connection can be used again; words behind the reply's end are noted."""
        size = 0
        async for packet in packets:
            size += len(packet)
            self._arrived(packet)
            if size > _LATE_BYTES:
                break

    def close(self) -> None:
        """Say what came behind the end."""
        self.seen.went_on += self.went_on
