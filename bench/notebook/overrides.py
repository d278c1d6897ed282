"""Keyword arguments as the overrides that a command line has: `device={"kind": "cpu"}` is device.kind=cpu."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.config.compose import GROUPS
from bench.config.overrides import override
from bench.errors import BenchError

_KEY = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_ELSEWHERE = {
    "shard": "`bench run shard=` answers a part of a run, which has no scores yet",
    "launch": "`bench run launch=` has other processes answer",
    "suite": "`bench run suite=` runs several tasks; call evaluate once for each",
    "task": "the first argument names the task",
}


def overrides_of(given: Mapping[str, Any], *, model_is_made: bool) -> list[str]:
    """The overrides that keyword arguments mean; raises BenchError for one that means nothing here."""
    found: list[str] = []
    for key, value in given.items():
        if not _KEY.fullmatch(key):
            raise BenchError(f"{key!r} is not a key of the configuration, such as seed, batch_size or device.kind")
        group = key.partition(".")[0]
        if group in _ELSEWHERE:
            raise BenchError(f"evaluate takes no {key}=: {_ELSEWHERE[group]}")
        if group == "model" and model_is_made:
            raise BenchError(f"{key}= is a setting of a model in conf/model; an object or function has its own")
        found += _words(key, value)
    for word in found:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            raise BenchError(f"{word!a} is not UTF-8, and a record could not hold it; correct it")
    return found


def _words(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str) or not _KEY.fullmatch(name):
                raise BenchError(f"{key}: {name!r} is not a key of the configuration; correct it")
            yield from _words(f"{key}.{name}", one)
    elif isinstance(value, str | Path) and key in GROUPS:
        if not re.fullmatch(r"[\w.-]+", str(value)):
            raise BenchError(f"{key}={value!r}: a {key}'s name is that of its file in conf/{key}")
        yield f"{key}={value}"
    elif isinstance(value, str | Path):
        yield override(key, value)
    else:
        yield f"{key}={_shown(key, value)}"


def _shown(key: str, value: Any) -> str:
    """A value in Hydra's grammar."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        if not math.isfinite(value):
            raise BenchError(f"{key}={float(value)} must be a finite number")
        return repr(float(value))
    if isinstance(value, str | Path):
        return override("x", value).removeprefix("x=")
    if isinstance(value, list | tuple):
        return f"[{','.join(_shown(key, one) for one in value)}]"
    raise BenchError(
        f"{key}= is of type {type(value).__name__}; give a text, a number, True, False, None, a list, or a dict of these"
    )
