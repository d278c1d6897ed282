"""Stores that go away, are slow, locked, full, of another schema, exchanged, and shared by many processes, with the real MLflow."""

from __future__ import annotations

import time
from collections.abc import Iterator

from scripts.hard import forked
from scripts.hard.row import Row, Scale, say
from scripts.hard.stores import cut, databases, down, exchanged, many, postgres, schemas, shared


def tried(scale: Scale) -> Iterator[Row]:
    """Every fault of a store."""
    forked.warm(scale.folder)
    # One store for a lab takes half a minute to start, so that the short version leaves it out.
    parts = (down, cut, databases, schemas, exchanged, many, postgres, *((shared,) if scale.long else ()))
    for part in parts:
        began = time.monotonic()
        yield from part.tried(scale)
        say(f"stores: {part.__name__.rpartition('.')[2]} took {time.monotonic() - began:.0f} s")
