"""The picture of a suite's profiles: a row for each model, a column for each scenario, a bar from chance to what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.leaderboard import profile
from bench.leaderboard.profile import Place, Profile
from bench.leaderboard.suite import SuiteTable
from bench.site.axis import Axis, Tick
from bench.text.names import labelled

WIDTH, NAMES, GAP, LINE, TOP, BOTTOM = 760.0, 170.0, 14.0, 24.0, 26.0, 24.0
_LONGEST = 24  # letters of a name that are written


@dataclass(frozen=True)
class Bar:
    """A model's place in one scenario: from `zero` to `end`, its range, and whether it is on some of the tasks only (`hollow`)."""

    left: float
    width: float
    end: float
    low: float | None
    high: float | None
    hollow: bool
    says: str


@dataclass(frozen=True)
class Line:
    """A model: its name at height `y`, and a bar for each scenario, None where it has no task of it."""

    name: str
    written: str
    y: float
    reference: bool
    bars: list[Bar | None]


@dataclass(frozen=True)
class Panel:
    """A scenario's column: where chance, a perfect score or reference, and the majority's answer (None: no such row) stand."""

    name: str
    middle: float
    start: float
    end: float
    chance: float
    reference: float
    majority: float | None
    ticks: list[Tick]


@dataclass(frozen=True)
class Picture:
    """The picture of one table; `cells` are its numbers as text."""

    width: float
    height: float
    panels: list[Panel]
    lines: list[Line]
    heads: list[str]
    cells: list[list[str]]


def picture(table: SuiteTable) -> Picture | None:
    """The picture of a suite's table; None where its tasks are of fewer than two scenarios, or no model has any."""
    found = [one for one in profile.profiles(table) if any(place.n for place in one.places)]
    names = profile.scenarios(table)
    if not found:
        return None
    axes = _axes(found, len(names))
    common = profile.majority(found)
    panels = [
        _panel(name, axis, common.places[i] if common else None)
        for i, (name, axis) in enumerate(zip(names, axes, strict=True))
    ]
    lines = [_line(one, axes, names, TOP + (i + 0.5) * LINE) for i, one in enumerate(found)]
    cells = [[labelled(one.row.model), *map(profile.text, one.places)] for one in found]
    return Picture(WIDTH, TOP + LINE * len(found) + BOTTOM, panels, lines, ["model", *names], cells)


def _axes(found: Sequence[Profile], n: int) -> list[Axis]:
    """An axis for each scenario, all of one scale: from the lowest place or chance to the highest or the reference."""
    values = [place.value for one in found for place in one.places if place.value is not None]
    low, high = min(0.0, *values), max(1.0, *values)
    room = 0.04 * (high - low)
    wide = (WIDTH - NAMES - GAP * n) / n
    starts = [NAMES + GAP / 2 + i * (wide + GAP) for i in range(n)]
    return [Axis(low - room, high + room, start, round(start + wide, 2)) for start in starts]


def _panel(name: str, axis: Axis, common: Place | None) -> Panel:
    at = None if common is None or common.value is None else axis.at(common.value)
    ticks = [Tick(axis.at(value), text) for value, text in ((0.0, "0"), (1.0, "100"))]
    return Panel(name, (axis.start + axis.end) / 2, axis.start, axis.end, axis.at(0.0), axis.at(1.0), at, ticks)


def _line(one: Profile, axes: Sequence[Axis], names: Sequence[str], y: float) -> Line:
    name = labelled(one.row.model)
    written = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    bars = [_bar(place, axis, name, scenario) for place, axis, scenario in zip(one.places, axes, names, strict=True)]
    return Line(name, written, y, one.reference, bars)


def _bar(place: Place, axis: Axis, name: str, scenario: str) -> Bar | None:
    if place.value is None:
        return None
    zero, end = axis.at(0.0), axis.at(place.value)
    low, high = (None if one is None else axis.at(one) for one in (place.low, place.high))
    says = f"{name}, {scenario}: {profile.text(place)}"
    return Bar(min(zero, end), max(abs(end - zero), 0.5), end, low, high, not place.whole, says)
