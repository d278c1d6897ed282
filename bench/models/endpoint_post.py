"""One try at a request: posted, and its reply read whole or as it streams."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bench.models.endpoint_errors import Failure, judge
from bench.models.endpoint_seen import STREAMED, USAGE, WHOLE, Seen
from bench.models.endpoint_stream import Streamed, Telling, is_stream
from bench.types import Json

if TYPE_CHECKING:
    import aiohttp

MOST = 16 * 1024 * 1024  # bytes of a reply, unpacked
_LEFT_OUT: Mapping[int, tuple[str, ...]] = {
    USAGE: (),
    STREAMED: ("stream_options",),
    WHOLE: ("stream_options", "stream"),
}
_NOT_SO = frozenset({400, 405, 415, 422, 501})  # how a server refuses what it does not know
_LATE_SECONDS = 1.0  # that a connection is held behind the end of a stream


class Post:
    """Posts to one address, and says in `seen` what came of it; `clean` takes secrets out of all that the server sends."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, proxy: str | None, clean: Callable[[Json], Json], timeout_seconds: float,
        max_wait: float,
    ) -> None:  # fmt: skip
        self.session, self.url, self.proxy, self.clean = session, url, proxy, clean
        self.timeout_seconds, self.max_wait = timeout_seconds, max_wait
        self.seen = Seen()
        self.way = USAGE
        self.streams = False  # whether the server ever did
        self._late: set[asyncio.Task[None]] = set()

    async def streamed(self, body: Mapping[str, Json], telling: Telling) -> Json | Failure:
        """As `whole`, streamed. A server that has never streamed and refuses to is asked for less."""
        first: Json | Failure = None
        for way in range(self.way, WHOLE + 1):
            found = await self._once({k: v for k, v in body.items() if k not in _LEFT_OUT[way]}, telling)
            if not isinstance(found, Failure):
                self.way = way
            if not (isinstance(found, Failure) and found.status in _NOT_SO) or self.streams:
                return found
            first = first or found
        return first  # it refuses something else

    async def whole(self, body: Mapping[str, Json]) -> Json | Failure:
        """The reply to one try, or what is wrong with it."""
        return await self._once(body, None)

    async def _once(self, body: Mapping[str, Json], telling: Telling | None) -> Json | Failure:
        import aiohttp

        try:
            response = await self.session.post(self.url, json=body, allow_redirects=False, proxy=self.proxy)
            async with contextlib.AsyncExitStack() as held:
                await held.enter_async_context(response)
                if telling is not None and is_stream(response):
                    return await self._read(response, telling, held)
                raw = b""
                async for piece in response.content.iter_chunked(2**16):
                    raw += piece
                    if len(raw) > MOST:
                        return Failure(f"answered with more than {MOST:,} bytes")
                status, headers = response.status, dict(response.headers)
        except aiohttp.ClientSSLError as error:
            return Failure(f"cannot be trusted ({self._said(error)})", ends="run")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Failure(f"cannot be reached ({self._said(error)})", again=True, ends="run")
        except TimeoutError:
            return Failure(f"gave no answer within {self.timeout_seconds:g} s", again=True)
        except (aiohttp.ClientError, OSError) as error:
            return Failure(f"cut the connection ({self._said(error)})", again=True)
        found = judge(status, headers, raw, self.clean, self.max_wait)
        self.seen.unstreamed += telling is not None and not isinstance(found, Failure)
        return found

    async def _read(
        self, response: aiohttp.ClientResponse, telling: Telling, held: contextlib.AsyncExitStack
    ) -> Json | Failure:
        """The reply as it streams; its connection is held until the server ends the body, outside the reply's time."""
        self.streams = True
        reply = Streamed(telling, self.seen, self.clean, MOST)
        try:
            found = await reply.read(response.content.iter_any())
        except BaseException:
            telling.take_back()
            raise
        if response.content.at_eof():
            reply.close()
        elif not isinstance(found, Failure):
            task = asyncio.get_running_loop().create_task(_late(reply, response, held.pop_all()))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        return found

    def _said(self, error: Exception) -> str:
        cause = getattr(error, "os_error", error)
        number = getattr(cause, "errno", None)
        words = os.strerror(number) if isinstance(number, int) and number > 0 else str(cause)
        return str(self.clean(words or type(cause).__name__))[:200]


async def _late(reply: Streamed, response: aiohttp.ClientResponse, held: contextlib.AsyncExitStack) -> None:
    """Read to the end of the body; the reply is whole, so that a connection which breaks then costs only itself."""
    import aiohttp

    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with held, asyncio.timeout(_LATE_SECONDS):
            await reply.late(response.content.iter_any())
    reply.close()
