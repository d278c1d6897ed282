"""Asking an HTTP endpoint: so many requests at once, so many a minute, tried again for as long as that may help."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import threading
import urllib.request
import weakref
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.errors import BenchError
from bench.models.endpoint_errors import Failure, judge
from bench.text import secrets
from bench.text.secret_urls import keys_in_path
from bench.types import Json

if TYPE_CHECKING:
    import aiohttp

_CONNECT_SECONDS = 10.0
MOST = 16 * 1024 * 1024  # bytes of a reply, unpacked
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
        self._proxy = _proxy(url)
        found = {
            key or "",
            *secrets.found(extra or {}),
            *keys_in_path(url),
        }
        self._secrets = sorted((one for one in found if len(one) >= _SECRET), key=len, reverse=True)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="endpoint", daemon=True)
        thread.start()
        self._loop = loop
        self._session = asyncio.run_coroutine_threadsafe(_session(key, limits), loop).result()
        weakref.finalize(self, _close, loop, thread, self._session)

    def submit(self, body: Json) -> Future[Json | Failure]:
        """Begin to ask; the future holds the reply or why there is none, or raises BenchError where none can come."""
        return asyncio.run_coroutine_threadsafe(self._ask(body), self._loop)

    def clean(self, value: Json) -> Json:
        """The value without the key and other secrets."""
        if not self._secrets:
            return value
        match value:
            case str():
                for secret in self._secrets:
                    value = value.replace(secret, "[key]")
                return value
            case list():
                return [self.clean(item) for item in value]
            case dict():
                return {self.clean(name): self.clean(item) for name, item in value.items()}
        return value

    async def _ask(self, body: Json) -> Json | Failure:
        for tried in range(1, self.limits.max_tries + 1):
            async with self._slots:
                await self._turn()
                self.tries += 1
                found = await self._try(body)
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

    async def _turn(self) -> None:
        """Wait until the limits let the next request go."""
        while (wait := self._hold - self._loop.time()) > 0:
            await asyncio.sleep(wait)
        at = max(self._loop.time(), self._next)
        self._next = at + self._gap
        await asyncio.sleep(at - self._loop.time())

    async def _try(self, body: Json) -> Json | Failure:
        """The reply to one try, or what is wrong with it."""
        import aiohttp

        try:
            async with self._session.post(self.url, json=body, allow_redirects=False, proxy=self._proxy) as response:
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
            return Failure(f"gave no answer within {self.limits.timeout_seconds:g} s", again=True)
        except (aiohttp.ClientError, OSError) as error:
            return Failure(f"cut the connection ({self._said(error)})", again=True)
        return judge(status, headers, raw, self.clean, self.limits.max_wait_seconds)

    def _said(self, error: Exception) -> str:
        cause = getattr(error, "os_error", error)
        number = getattr(cause, "errno", None)
        words = os.strerror(number) if isinstance(number, int) and number > 0 else str(cause)
        return str(self.clean(words or type(cause).__name__))[:200]


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
