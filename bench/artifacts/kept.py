"""What was put into the cache: a record of each thing says by its files' digests whether it is still that, whoever writes there.

A record lies in `records` under the thing's name in the cache, so that a cache that is copied keeps it. At each use a file's size,
times and inode are held against the record, and it is read again where they differ; `read_all` reads every byte.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.artifacts.digest import cache_dir, digest, files_in, of_folder
from bench.disk import draft_of, write_atomically
from bench.errors import BenchError

_FRESH_SECONDS = 2.0  # a file that changed so lately may change again within the clock's step, unseen
_DAMAGED = "damaged"
Entry = list[Any]  # sha256, then size, times of content and entry (ns) and inode where they may be trusted


@dataclass(frozen=True)
class Kept:
    """One thing of the cache: where it lies, its record, its number of bytes, and what is `wrong` with it, "" for nothing."""

    path: Path
    record: Path
    n_bytes: int
    wrong: str = ""


def put(found: Path, place: Path) -> None:
    """Move what was brought or made to its place in the cache, over what lay there; its record is written before."""
    place.parent.mkdir(parents=True, exist_ok=True)
    _write(place, _entries(found))
    if place.is_dir():  # nothing replaces a folder that holds something
        place.rename(found.with_name(f"{found.name}.old"))
    try:
        os.replace(found, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = draft_of(place)  # a part of the cache lies on another disk
        shutil.copytree(found, beside) if found.is_dir() else shutil.copyfile(found, beside)
        os.replace(beside, place)


def is_as_it_was(path: Path) -> bool:
    """Whether a file or folder of the cache is what was put there; what has no record gets one now."""
    return not wrong_with(path)


def refuse_exchanged(path: Path, uri: str) -> None:
    """Raise BenchError where what lies in the cache is no longer what was put there; the line says which file."""
    wrong = wrong_with(path)
    if wrong == _DAMAGED:
        raise BenchError(
            f"{uri}: {_place(path)} is damaged, which says what {path} was when it was fetched; delete both and fetch it again"
        )
    if wrong:
        which = f" ({wrong})" if path.is_dir() else ""
        raise BenchError(f"{uri} in the cache is not what was fetched{which}; delete {path} and fetch it again")


def note(path: Path) -> None:
    """Give a record to what has none, or a damaged one, and was found by its pin to be what it should."""
    if not isinstance(_read(path), dict):
        _write(path, _entries(path))


def wrong_in_cache(path: Path) -> str:
    """As `wrong_with`, of a file or folder that need not be of the cache: "" where nothing is known of it."""
    return wrong_with(path) if isinstance(_read(path), dict) else ""


def wrong_with(path: Path, *, whole: bool = False) -> str:
    """What is no longer as it was put there, "" for nothing; with `whole` every byte is read, whatever the times say."""
    known = _read(path)
    if known is None:
        now = _entries(path)
        if (before := _earlier(path)) is not None and before != _sha256(now, path):
            return f"{path} is changed"
        _write(path, now)
        return ""
    if isinstance(known, str):
        return known
    found, again = _files(path), {}
    for name in sorted({*found, *known}):
        if name not in known or name not in found:
            return f"{path / name} is {'missing' if name in known else 'new'}"
        entry = again[name] = _entry(found[name], known[name], whole=whole)
        if entry[0] != known[name][0]:
            return f"{found[name]} is changed"
    if again != known:
        _write(path, again)
    return ""


def read_all() -> Iterator[Kept]:
    """Everything in the cache that has a record, each file read to its end."""
    home = cache_dir()
    for record in sorted((home / "records").glob("*.json")):
        path = _path_of(record)
        if path is None:
            yield Kept(record, record, 0, f"{record} is damaged")
        elif path.exists():  # what was deleted may be
            wrong = wrong_with(path, whole=True)
            n_bytes = sum(file.stat().st_size for file in _files(path).values())
            yield Kept(path, record, n_bytes, f"{record} is damaged" if wrong == _DAMAGED else wrong)


def _files(path: Path) -> dict[str, Path]:
    """The files of a thing by relative path; a file alone is called ""."""
    return files_in(path) if path.is_dir() else {"": path} if path.is_file() else {}


def _entries(path: Path) -> dict[str, Entry]:
    return {name: _entry(file, [], whole=False) for name, file in _files(path).items()}


def _entry(file: Path, known: Entry, *, whole: bool) -> Entry:
    """What is to be said of a file now: what is known of it where its state is the same, else its digest anew."""
    found = file.stat()
    state = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
    if known[1:] == state and not whole:
        return known
    fresh = time.time() - max(state[1], state[2]) / 1e9 < _FRESH_SECONDS
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest() if whole else digest(file)
    return [sha256] if fresh else [sha256, *state]


def _sha256(entries: dict[str, Entry], path: Path) -> str:
    return of_folder({name: entry[0] for name, entry in entries.items()}) if path.is_dir() else entries[""][0]


def _name(path: Path) -> str:
    """The thing's name: its path in the cache."""
    found, home = path.resolve(), cache_dir().resolve()
    return found.relative_to(home).as_posix() if found.is_relative_to(home) else str(found)


def _place(path: Path) -> Path:
    return cache_dir() / "records" / f"{hashlib.sha256(_name(path).encode()).hexdigest()[:32]}.json"


def _earlier(path: Path) -> str | None:
    """The digest that an earlier version kept under the thing's whole path."""
    try:
        found = (cache_dir() / "kept" / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]).read_bytes()
    except OSError:
        return None
    return found.decode("ascii", "replace")


def _write(path: Path, entries: dict[str, Entry]) -> None:
    place, name = _place(path), _name(path)
    text = json.dumps({"path": name, "files": entries, "check": check(name, entries)}, separators=(",", ":"))
    with contextlib.suppress(OSError):  # a cache that cannot be written holds nothing new either
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, text + "\n")


def _read(path: Path) -> dict[str, Entry] | str | None:
    """The entries of the thing's record, None where there is none; `_DAMAGED`."""
    try:
        found = json.loads(_place(path).read_bytes())
        entries: dict[str, Entry] = found["files"]
        return entries if found["check"] == check(_name(path), entries) else _DAMAGED
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return _DAMAGED


def _path_of(record: Path) -> Path | None:
    """The thing that a record is of; None where it does not say so any more."""
    try:
        path = cache_dir() / str(json.loads(record.read_bytes())["path"])
        return path if _place(path) == record else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def check(name: str, entries: Any) -> str:
    """What shows that a record is as it was written."""
    return hashlib.sha256(json.dumps([name, entries], sort_keys=True).encode()).hexdigest()[:16]
