"""`board`: the runs of a task or suite ranked, as `bench board` ranks them; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.notebook import html
from bench.notebook.kinds import chosen
from bench.notebook.naming import runs_below
from bench.notebook.plainly import plainly

if TYPE_CHECKING:
    from bench.commands.shared.gathered import Gathered
    from bench.commands.shared.ranked import Found, FoundSuite
    from bench.leaderboard.board import Table
    from bench.leaderboard.definition import Board

_Shown = tuple[str, list[str], list[list[str]], list[str]]  # title, headings, rows, lines below


def board(name: str, *, runs_dir: str | os.PathLike[str] | None = None, store: str | None = None) -> Ranked:
    """The board of this task, suite or file: every run with its rank, intervals and times; `store` is an MLflow store's address.

    Raises BenchError for a name that no board has.
    """
    from bench.commands.shared import competition
    from bench.commands.shared.ranked import ranked, why_empty

    with plainly():
        if not isinstance(name, str) or not name:
            raise BenchError(
                f"a board has a name, such as that of a task, and not {name!r}; `bench list boards` shows them"
            )
        if name == competition.NAME:
            raise BenchError(f"board '{name}' ranks entries of a competition; `bench board {name}` shows it")
        where = runs_below(runs_dir)
        known: list[str] = []

        def more(gathered: Gathered) -> None:
            known[:] = sorted({task for task, _ in gathered.versions()})

        gathered, found, suites = ranked(name, where, store, more)
        why = [gathered.why[name]] if name in gathered.why else [why_empty(store or where, known)]
        return Ranked(name, found, suites, dict.fromkeys(gathered.problems), why)


class Ranked:
    """A board: `tables` of runs that may be compared, or of a suite's models; `problems` are runs that were left out, and why."""

    def __init__(
        self, name: str, found: Sequence[Found], suites: Sequence[FoundSuite], problems: Sequence[str] | dict[str, None],
        why: Sequence[str],
    ) -> None:  # fmt: skip
        self.name, self.problems = name, tuple(problems)
        self._found, self._suites, self._why = found, suites, why

    @property
    def tables(self) -> list[Any]:
        """Full data first; CPU and GPU, other examples, prompts or scorers are tables of their own."""
        return [
            *(one for _, tables in self._found for one in tables),
            *(one for _, tables in self._suites for one in tables),
        ]

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row for each run, `table` counted from 0: fractions as they are, what is claimed left out."""
        from bench.notebook import frames

        with plainly():
            tables = [table for _, tables in self._found for table in tables]
            suites = [table for _, tables in self._suites for table in tables]
            return frames.suites(suites) if suites else frames.tables(tables)

    def plot(self, of: str = "scores", *, table: int = 0) -> Any:
        """A figure of one table: its "scores" or "ranks" with 95 % intervals, or score against "latency" in timing scenarios."""
        from bench.notebook import plots

        with plainly():
            return chosen(of, {
                "scores": lambda: plots.ranked_scores(*self._one(table)), "ranks": lambda: plots.ranks(*self._one(table)),
                "latency": lambda: plots.latency(*self._one(table)),
            }, "plot")  # fmt: skip

    def _one(self, number: int) -> tuple[Board, Table]:
        if self._suites:
            raise BenchError(f"board '{self.name}' is a suite's; plot the boards of its tasks")
        of_tasks = [(one, table) for one, tables in self._found for table in tables]
        if not of_tasks:
            raise BenchError(f"board '{self.name}' has nothing to plot: {self._why[0]}")
        if number not in range(len(of_tasks)):
            raise BenchError(f"table={number} is not there; the board has {len(of_tasks)}, counted from 0")
        return of_tasks[number]

    def __repr__(self) -> str:
        from bench.text.cells import width_of

        said: list[str] = []
        for title, headings, rows, below in self._shown():
            cells = [[html.plain([cell]) for cell in row] for row in (headings, *rows)]
            widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
            lines = [
                "  ".join(cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True))
                for row in cells
            ]
            said += [
                html.plain([title]),
                *(line.rstrip() for line in lines),
                *(html.plain([line]) for line in below),
                "",
            ]
        return "\n".join([*said, *(html.plain([line]) for line in self._lines())]).strip("\n")

    def _repr_html_(self) -> str:
        shown = [html.table(title, heads, rows) + html.lines(below) for title, heads, rows, below in self._shown()]
        return "".join(shown) + html.lines([*self._lines()])

    def _lines(self) -> Iterator[str]:
        if not self.tables:
            yield from self._why
        yield from (f"left out: {problem}" for problem in self.problems)

    def _shown(self) -> Iterator[_Shown]:
        """Each table as text, as the command prints it."""
        from bench.leaderboard import board as boards
        from bench.leaderboard import cells
        from bench.leaderboard import markdown as page

        for one, tables in self._found:
            shown = cells.with_telling_columns(one, tables)
            for table in tables:
                rows = [cells.cells(shown, row) for row in table.rows]
                below = [*page.below(table), *([one.caution] if one.caution else [])]
                yield f"{one.title}: {boards.title(table)}", cells.headings(shown), rows, below
        for suite, combined in self._suites:
            for found in combined:
                rows = [[str(cell) for cell in page.suite_cells(found.columns, row)] for row in found.rows]
                yield f"{suite.title}: {found.device}", page.suite_headings(found), rows, [*found.notes]
