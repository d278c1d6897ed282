"""What computing costs: a currency per hour of a machine, or per million tokens of an endpoint, of a day and from a source."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

from bench.errors import BenchError
from bench.runs.currencies import CURRENCIES
from bench.text.meant import among
from bench.text.secrets import clean
from bench.text.shown import name_problem
from bench.types import Json

KEYS = ("currency", "per_hour", "per_million", "date", "source")
TOKENS = ("prompt", "completion")
LEAST, MOST = 1e-4, 1e6  # of a price: less is one of a second, of a token, or of nothing
OWN = "own"  # the name of a price that no file of conf/price holds
_LONGEST_SOURCE = 500
_NUMBER = re.compile(r"[0-9]{1,7}(\.[0-9]{1,9})?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")  # a thousand and more to some, a little more than one to others
_EARLIEST = datetime.date(2000, 1, 1)
_AHEAD = datetime.timedelta(hours=14)  # of UTC, where the day begins first


def read(given: Mapping[str, Any] | None, name: str = OWN) -> tuple[dict[str, Json], list[str]]:
    """The price as a run's record holds it, {} where nothing is given; with a line for each number that was read out of a text.

    Raises BenchError, in one line, for what is no price: nothing asked for it, no day or source, a number that is none.
    """
    found = {str(key): value for key, value in (given or {}).items()}
    if unknown := [key for key in found if key not in KEYS]:
        raise BenchError(f"price.{unknown[0]} is no key of a price; {among(unknown[0], KEYS)}")
    tokens = _tokens(found.get("per_million"))
    if not tokens and all(found.get(key) is None for key in KEYS if key != "per_million"):
        if name != OWN:
            raise BenchError(f"price={name}: its file holds no price; give it {', '.join(KEYS)}")
        return {}, []
    notes: list[str] = []
    hour = None if found.get("per_hour") is None else _number(found["per_hour"], "per_hour", notes, LEAST)
    million = {kind: _number(tokens[kind], f"per_million.{kind}", notes, 0.0) for kind in tokens}
    if hour is None and not million:
        raise BenchError(
            "price.per_hour (of a machine) or price.per_million (of an endpoint's tokens) is missing; give one of them"
        )
    for kind, value in million.items():
        if value < LEAST and (value or not any(million.values())):
            raise BenchError(f"price.per_million.{kind}={value} {_TOO_LITTLE['per_million']}")
    return {
        "name": name, "currency": _currency(found.get("currency")), "per_hour": hour, "per_million": million or None,
        "date": day(found.get("date")), "source": _source(found.get("source")),
    }, notes  # fmt: skip


def shown(price: Mapping[str, Json]) -> str:
    """A recorded price in a few words.

    >>> shown({"name": "box", "currency": "USD", "per_hour": 0.5, "per_million": None, "date": "2026-11-01", "source": "a bill"})
    'box: 0.5 USD an hour, of 2026-11-01 (a bill)'
    """
    parts = [f"{price['per_hour']:g} {price['currency']} an hour"] if price.get("per_hour") is not None else []
    if tokens := price.get("per_million"):
        each = " and ".join(f"{tokens[kind]:g} {price['currency']} of {kind}" for kind in TOKENS)
        parts.append(f"{each} for a million tokens")
    return f"{price['name']}: {', '.join(parts)}, of {price['date']} ({price['source']})"


def is_whole(price: Mapping[str, Json]) -> bool:
    """Whether a recorded price has all that one has: a record that somebody edited, or of a store, may not."""
    tokens = price.get("per_million")
    return all(price.get(key) is not None for key in ("name", "currency", "date", "source")) and (
        tokens is None or all(isinstance(tokens.get(kind), int | float) for kind in TOKENS)
    )


def _tokens(given: Any) -> dict[str, Any]:
    """The two prices of tokens as they were given, {} for none; raises BenchError for one alone, or another key."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BenchError(
            f"price.per_million={given!r} must be two prices, of what is read and of what is written: "
            "price.per_million.prompt=0.15 price.per_million.completion=0.6"
        )
    if unknown := [key for key in given if key not in TOKENS]:
        raise BenchError(f"price.per_million.{unknown[0]} is no price of tokens; known: {', '.join(TOKENS)}")
    said = {kind: given.get(kind) for kind in TOKENS}
    missing = [kind for kind, value in said.items() if value is None]
    if len(missing) == 1:
        raise BenchError(f"price.per_million.{missing[0]} is missing; an endpoint has a price for both kinds of tokens")
    return {} if missing else said


_TOO_LITTLE = {
    "per_hour": f"is less than {LEAST} an hour, a cost of nothing; a price per second is 3,600 times that per hour",
    "per_million": f"is less than {LEAST} for a million tokens, a cost of nothing; a price per token is given times a million",
}


def _number(given: Any, key: str, notes: list[str], least: float) -> float:
    """The price as a number; a text that can only mean one is read, and `notes` get a line that says so."""
    value = given
    if isinstance(given, str):
        text = given.strip()
        if not _NUMBER.fullmatch(text) or _GROUPED.fullmatch(text):
            raise BenchError(
                f"price.{key}={given[:80]!r} is a text that is no plain number; give the figure alone, with a point, without "
                "signs of percent or currency, as in 0.38"
            )
        value = float(text)
        notes.append(f"price.{key} was given as the text {given!r}; it is read as {value:g}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BenchError(f"price.{key}={given!r} is no number; give one such as 0.38")
    if not math.isfinite(value) or value < 0:
        raise BenchError(f"price.{key}={value} must be a finite number above 0")
    if value < least:
        raise BenchError(f"price.{key}={value} {_TOO_LITTLE[key.partition('.')[0]]}")
    if value > MOST:
        raise BenchError(f"price.{key}={value} is more than {MOST:,.0f}, which nothing costs; correct it")
    return float(value)


def _currency(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise BenchError("price.currency is missing; give its three letters, as in price.currency=USD")
    if given not in CURRENCIES:
        known = given.strip().upper()
        hint = f"; did you mean {known}?" if known in CURRENCIES else ", as in USD, EUR or CNY"
        raise BenchError(f"price.currency={given[:40]!r} is none of ISO 4217's codes of three capital letters{hint}")
    return given


def day(given: Any) -> str:
    """The day since when a price holds, as ISO 8601 writes it; raises BenchError for none, one that is not, or is to come."""
    if given is None or given == "":
        raise BenchError("price.date is missing; a price holds on a day: give it as in price.date=2026-11-01")
    text = given.isoformat() if type(given) is datetime.date else str(given)
    try:
        found = datetime.date.fromisoformat(text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else "")
    except ValueError:
        raise BenchError(
            f"price.date={text[:40]!r} is no day; give year, month and day as in price.date=2026-11-01"
        ) from None
    if found > (datetime.datetime.now(datetime.UTC) + _AHEAD).date():
        raise BenchError(f"price.date={text} is still to come; give the day on which the price was seen")
    if found < _EARLIEST:
        raise BenchError(f"price.date={text} is before {_EARLIEST}; give the day on which the price was seen")
    return text


def _source(given: Any) -> str:
    text = given.strip() if isinstance(given, str) else ""
    if not any(sign.isalpha() for sign in text):
        raise BenchError("price.source is missing; say in words where the price stands: a page, a contract, a bill")
    if problem := name_problem(text, _LONGEST_SOURCE):
        raise BenchError(f"price.source {problem}; give one line of text")
    return clean(text)
