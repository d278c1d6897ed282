"""The boards of DAWNBench as text: cells for a terminal, a Markdown page, and a record for machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from bench.data.dawnbench_figures import SECONDS
from bench.data.dawnbench_format import TRAIN
from bench.data.dawnbench_values import DATA_SETS
from bench.leaderboard.dawnbench import INFERENCE_COST, LATENCY, TIME, TITLE, TRAINING_COST, Row, Standing, Table
from bench.leaderboard.markdown import line
from bench.runs.claimed import MARK, Claimed
from bench.text.shown import markdown as plain
from bench.text.table import ALWAYS, Column
from bench.types import Json

LEGEND = (
    f"{MARK} unverified: the word of who published the entry, measured by nobody here. One run of theirs stands beside the mean of "
    "our own seeds without the fastest and the slowest; latency is the mean of single items, one after the other. All rows rank "
    "together by their figure, whatever machine it is of: that is the competition."
)
_NAMED = 5  # of those that have no place, by name in a line


def title(table: Table) -> str:
    """What a table ranks."""
    return f"{table.data_set}, {table.ranking.title} (bar {_bar(table)})"


def columns(table: Table) -> list[Column]:
    """The columns, as many as `cells` gives of a row."""
    figures = [Column(heading, importance, right=True) for heading, importance, _ in _figures(table)]
    return [
        Column("rank"), Column("model"), *figures, Column("hardware", 90, folds=24), Column("framework", 60, folds=16),
        Column("date", 50), Column("origin", 80, folds=14), Column("n", 40, right=True, folds=16), Column("source", 30, folds=24),
    ]  # fmt: skip


def cells(table: Table, row: Row) -> list[str]:
    """One row as text, its figures marked where they are claimed."""
    one = row.standing
    texts = [shown(row) for _, _, shown in _figures(table)]
    marked = [Claimed(MARK + text) if one.claimed and text != "–" else text for text in texts]
    return [
        str(row.rank),
        one.model,
        *marked,
        one.hardware,
        one.framework,
        one.date,
        one.origin,
        one.n or "–",
        one.source,
    ]


def _figures(table: Table) -> list[tuple[str, int, Callable[[Row], str]]]:
    """Heading, importance and text of each figure; the first one ranks."""
    accuracy = ("accuracy", 70, lambda row: _number(row.standing.accuracy, 4))
    bars = DATA_SETS[table.data_set].bars
    seconds = [(f"seconds to {bar:g}", ALWAYS if bar == bars[0] else 65, _seconds_to(bar)) for bar in bars]
    found: dict[str, list[tuple[str, int, Callable[[Row], str]]]] = {
        TIME.name: seconds,
        TRAINING_COST.name: [("cost, $", ALWAYS, lambda row: _number(row.value, 2)), *seconds[:1]],
        LATENCY.name: [("latency, ms", ALWAYS, lambda row: _number(row.value, 4)), accuracy],
        INFERENCE_COST.name: [("cost per million, $", ALWAYS, lambda row: _number(row.value * 1e6, 3)), accuracy],
    }
    return found[table.ranking.name]


def _seconds_to(bar: float) -> Callable[[Row], str]:
    def shown(row: Row) -> str:
        hours = row.standing.figures.hours.get(bar)
        return "–" if hours is None else _number(hours * SECONDS, 1 if hours * SECONDS >= 100 else 2)

    return shown


def _number(value: float | None, decimals: int) -> str:
    """A figure with so many decimals, or with three digits where these would leave fewer."""
    if value is None:
        return "–"
    text = f"{value:,.{decimals}f}"
    return text if value == 0 or float(text.replace(",", "")) >= 10.0 ** (1 - decimals) else f"{value:.3g}"


def _bar(table: Table) -> str:
    one = DATA_SETS[table.data_set]
    return f"{one.accuracy} {table.bar:g}"


def below(table: Table) -> list[str]:
    """The lines under a table: who has no place on it, and why."""
    found = []
    for why, group in groupby(table.absent, key=lambda pair: pair[1]):
        names = [f"{one.model} ({one.source})" for one, _ in group]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        found.append(f"No place here, {why}: {', '.join(names[:_NAMED])}{more}.")
    return found


def markdown(found: Sequence[Table]) -> str:
    """All boards as one Markdown page."""
    lines = [f"# {TITLE}", ""]
    for table in found:
        headings = [column.heading for column in columns(table)]
        lines += [f"## {plain(title(table))}", ""]
        if table.rows:
            lines += [
                line(headings),
                "|" + "---|" * len(headings),
                *(line(cells(table, row)) for row in table.rows),
                "",
            ]
        lines += [text for said in below(table) for text in (plain(said), "")]
    lines += [LEGEND if found else "No entries yet.", ""]
    return "\n".join(lines)


def record(table: Table) -> dict[str, Json]:
    """A table for machines; `claimed` says of a row that its figures are the word of who published it."""
    rows = [{"rank": row.rank, "value": row.value, **_standing(row.standing)} for row in table.rows]
    absent = [{"reason": why, **_standing(one)} for one, why in table.absent]
    return {
        "data_set": table.data_set, "ranking": table.ranking.name, "unit": table.ranking.unit, "bar": table.bar, "rows": rows,
        "absent": absent,
    }  # fmt: skip


def _standing(one: Standing) -> dict[str, Json]:
    found = {name: getattr(one, name) for name in
             ("model", "hardware", "framework", "date", "origin", "source", "claimed", "accuracy", "n")}  # fmt: skip
    if one.figures.kind != TRAIN:
        return found
    return found | {"seconds": {f"{bar:g}": SECONDS * hours for bar, hours in one.figures.hours.items()}}
