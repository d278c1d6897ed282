"""A table out of what a model wrote: JSON rows, HTML, Markdown, or lines of cells with tabs, bars, semicolons or commas."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser

from bench.text.rows import rows
from bench.types import Json

Rows = list[list[str]]
MOST_ROWS, MOST_CELLS, LONGEST = 500, 60, 500  # rows, cells of a row, characters of a cell
_ROW_OF_JSON = re.compile(r"\[[^\[\]]*\]")
_RULE = re.compile(r"[\s|:+=-]*-[\s|:+=-]*")
_FENCE = re.compile(r"^[^\S\n]*```[\w+#-]*[^\S\n]*$", re.MULTILINE)
_ROWS_KEYS = ("rows", "data", "table", "body", "cells", "items", "lines")
_HEAD_KEYS = ("columns", "header", "headers", "heading", "head")
_TRIES = 40  # brackets that are tried as the beginning of JSON
_ESCAPED_BAR = "\0"


def said_table(text: str) -> Rows | None:
    """The rows of the first table that a reply gives, each a list of cells; None where it gives none.

    >>> said_table('[["Item", "Price"], ["Tea", 2.5]]'), said_table("Item | Price\\n--- | ---\\nTea | 2.50")
    ([['Item', 'Price'], ['Tea', '2.5']], [['Item', 'Price'], ['Tea', '2.50']])
    """
    if "<tr" in text.lower():
        return _bounded(_of_html(text))
    plain = _FENCE.sub("", text).strip()
    found = _of_json(plain) or _of_bars(plain) or _of_delimiters(plain)
    return _bounded(found) if found else None


def _bounded(found: Sequence[Sequence[str]]) -> Rows | None:
    kept = [[cell.strip()[:LONGEST] for cell in row[:MOST_CELLS]] for row in found[:MOST_ROWS] if row]
    return kept or None


def _of_json(text: str) -> Rows:
    """The first table among the JSON values of a text; of one that was cut the rows that are whole."""
    decoder, place = json.JSONDecoder(parse_float=str, parse_int=str), 0
    for _ in range(_TRIES):
        start = min((at for sign in "[{" if (at := text.find(sign, place)) >= 0), default=-1)
        if start < 0:
            return []
        try:
            value, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            place = start + 1
            if text[start] == "[" and re.match(r"\[\s*\[", text[start:]):
                return [row for found in _ROW_OF_JSON.finditer(text, start) if (row := _one_row(found[0]))]
            continue
        if found := _table_in(value):
            return found
    return []


def _one_row(text: str) -> list[str]:
    try:
        return [_cell(one) for one in json.loads(text, parse_float=str, parse_int=str)]
    except (ValueError, RecursionError):
        return []


def _table_in(value: Json) -> Rows:
    """The rows of a list of lists, a list of objects (their keys are the head), or of an object that holds one of these."""
    if isinstance(value, dict):
        lowered = {str(key).lower(): one for key, one in value.items()}
        head: list[Json] = next((lowered[key] for key in _HEAD_KEYS if isinstance(lowered.get(key), list)), [])
        body = next((found for key in _ROWS_KEYS if (found := _table_in(lowered.get(key)))), [])
        if not body and len(value) == 1:
            return _table_in(next(iter(value.values())))
        return [[_cell(one) for one in head], *body] if head and body else body
    if not isinstance(value, list) or not value:
        return []
    if all(isinstance(row, dict) for row in value):
        cells = [next((row[key] for key in ("cells", "row") if isinstance(row.get(key), list)), None) for row in value]
        if all(one is not None for one in cells):
            return [[_cell(one) for one in row] for row in cells if row is not None]
        names = list(dict.fromkeys(str(name) for row in value for name in row))
        return [names, *([_cell(row.get(name)) for name in names] for row in value)]
    if all(isinstance(row, list) for row in value):
        return [[_cell(one) for one in row] for row in value]
    return []


def _cell(value: Json) -> str:
    if isinstance(value, dict):
        value = next((value[key] for key in ("text", "value", "content") if key in value), "")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)[:LONGEST]
    return "" if value is None else str(value)


class _Cells(HTMLParser):
    """Rows and cells of the first table; a cell over several columns is followed by empty ones."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Rows = []
        self.open, self.ended = False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row or a cell."""
        if self.ended:
            return
        if tag == "tr":
            self.rows.append([])
            self.open = False
        elif tag in ("td", "th"):
            if not self.rows:
                self.rows.append([])
            span = dict(attrs).get("colspan") or "1"
            self.more = min(int(span), MOST_CELLS) - 1 if span.isascii() and span.isdigit() and len(span) < 4 else 0
            self.rows[-1].append("")
            self.open = True
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        """End a cell or the table."""
        if tag in ("td", "th") and self.open:
            self.rows[-1].extend([""] * self.more)
            self.open = False
        elif tag == "table" and self.rows:
            self.ended = True

    def handle_data(self, data: str) -> None:
        """Text of the cell that is open."""
        if self.open and not self.ended:
            self.rows[-1][-1] += data


def _of_html(text: str) -> Rows:
    reader = _Cells()
    reader.feed(text)
    reader.close()
    return [[" ".join(cell.split()) for cell in row] for row in reader.rows]


def _of_bars(text: str) -> Rows:
    """The lines with bars, without those that rule off the head; the first block of them that has two lines, else all."""
    blocks: list[Rows] = [[]]
    framed = False
    for line in rows(text):
        if "|" not in line:
            if blocks[-1] and not line.strip():
                blocks.append([])
            continue
        if not _RULE.fullmatch(line):
            bare = line.replace("\\|", _ESCAPED_BAR)
            framed = bare.strip().startswith("|") if not blocks[-1] else framed  # as the head is: else a cell is empty
            bare = bare.strip().removeprefix("|").removesuffix("|") if framed else bare
            blocks[-1].append([cell.strip().replace(_ESCAPED_BAR, "|") for cell in bare.split("|")])
    return next((block for block in blocks if len(block) > 1), blocks[0])


def _of_delimiters(text: str) -> Rows:
    """Lines of cells with the delimiter that most lines have; only two lines and more are a table."""
    lines = [line for line in rows(text) if line.strip()]
    for delimiter in "\t;,":
        cut = [line for line in lines if delimiter in line]
        if len(cut) < 2 or len(cut) * 2 <= len(lines):
            continue
        try:
            found = list(csv.reader(cut, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            continue
        if len({len(row) for row in found}) == 1 or delimiter != ",":
            return found
    return []
