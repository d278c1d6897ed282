"""A turn at a SQLite store: processes of one machine log one behind the other, where SQLite itself lets some starve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.tracking import empty
from bench.tracking.locks import locked


@contextmanager
def turn(uri: str) -> Iterator[None]:
    """Wait until no other process here is at this store; at once where it is no SQLite file, or no lock can be had."""
    file = empty.file_of(uri)
    with ExitStack() as held:
        if file is not None:
            held.enter_context(locked(file.with_name(f".{file.name}.lock")))
        yield
