"""A table out of what a model wrote: JSON, HTML, Markdown, LaTeX, or lines of cells with tabs, bars, semicolons or commas."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from html.parser import HTMLParser

from bench.text.rows import rows
from tasks.table_json import LONGEST, Rows, table_of_json

MOST_ROWS, MOST_CELLS = 500, 60  # rows, cells of a row
_RULE = frozenset("|:+=- \t")
_FENCE = re.compile(r"^[^\S\n]*```[\w+#-]*[^\S\n]*$", re.MULTILINE)
_ESCAPED_BAR = "\0"
_BARS = str.maketrans(dict.fromkeys("│┃║┆┊╎", "|") | dict.fromkeys("─━═┼╪╬├┤╞╡┌┬┐└┴┘╔╦╗╚╩╝╠╣╤╧", "-"))
_BOLD = re.compile(r"^\*\*(.*)\*\*$")
_TEX_ROW = re.compile(r"(?P<row>[^\\\n]*(?:\\[^\\\n][^\\\n]*)*)\\\\")
_TEX_RULE = re.compile(r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^}]*\})\s*")
_TEX_SIGN = re.compile(r"\\([&%$#_{}])")


def said_table(text: str) -> Rows | None:
    """The rows of the first table that a reply gives, each a list of cells; None where it gives none.

    >>> said_table('[["Item", "Price"], ["Tea", 2.5]]'), said_table("Item | Price\\n--- | ---\\nTea | 2.50")
    ([['Item', 'Price'], ['Tea', '2.5']], [['Item', 'Price'], ['Tea', '2.50']])
    """
    if "<tr" in text.lower():
        return _bounded(_of_html(text))
    plain = _FENCE.sub("", text).translate(_BARS).strip(" \r\n")
    found = table_of_json(plain) or _of_latex(plain) or _of_bars(plain) or _of_delimiters(plain)
    return _bounded(found) if found else None


def _bounded(found: Sequence[Sequence[str]]) -> Rows | None:
    kept = [[cell.strip()[:LONGEST] for cell in row[:MOST_CELLS]] for row in found[:MOST_ROWS] if row]
    return kept or None


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


def _of_latex(text: str) -> Rows:
    """The rows of the first tabular: cells between ampersands, a row up to two backslashes."""
    _, begin, inner = text.partition("\\begin{tabular")
    if not begin:
        return []
    inner = _TEX_RULE.sub("", inner.split("\n", 1)[-1].split("\\end{tabular", 1)[0])
    found = []
    for match in _TEX_ROW.finditer(inner):
        cells = re.split(r"(?<!\\)&", match["row"])
        found.append([_TEX_SIGN.sub(r"\1", re.sub(r"\\text(?:bf|it)\{([^{}]*)\}", r"\1", cell)) for cell in cells])
    return found


def _of_bars(text: str) -> Rows:
    """The lines with bars, without those that rule off the head; the first block of them that has two lines, else all."""
    blocks: list[list[str]] = [[]]
    for line in rows(text):
        if "|" not in line:
            if blocks[-1] and not line.strip():
                blocks.append([])
        elif "-" not in line or not set(line) <= _RULE:
            blocks[-1].append(line.replace("\\|", _ESCAPED_BAR).strip())
    return _cut_at_bars(next((block for block in blocks if len(block) > 1), blocks[0]))


def _cut_at_bars(lines: Sequence[str]) -> Rows:
    """The cells; a bar that all lines begin or end with frames them, one that some do has an empty cell beside it."""
    before, behind = all(line.startswith("|") for line in lines), all(line.endswith("|") for line in lines)
    before = before and (behind or not any(line.endswith("|") for line in lines))
    bare = [line.removeprefix("|") if before else line for line in lines]
    bare = [line.removesuffix("|") if before and line.endswith("|") else line for line in bare]
    return [[_BOLD.sub(r"\1", cell.strip()).replace(_ESCAPED_BAR, "|") for cell in line.split("|")] for line in bare]


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
