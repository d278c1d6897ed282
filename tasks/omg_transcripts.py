"""What is said in each utterance of OMG-Emotion, by the official files of transcripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.data.files import read_text
from bench.errors import BenchError
from bench.text.rows import cells, rows

_COLUMNS = ("link", "video", "utterance", "transcript")


def key_of(row: Mapping[str, str]) -> str:
    """What an utterance is called."""
    return f"{row['video'].strip()}/{row['utterance'].strip()}"


def transcripts_of(path: Path) -> dict[str, str]:
    """What is said in each utterance; nothing where the file is not there.

    Quotes within quotes are not doubled in the official files, and read leniently. Raises BenchError for a quotation mark that is
    not closed, where the rows behind it would be taken for words that somebody says.
    """
    if not path.is_file():
        return {}
    text = read_text(path)
    found = cells(text, path, strict=False)
    ends, header = next(found, (1, []))
    for name in _COLUMNS[1:]:
        if name not in header:
            raise BenchError(f"{path} line 1: the column {name!r} is missing; expected {','.join(_COLUMNS)}")
    said: dict[str, str] = {}
    lines = rows(text)
    for line, cells_of in found:
        _refuse_swallowed(lines[ends:line], path, ends + 1, len(header))
        ends = line
        # A row may lack cells or have too many: it is read as far as it goes.
        row = dict.fromkeys(header, "") | dict(zip(header, cells_of, strict=False))
        if row["video"] and row["utterance"]:
            said[key_of(row)] = row["transcript"].strip()
    return said


def _refuse_swallowed(lines: Sequence[str], path: Path, first: int, n_columns: int) -> None:
    """Raise BenchError where one of these lines, which are read as one row, is a row by itself; the first is number `first`."""
    written = [number for number, line in enumerate(lines, start=first) if line.strip()]
    for number in written[1:]:
        alone = next(cells(lines[number - first], path, strict=False), (0, []))[1]
        if len(alone) >= n_columns:
            raise BenchError(
                f"{path} line {written[0]}: a quotation mark is opened here and not closed, so that the row of line {number} is "
                "read as what is said; close it"
            )
