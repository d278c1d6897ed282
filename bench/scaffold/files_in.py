"""A table that somebody has: in which encoding, between which signs, under which names; rows as they stand, one at a time."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.data import hub
from bench.data.files import parse
from bench.errors import BenchError
from bench.text.rows import columns as _parted
from bench.types import Json

TABLES = (".csv", ".tsv", ".txt", ".tab")
LINES = (".jsonl", ".ndjson")
_SIGNS = (",", ";", "\t", "|")
_LOOKED_AT = 200  # rows by which the delimiter is found
_NUMBER = re.compile(r"(?!(?:19|20)\d\d$)[-+]?\d[\d.,]*%?")  # a year may be a name
_SENTENCE = re.compile(r".{20,}[.?!]")
_LONG_NAME = 80  # characters, above which a first row is no row of names
_CHUNK = 1 << 20


@dataclass
class Source:
    """What is read: `names` of its columns, and `notes` on what had to be guessed."""

    path: Path
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    has_names: bool = True
    of_hub: str = ""
    split: str = "test"

    @property
    def called(self) -> str:
        """For a message."""
        return self.of_hub or str(self.path)

    def rows(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        """Each row with its place; raises BenchError for one of another length, and for what cannot be read."""
        if self.of_hub:
            for number, row in enumerate(_of_hub(self.of_hub, self.split)):
                yield f"{self.of_hub} row {number}", row
        elif self.path.suffix.lower() in LINES:
            yield from _objects(self.path, self.encoding)
        else:
            yield from self._cells()

    def _cells(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        for number, (line, row) in enumerate(_rows(self.path, self.encoding, self.delimiter)):
            if number == 0 and self.has_names:
                continue
            if len(row) != len(self.names):
                raise BenchError(
                    f"{self.path} line {line}: {len(row)} cells, expected {len(self.names)} ({', '.join(self.names)[:120]}); "
                    "correct the line: a text that holds the delimiter needs quotation marks"
                )
            yield f"{self.path} line {line}", dict(zip(self.names, (one.strip() for one in row), strict=True))


def source(named: str, *, header: Sequence[str] = (), split: str = "test") -> Source:
    """The file, or hub:OWNER/NAME, looked into; `header` names the columns of a table that has no row of names.

    Raises BenchError for what is no such file, or of which encoding, delimiter or names cannot be told.
    """
    if named.startswith("hub:"):
        found = Source(Path(), of_hub=_pinned(named), split=split)
        found.names = _keys(found)
        return found
    path = Path(named)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise BenchError(
            f"--from {named} {what}; give a file ending in {', '.join((*TABLES, *LINES))}, or hub:OWNER/NAME"
        )
    if path.suffix.lower() not in (*TABLES, *LINES):
        raise BenchError(f"--from {named}: found the ending {path.suffix or 'none'!r}, expected {', '.join((*TABLES, *LINES))}; "
                         "save a spreadsheet as CSV")  # fmt: skip
    found = Source(path)
    _find_encoding(found)
    if path.suffix.lower() in LINES:
        found.names = _keys(found)
    else:
        _find_names(found, header)
    return found


def _find_encoding(found: Source) -> None:
    """UTF-8, UTF-16 or UTF-32 where it is that, else Windows-1252, which a note says with the first text that it gives."""
    with found.path.open("rb") as file:
        start = file.read(4)
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        found.encoding = "utf-32"
        found.notes.append("read as UTF-32, as its first four bytes say")
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        found.encoding = "utf-16"
        found.notes.append("read as UTF-16, as its first two bytes say")
    elif (line := _first_other(found.path)) is not None:
        try:
            text = line.decode("cp1252")
        except UnicodeDecodeError:
            raise BenchError(f"{found.path}: is neither UTF-8 nor Windows-1252 (Latin-1); save it as UTF-8") from None
        found.encoding = "cp1252"
        word = next((one for one in _parted(text.replace(",", " ").replace(";", " ")) if not one.isascii()), text)
        found.notes.append(
            f"not UTF-8, so read as Windows-1252 (Latin-1): {word.strip()[:40]!r}; if that is wrong, save it as UTF-8"
        )


def _first_other(path: Path) -> bytes | None:
    """The first line that is no UTF-8; raises BenchError for a NUL, which no text holds."""
    decoder, bad = codecs.getincrementaldecoder("utf-8")(), False
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if b"\0" in chunk:
                raise BenchError(
                    f"{path}: found a NUL, which no text holds (is it a spreadsheet, or UTF-16 or UTF-32 without its mark?); "
                    "save it as CSV in UTF-8"
                )
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                bad = True
                break
    if not bad:
        try:
            decoder.decode(b"", final=True)
            return None
        except UnicodeDecodeError:
            pass
    with path.open("rb") as file:
        return next((line for line in file if not _is_utf8(line)), b"")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _find_names(found: Source, header: Sequence[str]) -> None:
    """The delimiter with which most rows have as many cells as the first, and the names of the columns."""
    best: tuple[float, int, list[list[str]]] = (0.0, 0, [])
    signs = ("\t",) if found.path.suffix.lower() in (".tsv", ".tab") else _SIGNS
    broken: BenchError | None = None
    for sign in signs:
        try:
            some = [
                row
                for _, row in zip(
                    range(_LOOKED_AT), (row for _, row in _rows(found.path, found.encoding, sign)), strict=False
                )
            ]
        except BenchError as error:
            broken = broken or error
            continue
        width = len(some[0]) if some else 0
        fits = sum(len(row) == width for row in some) / max(len(some), 1)
        if width > 1 and (round(fits, 1), width) > best[:2]:
            best, found.delimiter = (round(fits, 1), width, some), sign
    if not best[2]:
        if broken is not None:
            raise broken
        one_column = next(iter(_rows(found.path, found.encoding, ",")), None)
        raise BenchError(
            f"{found.path}: is empty; give a file with rows" if one_column is None else
            f"{found.path}: found one column ({str(one_column[1])[:60]}), expected two or more; save it "
            "with one of , ; tab | between cells"
        )  # fmt: skip
    if found.delimiter != ",":
        found.notes.append(f"between cells stands {'a tab' if found.delimiter == chr(9) else found.delimiter}")
    first = [one.strip() for one in best[2][0]]
    if header:
        if len(header) != len(first):
            raise BenchError(f"--header has {len(header)} names, and {found.path} {len(first)} columns; name each")
        found.has_names, found.names = False, list(header)
    else:
        _refuse_data(found.path, first, best[2][1:])
        found.names = [name or f"column {i}" for i, name in enumerate(first, 1)]
    if twice := next((name for name in found.names if found.names.count(name) > 1), None):
        raise BenchError(f"{found.path}: the column {twice[:60]!r} comes twice; give each another name")


def _refuse_data(path: Path, first: Sequence[str], rest: Sequence[Sequence[str]]) -> None:
    """Raise BenchError for a first row that looks like the others and not like names, and where no other is."""
    like = [name for name in first if _NUMBER.fullmatch(name) or len(name) > _LONG_NAME or _SENTENCE.fullmatch(name)]
    values = [{row[i].strip() for row in rest if i < len(row)} for i in range(len(first))]
    again = [
        name for name, there in zip(first, values, strict=True) if name and name in there and len(there) < len(rest)
    ]
    if like or (again and len(rest) > 1):
        raise BenchError(
            f"{path}: its first row has {(like or again)[0][:60]!r}, which looks like data and not like the name of a column; put "
            f"a row of names on top, or give them with --header {','.join(f'name{i}' for i in range(1, len(first) + 1))}"
        )
    if not rest:
        raise BenchError(f"{path}: has no rows below the names {', '.join(first)[:120]}; give a file with some")


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that have a cell, with the line on which each ends, as a stream: a million of them take no memory."""
    begun = 1
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if any(one.strip() for one in row) and not (begun == 1 and _is_hint(row)):
                    yield reader.line_num, row
                begun = reader.line_num + 1
        except csv.Error as error:
            said = str(error)
            if "end of data" in said:
                said = "a quotation mark is opened here and never closed"
            elif "field limit" in said:
                most = csv.field_size_limit()
                said = f"a cell has more than {most:,} characters: is a quotation mark opened here and never closed?"
            raise BenchError(f"{path} line {begun}: {said}; correct the file") from None
        except UnicodeError:
            raise BenchError(f"{path} line {begun}: cannot be read as {encoding}; save the file as UTF-8") from None


