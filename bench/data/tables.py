"""Tables in files: delimited, in columns parted by blanks, or ARFF, as names and rows of texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.data.files import read_text
from bench.errors import BenchError
from bench.text.rows import cells, columns, rows

MOST_COLUMNS = 2_000
LONGEST = 1_000  # characters of a value
_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s", re.IGNORECASE)


def read_table(
    path: Path, *, header: Sequence[str] = (), delimiter: str = ","
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The names of the columns, and each row with its place ("FILE line 3").

    `header` names them where the file does not; `delimiter` is a sign, or "blank" for any run of blanks. A file called .arff has
    its names in it. Raises BenchError for a row of another length, a name that is missing or comes twice, and too many columns.
    """
    text = read_text(path)
    if path.suffix.lower() == ".arff":
        names, found = _arff(text, path)
    else:
        if delimiter == "blank":
            lines = ((number, columns(row)) for number, row in enumerate(rows(text), start=1) if row.strip(" \t"))
        else:
            lines = ((n, row) for n, row in cells(text, path, delimiter=delimiter) if any(map(str.strip, row)))
        found = iter(lines)
        names = list(header) or [name.strip() for name in next(found, (1, []))[1]]
    _refuse_names(names, path)
    return names, [(f"{path} line {number}", _row(row, names, path, number)) for number, row in found]


def _arff(text: str, path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names and rows of an ARFF file. Source: the format's description of Weka's authors."""
    lines = rows(text)
    start = next((i for i, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if start is None:
        raise BenchError(
            f"{path}: found no line @data, which begins the rows of an ARFF file; bring the official file again"
        )
    names = [match[1].strip("'\"") for line in lines[:start] if (match := _ATTRIBUTE.match(line.strip()))]
    body = ((start + 2 + i, line) for i, line in enumerate(lines[start + 1 :]))
    return names, ((number, line.split(",")) for number, line in body if line.strip() and not line.startswith("%"))


def _refuse_names(names: Sequence[str], path: Path) -> None:
    if not names or len(names) > MOST_COLUMNS:
        raise BenchError(f"{path}: found {len(names):,} columns, expected 1 to {MOST_COLUMNS:,}; check the delimiter")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BenchError(f"{path}: the column {twice[:80]!r} comes twice; keep one of them")
    if "" in names:
        raise BenchError(f"{path}: column {names.index('') + 1} has no name; give it one")


def _row(row: list[str], names: Sequence[str], path: Path, line: int) -> list[str]:
    if len(row) != len(names):
        raise BenchError(f"{path} line {line}: found {len(row):,} values, expected {len(names):,}; correct the line")
    stripped = [value.strip() for value in row]
    if long := next((value for value in stripped if len(value) > LONGEST), None):
        raise BenchError(f"{path} line {line}: found a value of {len(long):,} characters, allowed are {LONGEST:,}")
    return stripped
