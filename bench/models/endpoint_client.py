"""Asking an HTTP endpoint: so many requests at once, so many a minute, tried again for as long as that may help."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import urllib.request
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.errors import BenchError
from bench.models.endpoint_errors import Failure
from bench.models.endpoint_post import Post
from bench.models.endpoint_seen import Seen
from bench.models.endpoint_stream import Telling
from bench.text import secrets
from bench.text.secret_urls import keys_in_path
from bench.types import Json

if TYPE_CHECKING:
    import aiohttp

_CONNECT_SECONDS = 10.0
_MOMENT = 0.001  # seconds: less is no wait
_SECRET = 8  # characters: a shorter key is a placeholder such as EMPTY, which answers may hold


@dataclass(frozen=True)
class Limits:
    """How hard an endpoint is asked; nothing of it changes an answer.

    A try ends after `timeout_seconds`. Before try n + 1 there is a pause of up to backoff_seconds * 2^(n - 1), at most
    `max_backoff_seconds`: a uniform draw from 0 on ("full jitter"), so that clients do not come back together. What the
    server asks for (Retry-After) is waited for on top, by all requests, up to `max_wait_seconds`; more ends the run.
    Source: Brooker 2015, "Exponential Backoff And Jitter" (AWS Architecture Blog).
    """

    concurrency: int = 8
    requests_per_minute: float | None = None
    timeout_seconds: float = 120.0
    max_tries: int = 6
    backoff_seconds: float = 1.0
    max_backoff_seconds: float = 60.0
    max_wait_seconds: float = 300.0

    def __post_init__(self) -> None:
        for name in ("concurrency", "max_tries"):
            if getattr(self, name) < 1:
                raise BenchError(f"model.limits.{name}={getattr(self, name)} must be at least 1")
        if self.requests_per_minute is not None and self.requests_per_minute <= 0:
            raise BenchError(f"model.limits.requests_per_minute={self.requests_per_minute} must be above 0, or null")
        if self.timeout_seconds <= 0:
            raise BenchError(f"model.limits.timeout_seconds={self.timeout_seconds} must be above 0")
        for name in ("backoff_seconds", "max_backoff_seconds", "max_wait_seconds"):
            if getattr(self, name) < 0:
                raise BenchError(f"model.limits.{name}={getattr(self, name)} must not be negative")

    def pause(self, tries: int, draw: float) -> float:
        """Seconds to wait after so many failed tries; `draw` is in [0, 1)."""
        return draw * min(self.max_backoff_seconds, self.backoff_seconds * 2.0 ** min(tries - 1, 60))


class Client:
    """Posts JSON to one address from an event loop of its own, which lives in a thread until the client is let go.

    The key is kept here and nowhere else; `clean` takes it, and the secrets of `extra`, out of all that the server sends.
    """

    def __init__(
        self, url: str, key: str | None, limits: Limits, advice: Mapping[int, str], *, shown: str = "",
        extra: Mapping[str, Json] | None = None,
    ) -> None:  # fmt: skip
        """`advice` says what to do about an HTTP status, with 0 for a server that cannot be reached; messages call it `shown`."""
        self.url, self.limits, self.advice, self.shown = url, limits, advice, shown or url
        self.worked = False  # whether any request was answered: then address, key and model are right
        self.tries = 0
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._gap = 60.0 / limits.requests_per_minute if limits.requests_per_minute else 0.0
        self._next = self._hold = 0.0  # the loop's time: of the next request, and until when all wait
        found = {
            key or "",
            *secrets.found(extra or {}),
            *keys_in_path(url),
        }
        hidden = sorted((one for one in found if len(one) >= _SECRET), key=len, reverse=True)
        self.clean: Callable[[Json], Json] = partial(cleaned, hidden)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="endpoint", daemon=True)
        thread.start()
        self._loop = loop
        self._session = asyncio.run_coroutine_threadsafe(_session(key, limits), loop).result()
        self._post = Post(self._session, url, _proxy(url), self.clean, limits.timeout_seconds, limits.max_wait_seconds)
        weakref.finalize(self, _close, loop, thread, self._session)

    def submit(
        self, body: dict[str, Json], telling: Telling | None = None,
        instead: Callable[[Json], dict[str, Json] | None] = lambda found: None,
    ) -> Future[Json | Failure]:  # fmt: skip
        """Begin to ask; the future holds the reply or why there is none, or raises BenchError where none can come.

        With `telling` the reply is streamed, and its tokens are told of as they come, in the client's thread. Where `instead` gives
        another body for a reply, its answer counts.
        """
        return asyncio.run_coroutine_threadsafe(self._answer(body, telling, instead), self._loop)

    def watch(self) -> None:
        """Forget what was seen by now."""
        self._post.seen = Seen()

    def saw(self) -> list[str]:
        """What a reader of times must know of the answers since `watch`."""
        return self._post.seen.lines(self._post.way, self.limits.concurrency, self.limits.requests_per_minute)

    async def _answer(
        self, body: dict[str, Json], telling: Telling | None, instead: Callable[[Json], dict[str, Json] | None]
    ) -> Json | Failure:
        found = await self._ask(body, telling)
        if isinstance(found, Failure) or (other := instead(found)) is None:
            return found
        if telling is not None:
            telling.take_back()
        return await self._ask(other, telling)

    async def _ask(self, body: dict[str, Json], telling: Telling | None) -> Json | Failure:
        for tried in range(1, self.limits.max_tries + 1):
            seen = self._post.seen
            seen.tried_again += tried == 2
            seen.waited += self._slots.locked()
            async with self._slots:
                seen.paced += await self._turn()
                self.tries += 1
                found = await (self._post.whole(body) if telling is None else self._post.streamed(body, telling))
            if not isinstance(found, Failure):
                self.worked = True
                return found
            if not found.again or tried == self.limits.max_tries:
                break
            self._hold = max(self._hold, self._loop.time() + found.wait)
            await asyncio.sleep(found.wait + self.limits.pause(tried, random.random()))
        found = found.after(tried)
        if found.ends == "run" or (found.ends == "first" and not self.worked):
            raise BenchError(f"endpoint {self.shown} {found.text}; {self.advice.get(found.status, self.advice[0])}")
        return found

    async def _turn(self) -> bool:
        """Wait until the limits let the next request go; whether it had to."""
        start = self._loop.time()
        while (wait := self._hold - self._loop.time()) > 0:
            await asyncio.sleep(wait)
        at = max(self._loop.time(), self._next)
        self._next = at + self._gap
        if (wait := at - self._loop.time()) > 0:
            await asyncio.sleep(wait)
        return self._loop.time() - start > _MOMENT


def cleaned(hidden: Sequence[str], value: Json) -> Json:
    """The value without the key and other secrets, the longest first."""
    if not hidden:
        return value
    match value:
        case str():
            for secret in hidden:
                value = value.replace(secret, "[key]")
            return value
        case list():
            return [cleaned(hidden, item) for item in value]
        case dict():
            return {cleaned(hidden, name): cleaned(hidden, item) for name, item in value.items()}
    return value


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this address, as other programs use it."""
    place = urlsplit(url)
    if urllib.request.proxy_bypass(place.hostname or ""):
        return None
    return urllib.request.getproxies().get(place.scheme)


async def _session(key: str | None, limits: Limits) -> aiohttp.ClientSession:
    import aiohttp

    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=aiohttp.ClientTimeout(total=limits.timeout_seconds, sock_connect=_CONNECT_SECONDS),
        connector=aiohttp.TCPConnector(limit=0),  # `Limits.concurrency` is the limit
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _close(loop: asyncio.AbstractEventLoop, thread: threading.Thread, session: Any) -> None:
    """End what is in flight, the session and the loop; runs when the client is let go, and when the program ends."""

    async def end() -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await session.close()

    if threading.current_thread() is thread:  # let go by its own last task: nothing is in flight, nobody may wait
        loop.create_task(session.close()).add_done_callback(lambda _: loop.stop())
        return
    with contextlib.suppress(TimeoutError, CancelledError, RuntimeError):  # the program ends either way
        asyncio.run_coroutine_threadsafe(end(), loop).result(timeout=2)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=2)
