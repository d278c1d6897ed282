"""Score against latency, and against cost, of a board's rows: from readings of timing scenarios alone.

What a whole run took over its answers is no latency: no request of it was sent alone. So a point needs a reading of a scenario, and
only readings that stand in one table of speed (same examples, requests, processor, rules and percentile) share a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.leaderboard import readings, speed
from bench.leaderboard.cells import shown
from bench.leaderboard.speed import SpeedRow, SpeedTable
from bench.record import Run, Score
from bench.runs.claimed import is_claimed
from bench.runs.costs import Cost, figure, of_scenario
from bench.site.axis import Axis, Tick
from bench.site.scores import front
from bench.text.names import labelled
from bench.text.shown import terminal

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520.0, 330.0, 50.0, 18.0, 14.0, 42.0
_LETTER, _LONGEST = 6.4, 26  # of a name: its width in the picture's units, and how much of it is written
_PLACES = ((8.0, -8.0, "start"), (-8.0, -8.0, "end"), (8.0, 16.0, "start"), (-8.0, 16.0, "end"))

Link = Callable[[Run], str]


@dataclass(frozen=True)
class Of:
    """A row of the board as a picture needs it: its run, the page of that, its score, and that as text."""

    run: Run
    page: str
    score: Score


@dataclass(frozen=True)
class Point:
    """A row in the picture; `hollow` for a reading that does not rank, `low` and `high` bound its score."""

    x: float
    y: float
    low: float | None
    high: float | None
    name: str
    page: str
    hollow: bool
    front: bool
    says: str
    label: str = ""
    label_x: float = 0.0
    label_y: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True)
class Tradeoff:
    """A picture of score against one number of a scenario; `cells` are its rows as a table, `absent` those that are not in it."""

    title: str
    points: list[Point]
    front: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_label: str
    y_label: str
    says: str
    heads: list[str]
    cells: list[list[str]]
    absent: list[str]


@dataclass(frozen=True)
class _Measure:
    """What the score is drawn against: title, name with unit, what less of it is, why a row lacks it, its number, its text."""

    title: str
    label: str
    better: str
    missing: str
    value: Callable[[SpeedRow], float | None]
    text: Callable[[float], str] = readings.figure


def tradeoffs(rows: Sequence[Of], metric: str) -> list[Tradeoff]:
    """The pictures of a board's table: of each table of speed with two valid readings or more."""
    by_run = {id(row.run): row for row in rows}
    found = []
    for table in speed.tables([row.run for row in rows]):
        for measure in _measures(table):
            drawn = _picture(table, measure, by_run, metric)
            if drawn is not None:
                found.append(drawn)
    return found


def _measures(table: SpeedTable) -> list[_Measure]:
    """What the score is drawn against: a latency, or of offline readings the cost of 1,000 examples at their rate."""
    name = table.scenario.replace("_", " ")
    if readings.ranks_by(table.rows[0].reading)[0] == "latency":
        title, label = f"Score and latency, {name}", f"{table.by}, {name}"
        return [_Measure(title, label, "sooner", "no latency", lambda row: _milliseconds(row.reading))]
    if table.scenario != "offline":
        return []
    costs = {id(row.run): cost for row in table.rows if (cost := of_scenario(row.run)) is not None}
    return [_cost(currency, costs) for currency in sorted({cost.currency for cost in costs.values()})]


def _cost(currency: str, costs: Mapping[int, Cost]) -> _Measure:
    """The cost in one currency: nothing is converted."""

    def amount(row: SpeedRow) -> float | None:
        found = costs.get(id(row.run))
        return found.amount if found is not None and found.currency == currency else None

    label = f"{currency} for 1,000 examples, offline"
    return _Measure("Score and cost, offline", label, "cheaper", f"no price in {currency}", amount, figure)


def _milliseconds(found: readings.Reading) -> float | None:
    value = readings.value(found)
    return None if value is None else 1000 * value


