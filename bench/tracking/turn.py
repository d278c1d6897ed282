"""A turn at a SQLite store: processes of one machine log one behind the other, where SQLite itself lets some starve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.tracking import empty
from bench.tracking.locks import locked

_ours = set[Path]()  # the stores at which this process has its turn, and need not wait for itself


@contextmanager
def turn(uri: str) -> Iterator[None]:
    """Wait until no other process here is at this store; at once where it is no SQLite file, or no lock can be had."""
    file = empty.file_of(uri)
    if file is None or file.absolute() in _ours:
        yield
        return
    with locked(file.with_name(f".{file.name}.lock")):
        _ours.add(file.absolute())
        try:
            yield
        finally:
            _ours.discard(file.absolute())
