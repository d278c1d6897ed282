"""The sha256 of files and folders, and the cache in which it is kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from pathlib import Path

from bench.disk import write_atomically

_DIGEST = re.compile(rb"[0-9a-f]{64}")  # what the cache holds else was damaged, and is made again
LARGE = 8 * 1024 * 1024  # bytes from which a digest is worth keeping


def digest(path: Path) -> str:
    """The sha256 of a file; of a folder, that of its lines "<sha256>  <relative path>" in order of path."""
    if path.is_dir():
        # What Python compiled on import and a clone's history are not part of what was published.
        inside = {file: set(file.relative_to(path).parts) for file in path.rglob("*") if file.is_file()}
        files = sorted(file for file, parts in inside.items() if not parts & {"__pycache__", ".git"})
        lines = [f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    known = _known_digest(path)
    if known is not None and known.exists() and _DIGEST.fullmatch(kept := known.read_bytes()):
        return kept.decode()
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if known is not None:
        with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
            known.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(known, found)
    return found


def _known_digest(path: Path) -> Path | None:
    """Where the digest of a large file is kept for as long as its size and times stay; None for a small or fresh file.

    A file that changed in the last seconds may change again within the clock's step, unseen.
    """
    state = path.stat()
    if state.st_size < LARGE or time.time() - max(state.st_mtime, state.st_ctime) < 2:
        return None
    key = f"{path.resolve()}\n{state.st_size}\n{state.st_mtime_ns}\n{state.st_ctime_ns}\n{state.st_ino}"
    return cache_dir() / "digests" / hashlib.sha256(key.encode()).hexdigest()


def cache_dir() -> Path:
    """Where fetched and converted files are kept: `BENCH_CACHE`, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("BENCH_CACHE") or Path(home) / "finai-bench")


def derived(sha256: str, kind: str) -> Path:
    """Where what was converted from a source with this digest is kept (`kind` names the conversion)."""
    return cache_dir() / "derived" / f"{sha256[:16]}-{kind}"
