"""Profiles of a suite's models: what each comes to in every scenario, beside chance, a perfect score and the majority's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from bench.leaderboard.suite import Column, Combined, SuiteTable
from bench.record import Score

MAJORITY = "majority"  # the reference row that always gives the commonest answer


@dataclass(frozen=True)
class Place:
    """What a model comes to in a scenario: the mean of its normalised scores over `n` of the scenario's `of` tasks.

    `value` is 0 at the chance level and 1 at the best reference, None without any task. The bounds of 95 % are None where a task's
    score has none. Only places on all tasks of a scenario compare.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    of: int

    @property
    def whole(self) -> bool:
        """Whether the model has every task of the scenario."""
        return self.n == self.of and self.n > 0


@dataclass(frozen=True)
class Profile:
    """A model's place in each scenario, in the order of the table's `scenarios`; `reference` for a reference row."""

    row: Combined
    places: tuple[Place, ...]
    reference: bool


def scenarios(table: SuiteTable) -> list[str]:
    """The scenarios of a suite's tasks, in their order; of the tasks that nobody was run on none is counted."""
    return list(dict.fromkeys(one.scenario for one in table.columns if one.scenario and one.board.task in table.n))


def profiles(table: SuiteTable) -> list[Profile]:
    """A profile for each row of the table, the ranked first as there; none where the tasks are of fewer than two scenarios."""
    names = scenarios(table)
    if len(names) < 2:
        return []
    by_name = {name: [c for c in table.columns if c.scenario == name and c.board.task in table.n] for name in names}
    return [
        Profile(row, tuple(place(by_name[name], row) for name in names), any(one.run.is_reference for one in row.rows.values()))
        for row in table.rows
    ]  # fmt: skip


def place(columns: Sequence[Column], row: Combined) -> Place:
    """A row's place on these tasks.

    The bounds are those of a mean of independent estimates: the root of the summed squares of the distances to each one's own
    bound. Source: Zou and Donner 2008, "Construction of confidence limits about effect measures" (Statistics in Medicine 27).
    """
    found = [(c, row.rows[c.board.task].score) for c in columns if c.board.task in row.rows]
    scored = [(c, score) for c, score in found if score.value is not None]
    if not scored:
        return Place(None, None, None, 0, len(columns))
    ends = [_bounds(c, score) for c, score in scored]
    values = [c.normalised(score.value) for c, score in scored if score.value is not None]
    value, low, high = fmean(values), None, None
    known = [pair for pair in ends if pair is not None]
    if len(known) == len(ends):
        low = value - sqrt(sum((v - a) ** 2 for v, (a, _) in zip(values, known, strict=True))) / len(values)
        high = value + sqrt(sum((b - v) ** 2 for v, (_, b) in zip(values, known, strict=True))) / len(values)
    return Place(value, low, high, len(scored), len(columns))


def _bounds(column: Column, score: Score) -> tuple[float, float] | None:
    """A score's bounds on the task's scale, the lower first; None where it has none."""
    if score.low is None or score.high is None:
        return None
    ends = sorted((column.normalised(score.low), column.normalised(score.high)))
    return ends[0], ends[1]


def majority(found: Sequence[Profile]) -> Profile | None:
    """The row of the majority's answer."""
    return next((one for one in found if one.row.model == MAJORITY and one.reference), None)


def text(found: Place) -> str:
    """A place as text in percent: with its bounds, and how many tasks it is on where those are not all."""
    if found.value is None:
        return "–"
    said = _percent(found.value)
    if found.low is not None and found.high is not None:
        said += f" [{_percent(found.low)}, {_percent(found.high)}]"
    return said if found.whole else f"{said} ({found.n} of {found.of} tasks)"


def _percent(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:.1f}"  # no "-0.0"


SAYS = (
    "The mean normalised score of each scenario's tasks: 0 is chance, 100 the best published reference (a perfect score where "
    "there is none), with 95 % intervals. A place on some of a scenario's tasks says on how many, and compares with no other."
)
