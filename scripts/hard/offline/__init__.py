"""The cache, and runs without a network: many processes at once, kills, faults of servers and disks, changed bytes.

`closed` is a part of its own: commands without a network.
"""

from __future__ import annotations

from collections.abc import Iterator

from scripts.hard.offline import crowd, faults, flips, kills
from scripts.hard.offline.served import serving
from scripts.hard.offline.warm import Warm
from scripts.hard.row import Row, Scale


def tried(scale: Scale) -> Iterator[Row]:
    """All of them; the process that forks commands is there before the server, so that none of them has its connections."""
    with Warm(scale.folder / "commands", torch=scale.long) as warm, serving() as server:
        for part in (crowd, kills, faults, flips):
            yield from part.tried(scale, server, warm)
