"""Boards as Markdown pages."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from bench.leaderboard import endings, profile, readings, speed, spent
from bench.leaderboard.board import Table, groups, title
from bench.leaderboard.cells import cells, headings, rank_text, shown, with_telling_columns
from bench.leaderboard.columns import of_profiles, of_suite
from bench.leaderboard.definition import Board
from bench.leaderboard.profile import Profile
from bench.leaderboard.speed import SpeedTable
from bench.leaderboard.suite import Column, Combined, SuiteBoard, SuiteTable
from bench.runs.claimed import Claimed
from bench.text.names import labelled
from bench.text.shown import code
from bench.text.shown import markdown as plain
from bench.text.table import Column as Layout

_LONGEST_CELL = 300  # characters
_NAMED = 3  # tasks that a row names of those that its model lacks

RANKS = (
    "The bounds of a rank, in brackets, hold with 95 % confidence for all models of a table together: they count the models that "
    "are significantly better and those that are significantly worse on the same resampled clusters, with Holm's correction for "
    "all pairs. Every model of a group of ties is significantly better than every model of the groups behind it; within a group "
    "the order may be chance."
)


def markdown(board: Board, found: Sequence[Table]) -> str:
    """The board as a Markdown page."""
    board = with_telling_columns(board, found)
    lines = [f"# {plain(board.title)}", ""]
    lines += [f"Task {code(board.task)} version {board.version}, ranked by {plain(board.metric)}.", ""]
    lines += [plain(board.caution), ""] if board.caution else []
    for table in found:
        heads = headings(board)
        lines += [f"## {plain(title(table))}", "", line(heads), "|" + "---|" * len(heads)]
        lines += [line(cells(board, row)) for row in table.rows] + [""]
        lines += [text for line in below(table) for text in (plain(line), "")]
    if not found:
        lines += ["No runs yet.", ""]
    lines += [
        "Scores in percent with 95 % intervals from resampled clusters; ref = reference row, not ranked. The time per answer is "
        "that of all answers over their number; – means that nobody timed them, or that a reference row computes nothing. CPU and "
        "GPU never share a table; a submission, "
        "whose predictions were brought and not timed, stands in each table of its data; so does a run whose device is claimed.",
        "",
    ]
    if any(groups(table) for table in found):
        lines += [RANKS, ""]
    if legend := endings.legend(board.columns):
        lines += [legend, ""]
    lines += [text for line in spent.legend(board.columns) for text in (line, "")]
    if "flips" in board.columns:
        lines += ["Flips: answers of the audited sample that change when they are asked for alone.", ""]
    if "timed" in board.columns:
        lines += [readings.LEGEND, ""]
    return "\n".join([*lines, *speed_lines(speed.of_board(found))])


def speed_lines(found: Sequence[SpeedTable]) -> list[str]:
    """The lines of the tables of speed; none where there are no tables."""
    lines = []
    for table in found:
        heads = [column.heading for column in speed.columns(table)]
        lines += [f"## {plain(speed.title(table))}", "", line(heads), "|" + "---|" * len(heads)]
        lines += [line(speed.cells(table, row)) for row in table.rows] + [""]
        lines += [text for note in table.notes for text in (plain(note), "")]
    return [*lines, speed.SPEED, ""] if found else []


def line(texts: Sequence[str]) -> str:
    """A line of a Markdown table, what is claimed in italics."""
    cells = ((_cell(text), isinstance(text, Claimed)) for text in texts)
    return "| " + " | ".join(f"*{text}*" if claimed else text for text, claimed in cells) + " |"


@functools.lru_cache(maxsize=10_000)
def _cell(text: str) -> str:
    """A cell, made once: most say what others say, "–" above all."""
    return plain(text, _LONGEST_CELL)


def below(table: Table) -> list[str]:
    """The lines under a table: its groups of ties, and what could not be had."""
    ties = []
    for rows in groups(table):
        first, last = rows[0].rank, rows[-1].rank
        ties.append(f"{first}–{last}" if first != last else f"{first}")
    said = f"Groups of statistical ties, by rank: {' | '.join(ties)}." if ties else ""
    return [line for line in (said, *table.notes) if line]


def suite_columns(table: SuiteTable) -> list[Layout]:
    """The columns of a suite's table, as many as `suite_cells` gives of a row."""
    return of_suite([f"{one.board.task} {one.board.metric}" for one in table.columns])


