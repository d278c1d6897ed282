"""The cells of a board's rows as text: ×100 and rounding happen here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.leaderboard import endings, readings, spent
from bench.leaderboard.alike import said_device
from bench.leaderboard.board import Row, Table, score_of
from bench.leaderboard.columns import declared, further, ranking
from bench.leaderboard.definition import Board
from bench.leaderboard.readings import figure
from bench.record import Run, Score
from bench.runs.claimed import date_text, rerun_of
from bench.runs.claimed import shown as marked
from bench.runs.rates import examples_per_second, seconds_per_answer
from bench.text.names import labelled
from bench.text.table import Column


def with_telling_columns(board: Board, found: Sequence[Table]) -> Board:
    """The board with the columns that its rows have something for.

    These are how answers ended, the flips of an audit, what scenario readings are worth, costs and energy.
    """
    runs = [row.run for table in found for row in table.rows]
    telling = endings.telling([run for run in runs if not run.is_reference])
    telling += ["flips"] if any(run.audit for run in runs) else []
    added = [name for name in (*telling, *readings.telling(runs)) if name not in board.columns]
    at = board.columns.index("failed") + 1 if "failed" in board.columns else len(board.columns)
    return spent.with_columns(replace(board, columns=(*board.columns[:at], *added, *board.columns[at:])), runs)


def columns(board: Board) -> list[Column]:
    """The columns, as many as `cells` gives of a row."""
    return [*ranking(board.metric), *further(board.more), *(declared(name, board.currency) for name in board.columns)]


def headings(board: Board) -> list[str]:
    """The column titles."""
    return [column.heading for column in columns(board)]


def cells(board: Board, row: Row) -> list[str]:
    """One row as text, what is claimed as `Claimed`; ×100 and rounding happen here and nowhere else."""
    run = row.run
    score = row.score
    failed = f"{score.n_failed}" + (f" (at best {shown(score, score.best)})" if score.best is not None else "")
    more = [shown(found, found.value) for found in (score_of(run, name) for name in board.more)]
    environment = run.environment
    ended = {name: endings.cell(run, name, score, shown) for name in endings.COLUMNS if name in board.columns}
    timed = {name: readings.cell(run, name) for name in (*readings.COLUMNS, "timed") if name in board.columns}
    values = ended | timed | spent.cells(run, board) | {
        "n": str(score.n or "–"), "failed": failed, "flips": _flips(run), "origin": origin_text(row), "device": said_device(run),
        "dtype": "–" if run.submission else environment["dtype"],
        "examples_per_second": figure(examples_per_second(run)), "seconds_per_answer": figure(seconds_per_answer(run), 1000),
        "commit": environment["commit"] or "–", "date": date_text(run),
    }  # fmt: skip
    return [
        rank_of(row),
        labelled(run.model),
        interval(score),
        *more,
        *(values[name] if name == "date" else marked(run, name, str(values[name])) for name in board.columns),
    ]


def origin_text(row: Row) -> str:
    """The origin of a row, with what came of running its model again."""
    again = rerun_of(row.run) if row.origin == "verified" else None
    return f"{row.origin}, {again}" if again else row.origin


def rank_of(row: Row) -> str:
    """The rank of a row as text: "ref" for a reference row, "–" for a run without a score."""
    if row.rank is None:
        return "ref" if row.run.is_reference else "–"
    return rank_text(row.rank, row.rank_low, row.rank_high)


def rank_text(rank: int, low: int | None, high: int | None) -> str:
    """A rank with its interval, as in "2 (1–4)"."""
    return str(rank) if low is None else f"{rank} ({low}–{high})" if low != high else f"{rank} ({low})"


def _flips(run: Run) -> str:
    """How many answers of the audited sample another batch changed."""
    return f"{run.audit['flips']} of {run.audit['n']}" if run.audit.get("kind") == "batch_invariance" else "–"


def interval(score: Score) -> str:
    """The value with its bounds; a fraction as percent."""
    if score.low is None or score.high is None:
        return f"{shown(score, score.value)} [–]"
    return f"{shown(score, score.value)} [{shown(score, score.low)}, {shown(score, score.high)}]"


def amount(value: float) -> str:
    """A value that is no fraction, of whatever size: two digits behind the point, or three that count.

    >>> amount(19.468), amount(0.0), amount(0.00123), amount(-3e99)
    ('19.47', '0.00', '0.00123', '-3e+99')
    """
    return f"{value:.2f}" if value == 0 or 0.1 <= abs(value) < 1e6 else f"{value:.3g}"


def shown(score: Score, value: float | None) -> str:
    """A value of this score's metric as text."""
    if value is None:
        return "–"
    text = f"{100 * value:.1f}" if score.is_fraction else amount(value)
    return text.removeprefix("-") if float(text) == 0 else text
