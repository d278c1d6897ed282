"""The table of a page, by where its words stand: rows by their height, cells by the gaps between words, columns by the headings."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.models.composite import Composite
from bench.models.page_places import Word
from bench.models.pages import Reader
from bench.types import Image, Prediction, Request, Rows

_GAP = 2.0  # letters of the page: a wider gap between words parts cells
_NEAR = 0.5  # of the lower word's height: how far apart the middles of words in one line are
_TILT_OF = 200  # words that tell how a page is tilted
_FIGURE, _YEAR = re.compile(r"\d"), re.compile(r"(?:19|20)\d\d")
_AMOUNT = re.compile(r"[^\w(−-]?[(−-]?\d{1,3}(?:[.,' ’]?\d{2,3})*(?:[.,]\d{1,2})?\)?")
_SUM = re.compile(
    r"(?:(?:sub|net|grand)[- ]?)?total|sum\b|(?:amount|balance) (?:due|payable)|closing|carried", re.IGNORECASE
)


@dataclass(frozen=True)
class Cell:
    """A text in a row with its left and right end, from 0 to 1000 of the page's width."""

    text: str
    left: float
    right: float


class PageTables(Composite):
    """The table with most figures on the first page that has one, by its words' boxes; what is asked for is not looked at."""

    stages = ("reader",)
    parts = frozenset({"text", "image"})
    needs = frozenset({"image"})
    outputs = (Rows,)
    answers_alone = True

    def __init__(self, reader: Reader) -> None:
        if not isinstance(reader, Reader):
            raise BenchError(f"model.reader={type(reader).__name__} reads no pages; choose rapidocr or tesseract")
        self.reader = reader

    def prepare(self, batch: Sequence[Request]) -> None:
        """Read the pages of a batch that comes next."""
        self.reader.prepare(batch, words=True)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """Each request by itself: a page takes long, and says nothing of another."""
        return [[request] for request in batch]

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """The rows as JSON; a request with a page that cannot be read has its own `error`."""
        return [self._one(request) for request in batch]

    def _one(self, request: Request) -> Prediction:
        try:
            tables = (table_of(self.reader.words(part)) for part in request.parts if isinstance(part, Image))
            found = next((table for table in tables if table), [])
        except ValueError as error:
            return Prediction(request.id, error=str(error))
        return Prediction(request.id, text=json.dumps(found, ensure_ascii=False), finish="stop")


def table_of(words: Sequence[Word]) -> list[list[str]]:
    """The rows of the table with most figures among the words, each as long as the table is wide; [] where there is none.

    A table begins with a row of headings, which have no figures but years, and has figures below them. One that is not headed by
    years ends before its sums. A heading that comes twice in a row is that of two tables beside each other: the right one then
    goes on where the left one ends.

    >>> places = [("Item", 0, 0), ("Qty", 400, 0), ("Price", 700, 0), ("Tea", 0, 20), ("2", 400, 20), ("1.50", 700, 20)]
    >>> table_of([Word(text, (left, top, left + 20 * len(text), top + 10)) for text, left, top in places])
    [['Item', 'Qty', 'Price'], ['Tea', '2', '1.50']]
    """
    if not words:
        return []
    letter = statistics.median((one.box[2] - one.box[0]) / max(1, len(one.text)) for one in words)
    page = [_cells(line, _GAP * letter) for line in _lines(words)]
    if (middle := next((cut for cells in page if (cut := _twice(cells))), None)) is not None:
        halves = [[one for one in words if (one.box[0] > middle) == right] for right in (False, True)]
        if all(halves):  # else nothing stands to the right, and the heading is one that says a thing twice
            left, right = (table_of(half) for half in halves)
            return left + right[1:]
    blocks = [block for start in range(len(page)) if (block := _block(page, start))]
    return max(blocks, key=lambda rows: (_amounts(rows), -len(rows)), default=[])


def _amounts(rows: Sequence[Sequence[str]]) -> int:
    return sum(bool(_AMOUNT.fullmatch(cell)) for row in rows for cell in row)


