"""What was put into the cache, by its digest: whether it is still that, whoever else can write there."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from bench.artifacts.digest import cache_dir, digest
from bench.disk import write_atomically
from bench.errors import BenchError


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
    return place.read_bytes() == found.encode()  # what is no text is no digest


def refuse_exchanged(path: Path, uri: str) -> None:
    """Raise BenchError where what lies in the cache is no longer what was put there."""
    if not is_as_it_was(path):
        raise BenchError(f"{uri} in the cache is not what was fetched; delete {path} and fetch it again")


def put(found: Path, path: Path, *, as_model: bool) -> None:
    """Move what was brought to its place in the cache; of a model its digest is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = digest(found) if as_model else ""
    try:
        os.replace(found, path)
    except OSError:
        if not path.exists():  # else another process was quicker with the same content
            raise
    else:
        if own:
            remember(path, own)


def _place(path: Path) -> Path:
    return cache_dir() / "kept" / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]