def _picture(table: SpeedTable, measure: _Measure, by_run: dict[int, Of], metric: str) -> Tradeoff | None:
    """The picture, None where fewer than two rows have a valid reading."""
    drawn: list[tuple[SpeedRow, Of, float]] = []
    absent: list[str] = []
    for row in table.rows:
        of, value = by_run[id(row.run)], measure.value(row)
        if is_claimed(row.run, "scenarios"):
            absent.append(f"{labelled(row.run.model)}: its times are claimed")
        elif value is None or of.score.value is None:
            absent.append(f"{labelled(row.run.model)}: {terminal(row.why or measure.missing, 200)}")
        else:
            drawn.append((row, of, value))
    ranked = [one for one in drawn if one[0].rank is not None]
    if len(ranked) < 2:
        return None
    higher = ranked[0][1].score.higher_is_better
    at = front([(value, of.score.value or 0.0) for _, of, value in ranked], higher_is_better=higher)
    on = {id(ranked[i][0]) for i in at}
    x = Axis.of([value for _, _, value in drawn], LEFT, WIDTH - RIGHT, room=0.08)
    scale = 100.0 if ranked[0][1].score.is_fraction else 1.0
    ends = [
        scale * one for _, of, _ in drawn for one in (of.score.value, of.score.low, of.score.high) if one is not None
    ]
    y = replace(Axis.of(ends, HEIGHT - BOTTOM, TOP, room=0.06), log=False)
    points = [
        replace(_point(row, of, measure.text(value)), x=x.at(value), front=id(row) in on, y=y.at(scale * (of.score.value or 0.0)),
                low=_at(y, scale, of.score.low), high=_at(y, scale, of.score.high))
        for row, of, value in drawn
    ]  # fmt: skip
    line = sorted((point.x, point.y) for point in points if point.front)
    names = ", ".join(f"{point.name} ({point.says})" for point in sorted(points, key=lambda one: one.x) if point.front)
    says = (
        f"{table.device}, {table.processor}. On the front, where no other is both better and {measure.better}: {names}"
    )
    return Tradeoff(
        measure.title, _named(points), "M" + "L".join(f"{a} {b}" for a, b in line), x.ticks(6), y.ticks(6),
        measure.label + (", log scale" if x.log else ""), f"{metric}{', %' if scale == 100 else ''}", says,
        ["model", metric, measure.label, "verdict"],
        [[labelled(row.run.model), shown(of.score, of.score.value), measure.text(value), readings.verdict(row.reading)]
         for row, of, value in drawn], absent,
    )  # fmt: skip


def _point(row: SpeedRow, of: Of, value: str) -> Point:
    """What a row is in the picture, but for its place."""
    says = f"{shown(of.score, of.score.value)} at {value}"
    says += f"; {terminal(row.why, 120)}" if row.why else ""
    return Point(0.0, 0.0, None, None, labelled(row.run.model), of.page, row.rank is None, False, says)


def _at(axis: Axis, scale: float, value: float | None) -> float | None:
    return None if value is None else axis.at(scale * value)


def _named(points: Sequence[Point]) -> list[Point]:
    """The points, those with a name beside them for which there is room, the ones on the front first."""
    taken = [(one.x - 5, one.y - 5, one.x + 5, one.y + 5) for one in points]
    found = []
    for one in sorted(points, key=lambda point: not point.front):
        text = one.name if len(one.name) <= _LONGEST else one.name[: _LONGEST - 1] + "…"
        for dx, dy, anchor in _PLACES:
            start = one.x + dx - (_LETTER * len(text) if anchor == "end" else 0)
            box = (start, one.y + dy - 10, start + _LETTER * len(text), one.y + dy + 2)
            inside = box[0] > LEFT and box[2] < WIDTH - 4 and box[1] > 2 and box[3] < HEIGHT - BOTTOM
            if inside and all(box[2] < t[0] or box[0] > t[2] or box[3] < t[1] or box[1] > t[3] for t in taken):
                taken.append(box)
                one = replace(one, label=text, label_x=one.x + dx, label_y=one.y + dy, anchor=anchor)
                break
        found.append(one)
    return found
