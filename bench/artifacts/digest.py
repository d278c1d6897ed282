"""The sha256 of files and folders, and the cache in which it is kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from bench.disk import write_atomically

LARGE = 8 * 1024 * 1024  # bytes from which a digest is worth keeping


def digest(path: Path) -> str:
    """The sha256 of a file; of a folder, that of its lines "<sha256>  <relative path>" in order of path."""
    if path.is_dir():
        return of_folder({name: digest(file) for name, file in files_in(path).items()})
    known = _known_digest(path)
    if known is not None and (kept := _read(known)):
        return kept
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if known is not None:
        with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
            known.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(known, f"{found} {_check(known, found)}\n")
    return found


def files_in(folder: Path) -> dict[str, Path]:
    """The files of a folder by their relative path, in the order of paths.

    What Python compiled on import and a clone's history are not part of what was published.
    """
    inside = {file: file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    found = sorted(file for file, name in inside.items() if not set(name.parts) & {"__pycache__", ".git"})
    return {inside[file].as_posix(): file for file in found}


def of_folder(digests: Mapping[str, str]) -> str:
    """The digest of a folder, from those of its files by relative path, in the order of paths."""
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for name, sha256 in digests.items()).encode()).hexdigest()


def _known_digest(path: Path) -> Path | None:
    """Where the digest of a large file is kept for as long as its size and times stay; None for a small or fresh file.

    A file that changed in the last seconds may change again within the clock's step, unseen.
    """
    state = path.stat()
    if state.st_size < LARGE or time.time() - max(state.st_mtime, state.st_ctime) < 2:
        return None
    key = f"{path.resolve()}\n{state.st_size}\n{state.st_mtime_ns}\n{state.st_ctime_ns}\n{state.st_ino}"
    return cache_dir() / "digests" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.sha256"


def _read(known: Path) -> str:
    """The digest that is kept there; "" where there is none, or one that is damaged: the file is then hashed again."""
    try:
        found, _, check = known.read_bytes().decode("ascii").rstrip("\n").partition(" ")
    except (OSError, ValueError):
        return ""
    return found if check and check == _check(known, found) else ""


def _check(known: Path, sha256: str) -> str:
    return hashlib.sha256(f"{known.name} {sha256}".encode()).hexdigest()[:16]


def cache_dir() -> Path:
    """Where fetched and converted files are kept: `BENCH_CACHE`, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("BENCH_CACHE") or Path(home) / "finai-bench")


def derived(sha256: str, kind: str) -> Path:
    """Where what was converted from a source with this digest is kept (`kind` names the conversion)."""
    return cache_dir() / "derived" / f"{sha256[:16]}-{kind}"
