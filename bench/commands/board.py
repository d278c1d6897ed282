"""`bench board`: ranked tables, on the terminal and as Markdown."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands import output
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.leaderboard.board import Board, Table


def main(options: argparse.Namespace) -> int:
    """Print boards and write their Markdown pages."""
    from bench.disk import write_atomically
    from bench.leaderboard import board as boards
    from bench.records import find_runs

    paths = [boards.find(options.name)] if options.name else boards.definitions()
    runs = [found for _, found in find_runs(options.runs)]
    out = Path("leaderboards")
    record: dict[str, Any] = {}
    for path in paths:
        one = boards.read(path)
        found = boards.tables(one, runs)
        if not found and not options.name:
            continue
        try:
            out.mkdir(exist_ok=True)
            write_atomically(out / f"{one.name}.md", boards.markdown(one, found))
        except OSError as error:
            raise BenchError(
                f"{out / one.name}.md cannot be written ({error.strerror}); run `bench board` in a writable folder"
            ) from None
        record[one.name] = [_table_json(table) for table in found]
        if not options.json:
            _print_board(one, found)
    if options.json:
        output.emit(record)
    elif not record:
        print(f"no complete runs in {options.runs}; `bench run suite=mini model=lexical` makes some")
    return 0


def _print_board(board: Board, found: list[Table]) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable

    from bench.leaderboard import board as boards

    console = Console(width=None if os.isatty(1) else 240)  # nothing is cut where a file or a log is read
    if not found:
        console.print(f"{board.title}: no runs yet")
    board = boards.with_flips(board, found)
    for table in found:
        rich = RichTable(title=f"{board.title}: {boards.title(table)}", title_justify="left")
        for heading in boards.headings(board):
            text = heading in ("rank", "model", "device", "dtype", "commit", "date")
            rich.add_column(
                heading, justify="left" if text else "right", no_wrap=heading == "model" or "[95" in heading
            )
        for row in table.rows:
            rich.add_row(
                *(cell.replace("[", r"\[") for cell in boards.cells(board, row)),
                style="dim" if row.rank is None else None,
            )
        console.print(rich)


def _table_json(table: Table) -> dict[str, Any]:
    rows = [
        {"rank": row.rank, "model": row.run.model, **vars(row.score), "run_id": row.run.run_id,
         "examples_per_second": row.run.timings["examples_per_second"], "audit": row.run.audit}
        for row in table.rows
    ]  # fmt: skip
    return {"device": table.device, "data_fingerprint": table.fingerprint, "n": table.n, "rows": rows}
