"""What was put into the cache, by its digest: whether it is still that, whoever else can write there."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from bench.artifacts.digest import cache_dir, digest
from bench.disk import write_atomically


def remember(path: Path, sha256: str) -> None:
    """Keep the digest of a file or folder that has just been put into the cache."""
    place = _place(path)
    with contextlib.suppress(OSError):  # a cache that cannot be written holds nothing new either
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, sha256)


def is_as_it_was(path: Path) -> bool:
    """Whether a file or folder of the cache has the digest that was kept; what has none gets it now."""
    found, place = digest(path), _place(path)
    if not place.is_file():
        remember(path, found)
        return True
    return place.read_text() == found


def _place(path: Path) -> Path:
    return cache_dir() / "kept" / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]
