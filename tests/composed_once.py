"""What the commands of all tests in one process ask of the configuration again and again is composed once, and copied."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from bench.config import compose
from bench.errors import BenchError

_State = tuple[tuple[str, bytes], ...]


def install() -> None:
    """Have `compose` remember, for the rest of this process, whatever came out well; what is refused is refused anew."""
    compose._composed = _remembered(compose._composed, lambda overrides: tuple(overrides))  # type: ignore[attr-defined]
    compose.names = _remembered(compose.names, lambda group: group)


def _remembered(make: Callable[[Any], Any], key_of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`make` with a memory; its key holds all files of the folders that are not shipped, for tests write and edit those."""
    known: dict[Any, Any] = {}

    @wraps(make)
    def remembering(asked: str | Sequence[str]) -> Any:
        if isinstance(asked, str) or not any("hydra" in word for word in asked):  # hydra.searchpath: files of elsewhere
            try:
                key = (key_of(asked), _own_files())
            except (OSError, BenchError):
                return make(asked)
            if key not in known:
                known[key] = copy.deepcopy(make(asked))
            return copy.deepcopy(known[key])
        return make(asked)

    return remembering


def _own_files() -> _State:
    """Name and content of every file that `BENCH_CONF` and installed packages add."""
    *own, shipped = compose.conf_dirs()
    found = [(str(shipped), b"")]
    for folder in own:
        found += [(str(path), path.read_bytes()) for path in sorted(folder.rglob("*.yaml")) if path.is_file()]
        found.append((str(folder), b""))
    return tuple(found)