def suite_headings(table: SuiteTable) -> list[str]:
    """The column titles of a suite's table."""
    return [column.heading for column in suite_columns(table)]


def _some(tasks: Sequence[str]) -> str:
    """The tasks, of many the first ones and how many more: the columns show which."""
    if len(tasks) <= _NAMED:
        return ", ".join(tasks) or "–"
    return f"{', '.join(tasks[: _NAMED - 1])} and {len(tasks) - _NAMED + 1} more"


def suite_cells(columns: Sequence[Column], row: Combined) -> list[str]:
    """One row of a suite's table as text."""
    known = [row.rows.get(one.board.task) for one in columns]
    return [
        "–" if row.rank is None else rank_text(row.rank, row.rank_low, row.rank_high),
        labelled(row.model),
        "–" if row.mean_rank is None else f"{row.mean_rank:.2f}",
        "–" if row.normalised is None else f"{100 * row.normalised:.1f}",
        "–" if row.score_rank is None else rank_text(row.score_rank, row.score_rank_low, row.score_rank_high),
        row.dtype,
        row.origin,
        *("–" if one is None else shown(one.score, one.score.value) for one in known),
        _some(row.missing),
    ]


def suite_markdown(board: SuiteBoard, found: Sequence[SuiteTable]) -> str:
    """A suite's board as a Markdown page."""
    lines = [f"# {plain(board.title)}", "", f"Suite {code(board.suite)}.", ""]
    for table in found:
        heads = suite_headings(table)
        lines += [f"## {plain(table.device)}", "", line(heads), "|" + "---|" * len(heads)]
        lines += [line(suite_cells(table.columns, row)) for row in table.rows] + [""]
        lines += [text for note in table.notes for text in (plain(note), "")]
        lines += profile_markdown(table)
        lines += [*scales(table), ""]
    if not found:
        lines += ["No runs yet.", ""]
    return "\n".join([*lines, SUITE, ""])


def profile_columns(table: SuiteTable) -> list[Layout]:
    """The columns of a suite's profiles, as many as `profile_cells` gives of one."""
    return of_profiles(profile.scenarios(table))


def profile_cells(one: Profile) -> list[str]:
    """A model's profile as text."""
    return [labelled(one.row.model), *map(profile.text, one.places)]


def profile_markdown(table: SuiteTable) -> list[str]:
    """What models come to in each scenario, as lines of Markdown; none where the suite is of one scenario."""
    found = profile.profiles(table)
    if not found:
        return []
    heads = [column.heading for column in profile_columns(table)]
    rows = [line(profile_cells(one)) for one in found]
    return [line(heads), "|" + "---|" * len(heads), *rows, "", profile.SAYS, ""]


def scales(table: SuiteTable) -> list[str]:
    """What 0 and 100 of the normalised score mean for each task, as a Markdown table."""
    rows = [
        [one.board.task, one.board.metric, "all" if one.limit is None else f"first {one.limit}",
         str(table.n.get(one.board.task, "–")), f"{100 * one.zero:.1f}", f"{100 * one.one:.1f}"]
        for one in table.columns
    ]  # fmt: skip
    heads = ["task", "metric", "examples", "n", "chance (0)", "reference (100)"]
    return [line(heads), "|" + "---|" * len(heads), *map(line, rows)]


SUITE = (
    "Ranked by the mean over the tasks of a model's rank on each; beside it the mean normalised score, where 0 is the chance level "
    "of a task and 100 its best published reference (a perfect score where there is none), with the rank that it gives. The bounds "
    "of a rank, in brackets, hold with 95 % confidence for all models together; they resample whole tasks, so they speak of tasks "
    "like these. A model that lacks a task is listed without a rank. Scores in percent."
)
