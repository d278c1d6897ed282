"""Settings of an endpoint that must not be wrong: its address, its key, its prices."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from urllib.parse import urlsplit

from bench.errors import BenchError

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def key_in(variable: str | None) -> str | None:
    """The key, None if there is none; raises BenchError, without showing it, for what no header can hold."""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not (key.isascii() and key.isprintable()):
        raise BenchError(f"the key in {variable} holds characters that no key has; set it again")
    return key or None


def checked_url(url: str) -> str:
    """The address without a slash at its end; raises BenchError for what is no address, or holds a secret."""
    try:
        place = urlsplit(url)
        host, _ = place.hostname, place.port
    except ValueError:
        host = None
    if not host or place.scheme not in ("http", "https"):
        raise BenchError("model.base_url must be an address such as http://127.0.0.1:8000/v1")
    if place.username or place.password or place.query or place.fragment:
        raise BenchError(
            f"model.base_url at {host} holds a user, password or query, which the record would show; leave them out, the key "
            "comes from model.key_env"
        )
    return url.rstrip("/")


def checked_variable(name: str | None) -> str | None:
    """The name of a variable, None for none; raises BenchError, without showing it, for what may be the key itself."""
    if name and not _VARIABLE.fullmatch(name):
        raise BenchError(
            "model.key_env must be the name of an environment variable, in capitals, such as OPENAI_API_KEY"
        )
    return name or None


def checked_price(price: dict[str, float] | None) -> dict[str, float] | None:
    """The prices in USD; raises BenchError for other keys, and for what is negative or not finite."""
    if price is not None and (
        set(price) != {"prompt", "completion"} or not all(0 <= x < math.inf for x in price.values())
    ):
        raise BenchError(
            f"model.price_per_million={price} must be {{prompt: USD, completion: USD}}, not negative, or null"
        )
    return price


def is_near(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
