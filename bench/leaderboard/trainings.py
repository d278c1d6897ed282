"""Boards of time to accuracy: trainings to one target on one split and device, ranked by the result of MLPerf's rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from bench.leaderboard.markdown import line
from bench.text.shown import code, of_name
from bench.text.shown import markdown as plain
from bench.text.table import ALWAYS, Column
from bench.training.record import TrainingRecord

PREFIX = "time_to_accuracy_"  # of a board's page
COLUMNS = (
    Column("#", ALWAYS, True), Column("model", ALWAYS), Column("time (MLPerf)", ALWAYS, True),
    Column("median (AlgoPerf)", 90, True), Column("fastest–slowest", 80, True), Column("std", 60, True),
    Column("reached", 85, True), Column("cost", 70, True),
    Column("lost + repeated", 40, True), Column("dtype", 50), Column("machine", 55, folds=30), Column("date", 30),
)  # fmt: skip
RULES = (
    "Seconds of training until the target's metric was first at the bar, evaluations, loading and checkpoints outside. MLPerf: the "
    "mean of the runs without the fastest and the slowest, of which a single miss is the slowest; two misses, or fewer than three "
    "runs, give no result. AlgoPerf: the median of all runs, a miss being infinite. Work that was lost to a kill or trained again "
    "has a column of its own, and is in no time."
)


@dataclass(frozen=True)
class TimeTable:
    """Trainings that compare with each other: ranked ones by their time, then those without a result."""

    title: str
    comparable: bool
    rows: Sequence[TrainingRecord]

    @property
    def notes(self) -> list[str]:
        """Why rows have no result, and what the numbers do not compare with."""
        found = [
            of_name(one.model, f"no result, {one.result['mlperf']['reason']}.") for one in self.rows if not _time(one)
        ]
        if not self.comparable:
            found.append(
                "Trained or evaluated on examples of its own choice: not comparable with others' numbers on this data set."
            )
        return list(dict.fromkeys(found))


def tables(records: Iterable[TrainingRecord]) -> list[TimeTable]:
    """The tables of one task's trainings; of several of one identity the last stands."""
    latest: dict[str, TrainingRecord] = {}
    for one in sorted(records, key=attrgetter("created")):
        latest[re.sub(r"(?<=[0-9a-f]{12})-\d+$", "", one.training_id)] = one
    groups: dict[tuple[object, ...], list[TrainingRecord]] = {}
    for one in latest.values():
        same = (str(one.bar), one.task_version, one.asked, one.data_fingerprint, one.taught, one.split, one.device)
        groups.setdefault(same, []).append(one)
    found = []
    for rows in groups.values():
        rows.sort(key=lambda one: (_time(one) is None, _time(one) or 0.0, one.model, one.created))
        first = rows[0]
        title = (
            f"time to {first.bar.metric} {first.bar.value:g} on {first.device}: {first.n_training:,} trained on "
            f"({first.split}), {first.n_evaluation:,} evaluated"
        )
        found.append(TimeTable(title, first.comparable, rows))
    return sorted(found, key=lambda table: (not table.comparable, table.title))


def _time(one: TrainingRecord) -> float | None:
    seconds: float | None = one.result["mlperf"]["seconds"]
    return seconds


def cells(table: TimeTable) -> list[list[str]]:
    """The rows as text, as many cells as there are columns; rows without a result have no rank."""
    found = []
    for place, one in enumerate(table.rows, start=1):
        time, spread, paid = _time(one), one.result["spread"], one.cost
        median = one.result["algoperf"]["seconds"]
        wasted = sum(seed["lost_seconds"] + seed["repeated_seconds"] for seed in one.seeds)
        found.append(
            [
                str(place) if time is not None else "–", one.model, duration(time), "∞" if median is None else duration(median),
                f"{duration(spread['min'])}–{duration(spread['max'])}" if spread["n_reached"] else "–", duration(spread["std"]),
                f"{spread['n_reached']} of {spread['n']}",
                "–" if paid is None else str(paid),
                duration(wasted) if wasted else "0 s", one.dtype, _machine(one), one.created[:10],
            ]
        )  # fmt: skip
    return found


def _machine(one: TrainingRecord) -> str:
    facts = one.environment
    name = str(facts.get("device_name") or facts.get("cpu") or "unknown")
    return name if one.device == "cuda" else f"{name}, {facts.get('threads')} threads"


def duration(seconds: float | None) -> str:
    """Seconds for a person.

    >>> duration(0.0123), duration(75.25), duration(4000), duration(None)
    ('0.0123 s', '75.2 s', '66.7 min', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 600:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.2f} h"


def markdown(task: str, found: Sequence[TimeTable]) -> str:
    """The page of a task's trainings."""
    lines = [f"# Time to accuracy: {plain(task)}", "", f"Task {code(task)}, `bench train`.", ""]
    for table in found:
        lines += [
            f"## {plain(table.title)}",
            "",
            line([column.heading for column in COLUMNS]),
            "|" + "---|" * len(COLUMNS),
        ]
        lines += [line(row) for row in cells(table)] + [""]
        lines += [text for note in table.notes for text in (plain(note), "")]
    return "\n".join([*lines, RULES, ""])