def _twice(cells: Sequence[Cell]) -> float | None:
    """Where the first half of a row of headings ends whose second half says the same, None where it does not."""
    half, odd = divmod(len(cells), 2)
    if half < 2 or odd or [one.text for one in cells[:half]] != [one.text for one in cells[half:]]:
        return None
    return cells[half - 1].right


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """The words by the height of their middles, as if the page were not tilted; within a line from left to right."""
    slope = _slope(words)
    lines: list[list[Word]] = []
    heights: list[float] = []
    for word in sorted(words, key=lambda one: _middle(one, slope)):
        middle = _middle(word, slope)
        if lines and abs(middle - heights[-1]) < _NEAR * min(_height(word), _height(lines[-1][0])):
            lines[-1].append(word)
            heights[-1] = statistics.fmean(_middle(one, slope) for one in lines[-1])
        else:
            lines.append([word])
            heights.append(middle)
    return [sorted(line, key=lambda one: one.box[0]) for line in lines]


def _slope(words: Sequence[Word]) -> float:
    """How much lower a line stands for each unit to the right: the median over each word and the next one in its line."""
    found = []
    for word in words[:: max(1, len(words) // _TILT_OF)]:
        right = [
            (other.box[0] - word.box[0], _middle(other) - _middle(word))
            for other in words
            if other.box[0] >= max(word.box[2], word.box[0] + 1)
            and abs(_middle(other) - _middle(word)) < _NEAR * _height(word)
        ]
        if right:
            across, down = min(right)
            found.append(down / across)
    return statistics.median(found) if found else 0.0


def _middle(word: Word, slope: float = 0.0) -> float:
    return (word.box[1] + word.box[3]) / 2 - slope * (word.box[0] + word.box[2]) / 2


def _height(word: Word) -> float:
    return max(1.0, word.box[3] - word.box[1])


def _cells(line: Sequence[Word], gap: float) -> list[Cell]:
    cells: list[Cell] = []
    for word in line:
        left, _, right, _ = word.box
        if cells and left - cells[-1].right <= gap:
            cells[-1] = Cell(f"{cells[-1].text} {word.text}", cells[-1].left, max(right, cells[-1].right))
        else:
            cells.append(Cell(word.text, left, right))
    return cells


def _block(page: Sequence[Sequence[Cell]], start: int) -> list[list[str]]:
    """The table whose headings are the row at `start`; it ends before the first row that does not fit its columns."""
    head = page[start]
    years = [bool(_YEAR.fullmatch(cell.text)) for cell in head]
    if len(head) < 2 or any(_FIGURE.search(cell.text) and not year for cell, year in zip(head, years, strict=True)):
        return []
    columns = [(cell.left, cell.right) for cell in head]
    if all(years):  # nothing stands over the labels; figures may begin two years' widths before the year over them
        columns.insert(0, (0.0, max(1.0, 3 * head[0].left - 2 * head[0].right)))
    rows: list[list[str]] = []
    for cells in page[start:]:
        row = _row(cells, columns)
        if row is None or (not any(years) and _SUM.match(next(filter(None, row)))):
            break
        rows.append(row)
    while rows and sum(map(bool, rows[-1])) < 2:
        rows.pop()
    return rows if 2 * sum(bool(_AMOUNT.fullmatch(row[-1])) for row in rows[1:]) >= max(2, len(rows) - 1) else []


def _row(cells: Sequence[Cell], columns: list[tuple[float, float]]) -> list[str] | None:
    """A text for each column, which grow to what stands in them; None where a cell meets no column or two, or two meet in one."""
    row, places = [""] * len(columns), []
    for cell in cells:
        met = [i for i, (left, right) in enumerate(columns) if min(right, cell.right) > max(left, cell.left)]
        if len(met) != 1 or row[met[0]]:
            return None
        places += met
        row[met[0]] = cell.text
    for cell, i in zip(cells, places, strict=True):
        columns[i] = (min(columns[i][0], cell.left), max(columns[i][1], cell.right))
    return row
