"""The table of a paper as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from bench.exports.paper import Cell, Paper
from bench.runs.claimed import MARK
from bench.text.shown import markdown as plain


def markdown_of(tables: Sequence[Paper]) -> str:
    """The tables, each with what its signs mean."""
    return "\n".join(line for table in tables for line in _lines(table, several=len(tables) > 1))


def _lines(table: Paper, *, several: bool) -> list[str]:
    heads = ["model", *(plain(f"{task}, {metric}, {what}") for task, metric, what in table.heads)]
    lines = [f"**{plain(table.title)}**", ""] if several else []
    lines += [_line(heads), "|---|" + "---:|" * len(table.heads)]
    lines += [_line([plain(name), *map(_cell, cells)]) for name, cells in table.rows]
    return [*lines, "", *(text for note in table.notes for text in (plain(note), ""))]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    value = f"**{plain(cell.value)}**" if cell.best else plain(cell.value)
    tie = f"<sup>{cell.letter}</sup>" if cell.letter else ""
    return (plain(MARK) if cell.claimed else "") + " ".join(part for part in (value + tie, cell.interval) if part)
