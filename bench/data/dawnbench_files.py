"""The files of DAWNBench entries: which there are below a path, and which of them are read at all."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from bench.data.dawnbench_format import INFERENCE, TRAIN, Entry, read_entry, unread_entry
from bench.data.dawnbench_values import MOST_BYTES, as_seen
from bench.errors import BenchError
from bench.text.shown import name_problem


def read_entries(path: Path) -> list[Entry]:
    """The entry of a JSON file, or all of a folder in the order of their paths; raises BenchError where there are none.

    In a folder an entry is a JSON or TSV file in a folder `train` or `inference`, or lies in the folder itself. What a link
    of the folder leads out to is refused unread: its text would stand in messages.
    """
    if path.is_file():
        if path.suffix != ".json":
            raise BenchError(f"{path} is not an entry; give its JSON file (the TSV is found beside it), or a folder")
        return [_read(path, as_seen(path.name, 400), path.parent.resolve())]
    if not path.is_dir():
        raise BenchError(f"{path} does not exist; give an entry's JSON file or a folder of entries")
    files = [file for file in sorted(path.rglob("*")) if file.suffix in (".json", ".tsv")]
    files = [file for file in files if file.parent == path or file.parent.resolve().name in (TRAIN, INFERENCE)]
    files = [file for file in files if file.suffix == ".json" or not file.with_suffix(".json").exists()]
    if not files:
        raise BenchError(
            f"{path} holds no entries; expected SQuAD/train/NAME.json with NAME.tsv beside it, and the like"
        )
    return [_read(file, as_seen(str(file.relative_to(path)), 400), path.resolve()) for file in files]


def _read(path: Path, file: str, root: Path) -> Entry:
    """The entry of a file below `root`, refused where it or its TSV is nothing that an entry is made of."""
    for one in _parts(path):
        if reason := _unfit(one, root):
            return unread_entry(path, file if one == path else str(Path(file).with_suffix(".tsv")), reason)
    return read_entry(path, file)


def _parts(path: Path) -> Iterator[Path]:
    yield path
    beside = path.with_suffix(".tsv")
    if beside != path and (beside.is_symlink() or beside.exists()):
        yield beside


def _unfit(path: Path, root: Path) -> str:
    """Why a file is not read, "" for one that is."""
    if said := name_problem(path.name, 255):
        return f"its name {said}; rename it"
    try:
        found = path.stat()
    except (OSError, RuntimeError):  # a loop of links
        return "it cannot be read, or is a link that leads nowhere; put the file itself there"
    if not path.resolve().is_relative_to(root):
        return "a link that leads out of the folder; put the file itself there"
    if not stat.S_ISREG(found.st_mode):
        return "it is no file; put the entry's file there"
    if found.st_size > MOST_BYTES:
        return f"{found.st_size:,} bytes, where an entry has some thousands and at most {MOST_BYTES:,} are read"
    return ""
