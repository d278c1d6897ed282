"""Tables: drawn into the width of a terminal; where somebody else reads, whole lines with a tab between their cells."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.runs.claimed import Claimed
from bench.text.secrets import clean, known_now
from bench.text.shown import terminal
from bench.text.table import ALWAYS, Column, fitted, left_out

_LONGEST_CELL = 500  # characters of a cell on a terminal
_MOST_ROWS = 100  # on a terminal
_WIDTHS = (20, 80, 10_000)  # cells: the narrowest that is heeded, that of a terminal which does not say, and the widest
_NUMBERS = ("seconds", "hours", "cost", "latency", "accuracy")


@dataclass(frozen=True)
class Row:
    """One line of a table: whether it is dimmed, and whether a line is drawn below it."""

    cells: Sequence[str]
    dim: bool = False
    ends: bool = False


def show(title: str, columns: Sequence[Column], rows: Sequence[Row], *, whole: str = "") -> None:
    """Print a table; on a terminal the least important columns go where there is no room, with a line that says so.

    `whole` says where all rows are, for a table that is too long for a terminal.
    """
    if not on_terminal():
        _print_whole(title, columns, rows)
        return
    shown = rows[:_MOST_ROWS] if whole else rows
    columns = [replace(column, heading=_cell(column.heading, _LONGEST_CELL)) for column in columns]
    cells = [[_cell(cell, _LONGEST_CELL) for cell in row.cells] for row in shown]
    width = terminal_width()
    places = fitted(columns, cells, width)
    notes = [left_out(columns, places, width)]
    notes += [f"{len(rows) - len(shown):,} more rows are in {whole}"] if len(rows) > len(shown) else []
    _draw(title, columns, shown, cells, places, width, [terminal(clean(note)) for note in notes if note])


def show_plain(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first two columns say what a row is of, and the others less and less of it.

    A row without a rank ("–" in the first column) is dimmed.
    """
    columns = [
        Column(heading, ALWAYS if place < 2 else ALWAYS - place, any(word in heading for word in _NUMBERS), 16)
        for place, heading in enumerate(headings)
    ]
    show(title, columns, [Row(row, dim=row[0] == "–") for row in rows])


def on_terminal() -> bool:
    """Whether somebody sees what is printed, and has but so many columns."""
    return sys.stdout.isatty()


def terminal_width() -> int:
    """The cells of a line on this terminal: what COLUMNS says, else what the terminal says, within reason."""
    least, usual, most = _WIDTHS
    said = os.environ.get("COLUMNS", "")
    found = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0
    if not found:
        try:
            found = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            found = 0
    return min(max(found or usual, least), most)


def _cell(text: str, most: int) -> str:
    return terminal(clean(text), most)


def _print_whole(title: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Every column and row, with nothing cut and nothing added."""
    lines, known = [[title]] if title else [], known_now()
    for cells in (*lines, [column.heading for column in columns], *(row.cells for row in rows)):
        sys.stdout.write("\t".join(terminal(clean(cell, known)) for cell in cells) + "\n")


def _draw(
    title: str, columns: Sequence[Column], rows: Sequence[Row], cells: Sequence[Sequence[str]], places: dict[int, int], width: int,
    notes: Sequence[str],
) -> None:  # fmt: skip
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(_cell(title, _LONGEST_CELL)) if title else None, title_justify="left")
    for place, cell_width in places.items():
        column = columns[place]
        table.add_column(
            Text(column.heading), justify="right" if column.right else "left", width=cell_width, overflow="fold"
        )
    for row, texts in zip(rows, cells, strict=True):
        styles = ["dim" if isinstance(cell, Claimed) else "" for cell in row.cells]
        shown = [Text(texts[place], style=styles[place]) for place in places]
        table.add_row(*shown, style="dim" if row.dim else None, end_section=row.ends)
    needed = sum(places.values()) + 3 * len(places) + 1  # a terminal that is narrower still wraps it
    # With a height too, for without both rich asks COLUMNS and the terminal in its own way.
    console = Console(file=sys.stdout, width=max(width, needed), height=25, legacy_windows=False)
    console.print(table)
    for note in notes:
        console.print(Text(note), width=width)
