"""What each line of a timing's raw file may hold: its keys, and of each the values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from bench.timing.percentiles import ENOUGH
from bench.timing.settings import RULES, SCENARIOS
from bench.types import FINISHES, Json, is_token_count

FORM = 1
WHY = ("done", "examples", "limit", "capacity", "bound")  # it was ended: see `bench/timing/verdict.py`
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?\+00:00")


def fit(what: str, found: Json, form: Mapping[str, Callable[[Json], bool]]) -> None:
    """Raise ValueError where an object has not just these keys, each as it must be; one with ? may be absent."""
    if not isinstance(found, dict):
        raise TypeError(f"{what} is a {type(found).__name__}, expected an object")
    known = {name.rstrip("?"): (check, name.endswith("?")) for name, check in form.items()}
    for name, value in found.items():
        if name not in known:
            raise ValueError(f"{what} has a key {name!r}, which it may not have")
        if not known[name][0](value):
            raise ValueError(f"{what}.{name} is {repr(value)[:80]}")
    for name, (_, optional) in known.items():
        if name not in found and not optional:
            raise ValueError(f"{what}.{name} is missing")


def _is_number(value: Json) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def is_seconds(value: Json) -> bool:
    """Whether it is a time that a measurement may have."""
    return _is_number(value) and 0 <= value < 1e8


def _is_count(value: Json) -> bool:
    return type(value) is int and 0 <= value < 2**53


def is_rank(value: Json) -> bool:
    """Whether it is the rank of a percentile that is reported."""
    return type(value) is int and value in ENOUGH


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and len(value) <= 2000


def _is_switch(value: Json) -> bool:
    return isinstance(value, bool)


def _is_rate(value: Json) -> bool:
    return _is_number(value) and 0 < value <= 1e9


def _or_none(check: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: value is None or check(value)


def _among(*known: Any) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, str) and value in known


def _is_times(value: Json) -> bool:
    return isinstance(value, list) and len(value) <= 10_000 and all(map(is_seconds, value))


def _is_ids(value: Json) -> bool:
    return isinstance(value, list) and len(value) <= 10_000 and all(map(_is_text, value))


def _is_lines(value: Json) -> bool:
    return isinstance(value, list) and len(value) <= 100 and all(map(_is_text, value))


def _is_audit(value: Json) -> bool:
    if value is None:
        return True
    fit("audit.same_answers", value, _SAME)
    return bool(value["differ"] <= value["unlike"] <= value["n"])


def _is_cache(value: Json) -> bool:
    if value is None:
        return True
    fit("audit.cache", value, {"distinct": _is_times, "repeated": _is_times, "seen": _is_times, "fresh": _is_times})
    return bool(0 < len(value["distinct"]) == len(value["repeated"]) and len(value["seen"]) == len(value["fresh"]))


HEADER = {
    "form": lambda value: value == FORM and type(value) is int, "scenario": _among(*SCENARIOS),
    "settings": lambda value: isinstance(value, dict), "environment": lambda value: isinstance(value, dict),
    "started": lambda value: isinstance(value, str) and _TIME.fullmatch(value) is not None, "clock": _is_text,
}  # fmt: skip
SETTINGS = {
    "rules": _among(*RULES), "qps": _or_none(_is_rate), "bound": lambda value: value is None or isinstance(value, dict),
    "percentile": is_rank, "min_seconds": is_seconds, "min_count": _is_count, "limit_seconds": is_seconds,
    "warmup": _is_count, "seed": lambda value: type(value) is int and 0 <= value <= 2**64, "server_batch": _is_count,
    "alone": _is_switch, "audit": _is_switch, "n_examples": _is_count, "at_once": _is_switch,
}  # fmt: skip
ENVIRONMENT = {
    "device": _is_text, "device_name": _is_text, "dtype": _is_text, "threads": _or_none(_is_count), "cpu": _is_text,
    "load": _or_none(is_seconds),
}  # fmt: skip
ANSWER = {
    "id": lambda value: isinstance(value, str), "place": _is_count, "scheduled": is_seconds, "issued": is_seconds,
    "first": _or_none(is_seconds), "ended": is_seconds, "prompt_tokens": is_token_count, "new_tokens": is_token_count,
    "finish": _among(*FINISHES), "heard?": is_token_count, "last?": is_seconds, "error?": lambda value: isinstance(value, str),
}  # fmt: skip
_SAME = {
    "n": _is_count, "unlike": _is_count, "differ": _is_count, "worse": _or_none(_is_text), "ids": _is_ids,
}  # fmt: skip
NOTES: dict[str, Mapping[str, Callable[[Json], bool]]] = {
    "load": {"seconds": is_seconds},
    "warmup": {"n": _is_count, "seconds": is_seconds},
    "probe": {"number": _is_count, "qps": _is_rate},
    "probed": {"number": _is_count, "why": _among(*WHY)},
    "clock": {
        "seconds": is_seconds,
        "suspended": is_seconds,
        "backwards": is_seconds,
        "stopped": is_seconds,
        "kept_waiting": is_seconds,
    },
    "client": {"overhead_seconds": _or_none(is_seconds), "caveats?": _is_lines},
    "audit": {"same_answers": _is_audit, "cache": _is_cache},
    "end": {"why": _among(*WHY)},
}
