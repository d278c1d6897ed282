"""The JSON files of a checkpoint, which a stranger wrote: read within bounds, and looked through at any depth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.errors import BenchError
from bench.types import Json

MOST_JSON_BYTES = 16 * 1024**2  # of a configuration or of an index of shards


def json_object(path: Path, uri: str) -> Mapping[str, Json]:
    """The JSON object in a checkpoint's file; raises BenchError when it is none, damaged or too long."""
    try:
        if not path.is_file():  # a pipe would be waited for
            raise ValueError("it is no file")
        if path.stat().st_size > MOST_JSON_BYTES:
            raise ValueError(f"more than {MOST_JSON_BYTES:,} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise BenchError(f"{uri}: {path.name} cannot be read ({reason}); copy it again") from None
    return found


def pairs(value: Json) -> Iterator[tuple[str, Json]]:
    """Every key with its value, at any depth."""
    for key, inside in (
        value.items() if isinstance(value, Mapping) else enumerate(value if isinstance(value, list) else ())
    ):
        yield str(key), inside
        yield from pairs(inside)


def strings(value: Json) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    for _, inside in pairs(value):
        if isinstance(inside, str):
            yield inside