def _is_hint(row: Sequence[str]) -> bool:
    """Whether a first row is "sep=;", by which some spreadsheets say their delimiter."""
    return row[0].strip().lower().startswith("sep=") and len("".join(row).strip()) <= len("sep=;")


def _objects(path: Path, encoding: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    with path.open(encoding=encoding, newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                row = parse(line, f"{path} line {number}", ended=line.endswith("\n"))
                if not isinstance(row, dict):
                    raise BenchError(f"{path} line {number}: found a {type(row).__name__}, expected an object {{…}}")
                yield f"{path} line {number}", row


def _keys(found: Source) -> list[str]:
    names: dict[str, None] = {}
    for _, (_, row) in zip(range(_LOOKED_AT), found.rows(), strict=False):
        names |= dict.fromkeys(map(str, row))
    if not names:
        raise BenchError(f"{found.called}: is empty; give a file with rows")
    return list(names)


def _pinned(named: str) -> str:
    from bench.artifacts.fetch import resolved
    from bench.artifacts.uri import parse as parse_uri

    found = resolved(parse_uri(named), "dataset")
    return f"hub:{found.name}@{found.revision}"


def _of_hub(uri: str, split: str) -> Iterator[Mapping[str, Json]]:
    from bench.artifacts.uri import parse as parse_uri

    yield from hub.rows(parse_uri(uri), split)
