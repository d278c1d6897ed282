"""What an endpoint's reply means: an answer, a failure that another try may mend, or the end of the run."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Literal

from bench.text.finish import finish_of
from bench.types import Json

_AGAIN = frozenset({408, 409, 425, 429})  # and every 5xx
_GATEWAY = frozenset({502, 503, 504})  # what stands before a server that is not up
_LONGEST_SAID = 10**9  # seconds, thirty years
_QUOTED = 200  # characters of the server's words that an error shows


@dataclass(frozen=True)
class Failure:
    """Why there is no answer; `text` follows the endpoint's address in a sentence.

    Another try may help if it is `again`, after at least `wait` seconds. `ends` says what it costs in the end: only its
    request, the "run", or the run if it comes "first", before any request was answered.
    """

    text: str
    again: bool = False
    wait: float = 0.0
    ends: Literal["request", "first", "run"] = "request"
    status: int = 0
    refused: bool = False  # by a filter, not for how it was asked

    def after(self, tries: int) -> Failure:
        """The same, saying how often it was tried."""
        return replace(self, text=f"{self.text} in {tries} tries") if tries > 1 else self


def judge(
    status: int, headers: Mapping[str, str], raw: bytes, clean: Callable[[Json], Json], max_wait: float
) -> Json | Failure:
    """The reply as JSON, or what is wrong with it. `clean` takes secrets out, before anything is cut or quoted."""
    text = raw.decode("utf-8", "replace")
    try:
        body = clean(json.loads(text))
    except (ValueError, RecursionError):
        body = None
    said = _said(body, clean(text))
    if 200 <= status < 300:
        if is_reply(body):
            return body
        return Failure(f"answered with {'no choices' if body is not None else 'invalid JSON'}: {said}", again=True)
    text = f"answered HTTP {status}: {said}"
    if status in _AGAIN or status >= 500:
        if status == 429 and _code(body) == "insufficient_quota":
            return Failure(text, ends="run", status=402)
        wait = retry_after({name.lower(): value for name, value in headers.items()}.get("retry-after"), time.time())
        if wait > max_wait:
            longer = f"{wait:.0f} s" if wait <= _LONGEST_SAID else f"more than {_LONGEST_SAID:,} s"
            return Failure(f"{text}, and asks to wait for {longer}", ends="run", status=429)
        return Failure(text, again=True, wait=wait, ends="first" if status in _GATEWAY else "request", status=status)
    if status in (401, 402) or 300 <= status < 400:
        return Failure(text, ends="run", status=status)
    refused = finish_of(_code(body)) == "refused"
    return Failure(text, ends="first" if status in (403, 404, 405) else "request", status=status, refused=refused)


def is_reply(body: Json) -> bool:
    """Whether there is a choice in it to read."""
    return isinstance(body, dict) and isinstance(body.get("choices"), list) and bool(body["choices"])


def broken_off(event: Json, clean: Callable[[Json], Json]) -> Failure:
    """An error that a server tells in the midst of a reply."""
    said = clean(event)
    text = f"broke its reply off: {_said(said, str(said))}"
    return Failure(text, again=finish_of(_code(said)) != "refused", refused=finish_of(_code(said)) == "refused")


def retry_after(value: str | None, now: float) -> float:
    """Seconds to wait by a Retry-After header, a number of seconds or an HTTP date; 0 for none or a past one.

    `now` is in seconds since 1970. Source: RFC 9110, section 10.2.3.

    >>> retry_after("2.5", 0.0), retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 40.0), retry_after("soon", 0.0)
    (2.5, 20.0, 0.0)
    """
    if value is None:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except ValueError:
            return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _error(body: Json) -> Json:
    """The part of a reply that speaks of the error: servers name it `error`, `detail` or `message`."""
    if isinstance(body, dict):
        return next((body[name] for name in ("error", "detail", "message") if body.get(name)), body)
    return body


def _code(body: Json) -> Json:
    error = _error(body)
    return error.get("code") or error.get("type") if isinstance(error, dict) else None


def _said(body: Json, text: str) -> str:
    """The server's own words, on one line and cut."""
    error = _error(body)
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        error = error["message"]
    words = " ".join((error if isinstance(error, str) else text).split())
    return words if len(words) <= _QUOTED else words[:_QUOTED] + "…"
