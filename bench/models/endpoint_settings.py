"""Settings of an endpoint that must not be wrong: its address, its key, its prices."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from urllib.parse import urlsplit

from bench.errors import BenchError
from bench.text import secrets
from bench.text.secret_urls import is_key, problem

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def key_in(variable: str | None) -> str | None:
    """The key, None if there is none; raises BenchError, without showing it, for what no header can hold."""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not (key.isascii() and key.isprintable()):
        raise BenchError(f"the key in {variable} holds characters that no key has; set it again")
    secrets.remember(key)
    return key or None


def checked_url(url: str) -> str:
    """The address without a slash at its end, or `env:NAME` of the variable that holds it.

    Raises BenchError for what is neither, or holds a secret.
    """
    if url.startswith("env:") and _VARIABLE.fullmatch(url[4:]):
        return url
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
    if what := problem(url, strict=True):
        raise BenchError(
            f"model.base_url at {host} holds {what}, which the record would show; a key belongs into the environment variable that "
            "model.key_env names; where it must stand in the address, put that into a variable and give model.base_url=env:NAME"
        )
    return url.rstrip("/")


def advice(key_env: str | None, name: str | None, base_url: str) -> dict[int, str]:
    """What to do about an HTTP status, with 0 for a server that cannot be reached."""
    later = "run the same command again to go on from where it stopped"
    key = f"check the key in {key_env}" if key_in(key_env) else f"put the key into {key_env}"
    known = f"check model.model={name} and model.base_url={base_url}, which usually ends in /v1"
    return {
        0: f"check that it runs and model.base_url={base_url}, then {later}",
        401: key if key_env else "name the variable that holds its key with model.key_env",
        402: f"the account has no credit; add some, then {later}",
        403: f"the key may not use model.model={name}; check both",
        429: f"later, {later}",
        **dict.fromkeys((404, 405), known),
        **dict.fromkeys(range(300, 400), known),
    }


def address_of(url: str) -> str:
    """The address itself, out of the environment where only its variable is given; raises BenchError, without showing it."""
    if not url.startswith("env:"):
        return url
    found = os.environ.get(url[4:], "").strip()
    try:
        place = urlsplit(found)
        sound = (
            place.scheme in ("http", "https")
            and place.hostname
            and not (place.query or place.fragment or place.username)
        )
    except ValueError:
        sound = False
    if not sound:
        raise BenchError(
            f"model.base_url={url}: that variable must hold an address such as http://127.0.0.1:8000/v1, without a user or query"
        )
    for part in place.path.split("/"):
        if is_key(part, strict=True):
            secrets.remember(part)
    return found.rstrip("/")


def checked_variable(name: str | None) -> str | None:
    """The name of a variable, None for none; raises BenchError, without showing it, for what may be the key itself."""
    if name and not _VARIABLE.fullmatch(name):
        raise BenchError(
            "model.key_env must be the name of an environment variable, in capitals, such as OPENAI_API_KEY"
        )
    return name or None


def checked_price(price: dict[str, float] | None) -> dict[str, float] | None:
    """The prices in USD; raises BenchError for other keys, for what is negative or not finite, and for a cost of nothing."""
    if price is None:
        return None
    if set(price) != {"prompt", "completion"} or not all(0 <= x < math.inf for x in price.values()):
        raise BenchError(
            f"model.price_per_million={price} must be {{prompt: USD, completion: USD}}, not negative, or null"
        )
    if not any(price.values()):
        raise BenchError(f"model.price_per_million={price} is a cost of nothing; leave it out where no price is known")
    return price


def is_near(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
