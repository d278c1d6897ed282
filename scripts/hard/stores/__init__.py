"""Stores that go away, are slow, locked, full, of another schema, exchanged, and shared by many processes, with the real MLflow."""

from __future__ import annotations

import time
from collections.abc import Iterator

from scripts.hard.row import Row, Scale, say
from scripts.hard.stores import cut, databases, down, exchanged, forked, many, postgres, schemas


def tried(scale: Scale) -> Iterator[Row]:
    """Every fault of a store."""
    forked.warm(scale.folder)
    for part in (down, cut, databases, schemas, exchanged, many, postgres):
        began = time.monotonic()
        yield from part.tried(scale)
        say(f"stores: {part.__name__.rpartition('.')[2]} took {time.monotonic() - began:.0f} s")
