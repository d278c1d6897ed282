"""Files as they are: each with its sha256 and with what tells, without reading it again, that it is still the same."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.artifacts.digest import cache_dir
from bench.disk import write_atomically
from bench.errors import BenchError

ABSENT = "absent"
_CHECK = ""  # the name of no file
_FRESH_SECONDS = 2.0  # a file that changed so lately may change again within the clock's step, unseen
State = tuple[int, int, int, int]


@dataclass(frozen=True)
class Seal:
    """A file's sha256 and its state: size, time of change of content and of entry (ns), inode; ABSENT and None for no file."""

    sha256: str
    state: State | None


class Sealer:
    """Seals files, each once. Digests are kept in the cache by folder, so that a page of a data set is hashed once for all runs."""

    def __init__(self) -> None:
        self.sealed: dict[Path, Seal] = {}
        self._kept: dict[Path, dict[str, list[str | int]]] = {}
        self._new: set[Path] = set()

    def seal(self, path: Path) -> Seal:
        """The file's seal. That of a file which is not there or cannot be read says so: who reads it will fail by it."""
        if (found := self.sealed.get(path)) is not None:
            return found
        state = state_of(path)
        if state is None:
            self.sealed[path] = Seal(ABSENT, None)
            return self.sealed[path]
        if path.parent not in self._kept:
            self._kept[path.parent] = _known(_place(path.parent))
        known = self._kept[path.parent]
        kept = known.get(path.name)
        if kept is None or tuple(kept[1:]) != state:
            kept = [_sha256(path), *state]
            if time.time() - max(state[1], state[2]) / 1e9 > _FRESH_SECONDS:
                known[path.name] = kept
                self._new.add(path.parent)
        self.sealed[path] = Seal(str(kept[0]), state)
        return self.sealed[path]

    def keep(self) -> None:
        """Write what is new into the cache."""
        for folder in self._new:
            place = _place(folder)
            with suppress(OSError):  # a cache that cannot be written costs time only
                place.parent.mkdir(parents=True, exist_ok=True)
                kept = self._kept[folder]
                text = json.dumps({**kept, _CHECK: [_check(place, kept)]}, separators=(",", ":"))
                write_atomically(place, text + "\n")
        self._new.clear()


def refuse_changed(sealed: Mapping[Path, Seal]) -> None:
    """Raise BenchError for the first of these files that is gone or no longer the one that was sealed."""
    for path, seal in sealed.items():
        found = state_of(path)
        if found != seal.state and (found is None or _sha256(path) != seal.sha256):
            what = "disappeared" if found is None else "changed" if seal.state else "appeared"
            raise BenchError(
                f"{path} {what} while the run was at it; what was answered before is kept: put it back as it was and run the same "
                "command again (other bytes make another run)"
            )


def seal_read(sealer: Sealer, read: Mapping[Path, State | None], kept: dict[Path, Seal]) -> dict[Path, Seal]:
    """The seals of files that were read just now, each with its state before, and of those whose content was `kept` from before.

    They are kept from now on, too. Raises BenchError for the first that is no longer the one that was read.
    """
    there = {path for path, state in read.items() if state is not None}  # one that has gone since is sealed as absent
    seals = {path: sealer.seal(path) for path in sorted({*kept, *there})}
    for path, seal in seals.items():
        same = seal.state == read[path] if path in read else seal.sha256 == kept[path].sha256
        if not same:
            what = "changed" if seal.state else "disappeared"
            raise BenchError(
                f"{path} {what} while it was read; wait until nothing writes it, and run the same command again"
            )
    kept.update(seals)
    return seals


def _place(folder: Path) -> Path:
    return cache_dir() / "seals" / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]}.json"


def _known(place: Path) -> dict[str, list[str | int]]:
    """The seals of a folder's files; none where the file is damaged: they are sealed again."""
    try:
        found: dict[str, list[str | int]] = json.loads(place.read_text(encoding="utf-8"))
        (check,) = found.pop(_CHECK)
        sound = check == _check(place, found) and all(len(kept) == 5 for kept in found.values())
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return {}
    return found if sound else {}


def _check(place: Path, kept: Mapping[str, list[str | int]]) -> str:
    """What shows that seals are as they were written: another digest in them would make another run, unseen."""
    return hashlib.sha256(json.dumps([place.name, kept], sort_keys=True).encode()).hexdigest()[:16]


def state_of(path: Path) -> State | None:
    """What tells whether a file is still the one it was; None where there is no file that can be read."""
    try:
        found = path.stat()
    except OSError:
        return None
    readable = path.is_file() and os.access(path, os.R_OK)
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino) if readable else None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); check the file and its disk") from None
