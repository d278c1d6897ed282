"""Rows of a text, and the cells of delimited ones: the one place that says where a row ends.

A row ends at CR LF, LF or CR and nowhere else. U+2028, U+0085, vertical tabs, form feeds and the separators U+001C to U+001E, at
which `str.splitlines` breaks too, are letters of a cell like any others.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from bench.errors import BenchError

LONGEST_CELL = 10_000_000  # characters; csv's own limit of 131,072 is less than a long report has
csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
_GAP = re.compile(r"[ \t]+")


def rows(text: str) -> list[str]:
    """The rows of a text without their ends; the end of the last one begins no further row.

    >>> rows("a\\u2028b\\r\\nc\\rd\\n")
    ['a\\u2028b', 'c', 'd']
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = text.split("\n")
    return found[:-1] if found[-1] == "" else found


def columns(row: str) -> list[str]:
    """The columns of a row that blanks part, and no other white space.

    >>> columns(" 1  A\\t0.5 caf\\u2028e")
    ['1', 'A', '0.5', 'caf\\u2028e']
    """
    return _GAP.split(found) if (found := row.strip(" \t")) else []


def cells(
    text: str, path: object, *, delimiter: str = ",", quoted: bool = True, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """The rows of a delimited text with the line on which each ends; one without any cell is passed over.

    A quoted cell may hold row ends. `strict` refuses what stands behind a closing quotation mark, and a mark that is never closed.
    Raises BenchError that names the line of `path` where a row that cannot be read begins.
    """
    source = io.StringIO(text, newline="")
    if quoted:
        reader = csv.reader(source, delimiter=delimiter, strict=strict)
    else:
        reader = csv.reader(source, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    begun = 1
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
            begun = reader.line_num + 1
    except csv.Error as error:
        raise BenchError(f"{path} line {begun}: {_reason(str(error))}; correct the file") from None


def _reason(said: str) -> str:
    """What the reader says of a row, for somebody who has never heard of its limits."""
    if said == "unexpected end of data":
        return "a quotation mark is opened here and never closed"
    if "field limit" in said:
        return f"a cell has more than {csv.field_size_limit():,} characters: is a quotation mark opened here and never closed?"
    return said
