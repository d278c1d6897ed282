"""`bench.lock`: what a source without a pin of its own was when it was first fetched.

A JSON object in the folder where `bench` runs, to be committed beside the results: {URI: {"revision", "sha256", "fetched"}}.
From then on that revision or digest is asked for, and another one is refused.
"""

from __future__ import annotations

import datetime
import json
import os
from contextlib import ExitStack, suppress
from pathlib import Path

from bench.artifacts import turn
from bench.disk import write_atomically
from bench.errors import BenchError
from bench.text.shown import tell


def path() -> Path:
    """Where the pins are kept: `BENCH_LOCK`, else ./bench.lock."""
    return Path(os.environ.get("BENCH_LOCK") or "bench.lock")


def pins() -> dict[str, dict[str, str]]:
    """All pins by URI; raises BenchError when the file is damaged."""
    try:
        found = json.loads(path().read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not all(map(_is_pin, found.values())):
            raise ValueError("expected an object of pins, each of texts")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(f"{path()} cannot be read ({error}); restore it, or delete it to pin anew") from None
    return found


def _is_pin(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(value, str) for value in found.values())


def pinned(uri: str, key: str) -> str | None:
    """The `revision` or `sha256` that this source was pinned at, None before its first fetch."""
    return pins().get(uri, {}).get(key)


def pin(uri: str, **values: str) -> None:
    """Keep what a source was at its first fetch, and say so: nobody has checked that it is the right one."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    with ExitStack() as alone:
        with suppress(OSError):  # without a cache that can be written nobody else pins anything either
            alone.enter_context(turn.held(path(), "pinning a source in", str(path())))
        text = json.dumps(pins() | {uri: {**values, "fetched": today}}, indent=1, sort_keys=True) + "\n"
        try:
            write_atomically(path(), text)
        except OSError as error:
            raise BenchError(
                f"{path()} cannot be written ({error.strerror}); set BENCH_LOCK to a writable file"
            ) from None
    shown = ", ".join(f"{key} {value[:16]}…" for key, value in values.items())
    tell(f"bench: {uri} is pinned at {shown} in {path()}; it was not checked before", err=True)
