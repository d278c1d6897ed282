"""What runs cost and took of energy, as columns of a board: shown, and ranking nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.leaderboard.columns import COSTS
from bench.leaderboard.definition import Board
from bench.record import Run
from bench.runs import costs, energy
from bench.runs.claimed import is_claimed
from bench.runs.costs import Cost
from bench.runs.price import shown
from bench.text.shown import of_name

_BEHIND = "seconds_per_answer"


def with_columns(board: Board, runs: Sequence[Run]) -> Board:
    """The board with the columns of costs and energy that any row has a figure for, and the currency that they have in common."""
    found = {name: [cost for run in runs if (cost := _cost(run, name, board)) is not None] for name in COSTS}
    added = [name for name, given in found.items() if given]
    added += ["energy"] if any(energy.shown(run) != "–" for run in runs) else []
    currencies = {cost.currency for given in found.values() for cost in given}
    at = board.columns.index(_BEHIND) + 1 if _BEHIND in board.columns else len(board.columns)
    columns = (*board.columns[:at], *(name for name in added if name not in board.columns), *board.columns[at:])
    return replace(board, columns=columns, currency=currencies.pop() if len(currencies) == 1 else "")


def cells(run: Run, board: Board) -> dict[str, str]:
    """The texts of the columns that the board has of these; a cost names its currency where the heading does not."""
    found = {name: _text(_cost(run, name, board), board.currency) for name in COSTS if name in board.columns}
    return found | ({"energy": energy.shown(run)} if "energy" in board.columns else {})


def _cost(run: Run, name: str, board: Board) -> Cost | None:
    return costs.per_1000(run) if name == "cost_per_1000" else costs.per_right_answer(run, board.metric)


def _text(cost: Cost | None, currency: str) -> str:
    return "–" if cost is None else costs.figure(cost.amount) if currency else str(cost)


def notes(runs: Sequence[Run]) -> list[str]:
    """A line for each price that was given here: for which rows, its figure, of which day and from where."""
    given: dict[str, list[str]] = {}
    for run in runs:
        if costs.per_example(run) is not None and not is_claimed(run, "price"):
            given.setdefault(shown(run.price), []).append(run.model)
    return [of_name(f"Price of {_listed(sorted(set(models)))}", f"{one}.") for one, models in sorted(given.items())]


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def legend(columns: Sequence[str]) -> list[str]:
    """What the columns mean, as lines of a page."""
    lines = []
    if "cost_per_1000" in columns:
        lines.append(
            "Cost of 1,000 examples: the price times the seconds that the answers took, without loading and scoring, or times "
            "their tokens; of a right answer: an example's cost over the share of right answers "
            f"({', '.join(costs.SHARES_OF_RIGHT)}). Costs rank nothing, and no currency is converted."
        )
    if "energy" in columns:
        lines.append(
            "Energy: joules of the whole run, with the load of the model; read from counters, or estimated where it says so."
        )
    return lines
