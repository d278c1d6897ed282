"""Entries of DAWNBench that were brought: kept below the runs directory as they came, in the layout of the competition."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.dawnbench_files import read_entries
from bench.data.dawnbench_format import Entry
from bench.disk import write_atomically
from bench.errors import BenchError

FOLDER = Path("dawnbench") / "entries"  # below the runs directory
NEW, SAME, REPLACED = "new", "already there", "replaced"


@dataclass(frozen=True)
class Kept:
    """What became of an entry: its place below `FOLDER`, and whether it is NEW, the SAME as one that is there, or REPLACED one."""

    place: str
    action: str


@dataclass(frozen=True)
class _Files:
    """The bytes of an entry; `tsv` is None for inference."""

    place: Path
    json: bytes
    tsv: bytes | None

    @property
    def digest(self) -> str:
        parts = (hashlib.sha256(part).hexdigest() if part is not None else "" for part in (self.json, self.tsv))
        return " ".join(parts)


def kept(runs_dir: Path) -> list[Entry]:
    """The entries that were brought, read by the rules of today; what these refuse is among them with its findings."""
    folder = runs_dir / FOLDER
    return read_entries(folder) if folder.is_dir() and any(folder.glob("*/*/*.json")) else []


def keep(entries: Iterable[Entry], runs_dir: Path, *, replaces: bool = False) -> list[Kept]:
    """Keep the entries that are not refused; what is there already, under whatever name, is left alone.

    Raises BenchError, before anything is written, where another entry has the same name and nothing is replaced, and where the
    folder cannot be written.
    """
    folder = runs_dir / FOLDER
    files = [_files(entry) for entry in entries if not entry.refused]
    there = {(one.place.parent, one.digest): one.place for one in map(_files, kept(runs_dir))}
    found = [
        Kept(str(there.get((one.place.parent, one.digest), one.place)), _action(one, folder, there)) for one in files
    ]
    _refuse_two(files)
    if (taken := [one.place for one in found if one.action == REPLACED]) and not replaces:
        more = f", nor have {len(taken) - 1} others" if len(taken) > 1 else ""
        raise BenchError(
            f"{taken[0]} is kept with another content{more}; --replace puts the new one in its place, or rename the file"
        )
    try:
        for one, said in zip(files, found, strict=True):
            if said.action != SAME:
                _write(folder / one.place, one)
    except OSError as error:
        raise BenchError(
            f"{error.filename or folder} cannot be written ({error.strerror}); name another --runs"
        ) from None
    return found


def _files(entry: Entry) -> _Files:
    path = entry.path
    if path is None:
        raise BenchError(f"{entry.file} was not read")
    tsv = path.with_suffix(".tsv")
    place = Path(entry.data_set, entry.kind, f"{path.stem}.json")
    try:
        return _Files(place, path.read_bytes(), tsv.read_bytes() if entry.curve else None)
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); it was there a moment ago") from None


def _action(one: _Files, folder: Path, there: dict[tuple[Path, str], Path]) -> str:
    if (one.place.parent, one.digest) in there:
        return SAME
    return REPLACED if (folder / one.place).exists() else NEW


def _refuse_two(files: Sequence[_Files]) -> None:
    """Raise BenchError for two entries of one name that are not the same."""
    seen: dict[Path, str] = {}
    for one in files:
        if seen.setdefault(one.place, one.digest) != one.digest:
            raise BenchError(f"{one.place} is there twice with different contents; bring one of the two")


def _write(path: Path, files: _Files) -> None:
    """The TSV first: an entry is there when its JSON is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if files.tsv is not None:
        write_atomically(path.with_suffix(".tsv"), files.tsv)
    write_atomically(path, files.json)
