"""The cache, and runs without a network: many processes at once, kills, faults of servers and disks, changed bytes, no sockets."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from scripts.hard.offline import closed, crowd, faults, flips, kills
from scripts.hard.offline.served import serving
from scripts.hard.offline.warm import Warm
from scripts.hard.row import Row, Scale


def tried(scale: Scale) -> Iterator[Row]:
    """All of them."""
    with ThreadPoolExecutor(1) as beside:
        later = beside.submit(lambda: list(closed.tried(scale)))  # while the others wait for a slow server
        with serving() as server, Warm(scale.folder / "warm", torch=scale.long) as warm:
            for part in (crowd, kills, faults, flips):
                yield from part.tried(scale, server, warm)
        yield from later.result()
