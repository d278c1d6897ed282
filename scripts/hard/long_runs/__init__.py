"""Many examples, many answers: what a run takes of memory, files and time does not grow with them, no fault costs an answer."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.hard.long_runs import faults, memory
from scripts.hard.row import Row, Scale


def tried(scale: Scale) -> Iterator[Row]:
    """The rows of memory, then those of a run with faults in it."""
    yield from memory.tried(scale)
    yield from faults.tried(scale)
