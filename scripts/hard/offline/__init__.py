"""The cache, and runs without a network: many processes at once, kills, faults of servers and disks, changed bytes, no sockets."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.hard.offline import closed, crowd, faults, flips, kills
from scripts.hard.offline.served import serving
from scripts.hard.row import Row, Scale


def tried(scale: Scale) -> Iterator[Row]:
    """All of them."""
    with serving() as server:
        yield from crowd.tried(scale, server)
        yield from kills.tried(scale, server)
        yield from faults.tried(scale, server)
        yield from flips.tried(scale, server)
    yield from closed.tried(scale)
