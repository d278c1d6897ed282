"""Boards of speed, printed and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.leaderboard.board import Table
    from bench.leaderboard.definition import Board
    from bench.leaderboard.speed import SpeedTable


def show(found: Sequence[tuple[Board, Sequence[Table]]]) -> None:
    """Print the tables of speed of these boards; a line for a board whose rows have no reading."""
    from bench.commands.shared import tables as printed
    from bench.leaderboard import speed

    shown = False
    for board, tables in found:
        timed = speed.of_board(tables)
        shown = shown or bool(timed)
        if tables and not timed:
            tell(
                f"{board.title}: no readings yet; `bench run task={board.task} model=… timing=single_stream` makes one"
            )
        for table in timed:
            rows = [printed.Row(speed.cells(table, row), row.rank is None) for row in table.rows]
            title = f"{board.title}: {speed.title(table)}"
            printed.show(title, speed.columns(table), rows, whole=f"leaderboards/{board.name}.md")
            for note in table.notes:
                tell(note)
    if shown:
        tell(speed.SPEED)


def record(found: Sequence[tuple[Board, Sequence[Table]]]) -> dict[str, list[dict[str, Any]]]:
    """The tables of speed for `--json`; what is claimed of a row stands below that word."""
    from bench.leaderboard import speed

    return {board.name: [_table(table) for table in speed.of_board(tables)] for board, tables in found}


def _table(table: SpeedTable) -> dict[str, Any]:
    from bench.leaderboard.alike import origin_of
    from bench.runs.claimed import is_claimed

    rows = []
    for row in table.rows:
        reading = "claimed" if is_claimed(row.run, "scenarios") else "reading"
        rows.append({
            "rank": row.rank, "rank_low": row.low, "rank_high": row.high, "unranked": row.why, "origin": origin_of(row.run),
            "model": row.run.model, "run_id": row.run.run_id, reading: dict(row.reading),
        })  # fmt: skip
    return {
        "scenario": table.scenario, "device": table.device, "processor": table.processor, "rules": table.rules, "by": table.by,
        "data_fingerprint": table.fingerprint, "n": table.n, "rows": rows, "notes": list(table.notes),
    }  # fmt: skip
