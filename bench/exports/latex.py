"""The table of a paper as LaTeX, in the rules of booktabs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench import __version__
from bench.exports.paper import Cell, Paper
from bench.runs.claimed import MARK
from bench.text.shown import latex as plain


def latex_of(tables: Sequence[Paper]) -> str:
    """A `table` for each; it needs the package booktabs alone, and XeLaTeX or LuaLaTeX where names are in other scripts."""
    head = [f"% by finai-bench {__version__}; needs \\usepackage{{booktabs}}"]
    names = "".join(name for table in tables for name, _ in table.rows)
    head += (
        ["% names in other scripts than Latin: XeLaTeX or LuaLaTeX, and a font that has them"]
        if not names.isascii()
        else []
    )
    return "\n".join([*head, *(line for table in tables for line in _lines(table))]) + "\n"


def _lines(table: Paper) -> list[str]:
    heads = zip(*table.heads, strict=True)
    return [
        r"\begin{table}", r"\centering", rf"\caption{{Scores ({plain(table.title)}).}}",
        rf"\begin{{tabular}}{{l{'r' * len(table.heads)}}}", r"\toprule",
        *(_line([first, *map(plain, texts)]) for first, texts in zip(("", "Model", ""), heads, strict=True)), r"\midrule",
        *(_line([plain(name), *map(_cell, cells)]) for name, cells in table.rows), r"\bottomrule", r"\end{tabular}",
        *(rf"\par\smallskip{{\footnotesize {plain(note)}}}" for note in table.notes), r"\end{table}",
    ]  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return plain("–")
    cell = replace(cell, value=cell.value.replace("-", "−"), interval=cell.interval.replace("-", "−"))
    value = rf"\textbf{{{plain(cell.value)}}}" if cell.best else plain(cell.value)
    tie = rf"\textsuperscript{{{cell.letter}}}" if cell.letter else ""
    bounds = rf" {{\footnotesize {plain(cell.interval)}}}" if cell.interval else ""
    return (plain(MARK) if cell.claimed else "") + value + tie + bounds
