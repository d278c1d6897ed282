"""Stores that go away, are slow, locked, full, of another schema, exchanged, and shared by many processes, with the real MLflow."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.hard.row import Row, Scale
from scripts.hard.stores import cut, databases, down, exchanged, forked, many, postgres


def tried(scale: Scale) -> Iterator[Row]:
    """Every fault of a store."""
    forked.warm()
    for part in (down, cut, databases, exchanged, many, postgres):
        yield from part.tried(scale)
