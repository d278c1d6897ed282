"""What is made once and kept in the cache: converted weights, rendered pages, sounds and films, unpacked bundles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.artifacts import kept
from bench.artifacts.turn import turn
from bench.text.shown import tell


def made(place: Path, doing: str, name: str, make: Callable[[Path], None]) -> Path:
    """`place` in the cache: made by `make(draft)` in one process where it is not there, or is not what was made.

    `doing` and `name` say to those who wait what is done ("rendering", "page 7-3"). What was exchanged or damaged is made anew, in
    one line. Raises OSError where the cache cannot be written, and whatever `make` raises.
    """
    if is_there(place):
        return place
    if place.exists():
        tell(f"bench: {place} is not what was made; it is made anew", err=True)
    with turn(place, doing, name) as folder:
        if not is_there(place):  # else another process has made it meanwhile
            draft = folder / place.name
            make(draft)
            kept.put(draft, place)
    return place


def is_there(place: Path) -> bool:
    """Whether it was made and is still what was made."""
    return place.exists() and kept.is_as_it_was(place)
