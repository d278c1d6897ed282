"""A suite's board: models by tasks, combined by mean rank and by mean normalised score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from bench.data.plain_yaml import read_yaml
from bench.errors import BenchError
from bench.leaderboard.board import Row, Table
from bench.leaderboard.definition import Board
from bench.runs.claimed import LEGEND, Claimed, is_own, known_since, shown
from bench.task import Card

if TYPE_CHECKING:
    from bench.stats.ranks import Ranks

_KEYS = "title (str), suite (str), devices (list)"


@dataclass(frozen=True)
class SuiteBoard:
    """What `leaderboards/<name>.yaml` says that has the key `suite`: that of conf/suite whose tasks it combines."""

    name: str
    title: str
    suite: str
    devices: tuple[str, ...] = ("cpu", "cuda")


@dataclass(frozen=True)
class Column:
    """One task of a suite: its board, how many examples the suite takes (None: all), and where its scale begins and ends.

    A score of `zero` is normalised to 0, one of `one` to 1: see `scale`. `scenario` is that of the task's card.
    """

    board: Board
    limit: int | None
    zero: float
    one: float
    scenario: str = ""

    def normalised(self, value: float) -> float:
        """A score on the task's scale."""
        return (value - self.zero) / (self.one - self.zero)


@dataclass(frozen=True)
class Combined:
    """One model: its row for each task that it has, by task, and what they come to.

    `rank` and `score_rank` are its places by mean rank and by mean normalised score, None for a reference row and for a
    model that lacks some of the tasks (`missing`); their bounds are None where there are too few tasks.
    """

    model: str
    dtype: str
    origin: str
    rows: Mapping[str, Row]
    missing: tuple[str, ...] = ()
    normalised: float | None = None
    mean_rank: float | None = None
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    score_rank: int | None = None
    score_rank_low: int | None = None
    score_rank_high: int | None = None


@dataclass(frozen=True)
class SuiteTable:
    """The models of one device class; `n` are the examples of each task, by task."""

    device: str
    columns: tuple[Column, ...]
    rows: tuple[Combined, ...]
    n: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(path: Path) -> SuiteBoard:
    """Read the definition of a suite's board; raises BenchError for an unknown or missing key or a wrong type."""
    try:
        found = read_yaml(path)
        kinds = {"title": str, "suite": str, "devices": list}
        wrong = [name for name, kind in kinds.items() if name in found and type(found[name]) is not kind]
        if wrong:
            raise TypeError(f"{wrong[0]} is a {type(found[wrong[0]]).__name__}")
        if not all(isinstance(one, str) for one in found.get("devices", ())):
            raise TypeError("devices holds something that is no text")
        return SuiteBoard(path.stem, **{k: tuple(v) if isinstance(v, list) else v for k, v in found.items()})  # type: ignore[arg-type]
    except (TypeError, AttributeError) as error:
        raise BenchError(f"{path}: {' '.join(str(error).split())}; allowed keys: {_KEYS}") from None


def scale(card: Card, *, higher_is_better: bool) -> tuple[float, float]:
    """The ranked metric's values that count as 0 and as 1.

    0 is the middle of the card's chance level. 1 is the best of its published references (people or systems), else a
    perfect score: 1, or 0 where less is better. Raises BenchError where the two are the same.
    """
    zero = sum(card.chance) / 2
    best = max if higher_is_better else min
    one = best(card.references.values()) if card.references else float(higher_is_better)
    if (one > zero) is not higher_is_better or one == zero:
        raise BenchError(f"{card.title}: the reference {one} is no better than chance, {zero}; correct the task's card")
    return zero, one


def combined(board: SuiteBoard, columns: Sequence[Column], tables: Mapping[str, Sequence[Table]]) -> list[SuiteTable]:
    """The suite's table for each device class that has models; `tables` are those of the tasks' boards, by task."""
    found = []
    for device in board.devices:
        chosen = {one.board.task: _chosen(tables[one.board.task], device, one.limit) for one in columns}
        if any(row.rank is not None for table in chosen.values() if table for row in table.rows):
            found.append(_table(device, columns, {task: table for task, table in chosen.items() if table}))
    return found


def why_none(columns: Sequence[Column], tables: Mapping[str, Sequence[Table]]) -> str:
    """Why a suite has no table although some of its tasks have runs, and what to do."""
    for column in columns:
        task = column.board.task
        limits = {table.limit for table in tables[task] if any(row.rank is not None for row in table.rows)}
        if limits and column.limit not in limits:
            took = ", ".join(
                f"the first {limit:,}" if limit else "all" for limit in sorted(limits, key=lambda one: one or 0)
            )
            takes, how = (
                (f"the first {column.limit:,}", f"limit={column.limit}") if column.limit else ("all", "no limit=")
            )
            return f"{task} was run on {took} of its examples, where the suite takes {takes}; run it with {how}"
    return "only reference rows were run on its tasks, which rank with no others; run a model"


def _chosen(tables: Sequence[Table], device: str, limit: int | None) -> Table | None:
    """The table on as many examples as the suite takes; of several data sets the one that most models were run on."""
    fitting = [one for one in tables if one.device == device and one.limit == limit]
    return max(fitting, key=lambda table: sum(row.rank is not None for row in table.rows), default=None)


def _table(device: str, columns: Sequence[Column], chosen: Mapping[str, Table]) -> SuiteTable:
    tasks = [one.board.task for one in columns]
    by_model: dict[tuple[str, ...], dict[str, Row]] = {}
    for task, table in chosen.items():
        for row in sorted(table.rows, key=lambda row: known_since(row.run)):
            dtype = "–" if row.run.submission else shown(row.run, "dtype", str(row.run.environment["dtype"]))
            by_model.setdefault((row.run.model, dtype, *_voice(row)), {})[task] = row
    complete: list[Combined] = []
    partial: list[Combined] = []
    for (model, dtype, *_), rows in by_model.items():
        missing = tuple(task for task in tasks if task not in rows or rows[task].score.value is None)
        origins = list(dict.fromkeys(row.origin for row in rows.values()))
        one = Combined(model, dtype, ", ".join(origins), rows, missing)
        (partial if missing or _is_reference(one) else complete).append(one)
    ranked = _ranked(columns, complete)
    rest = sorted((_with_score(columns, one) for one in partial), key=lambda one: (len(one.missing), one.model))
    few = len(ranked) > 1 and all(one.rank_low is None for one in ranked)
    notes = [f"No intervals on ranks: {len(columns)} tasks are too few to resample."] if few else []
    notes += [LEGEND] if any(isinstance(one.dtype, Claimed) for one in (*ranked, *rest)) else []
    n = {task: table.n for task, table in chosen.items()}
    return SuiteTable(device, tuple(columns), (*ranked, *rest), n, tuple(notes))


def _voice(row: Row) -> tuple[str, ...]:
    """Whose the row is, so that nobody's hides another's: () for one's own, else how far it is vouched for, and the submitter."""
    return () if is_own(row.run) else (row.origin, str(row.run.origin.get("submitter", "")))


def _is_reference(one: Combined) -> bool:
    return any(row.run.is_reference for row in one.rows.values())


def _normalised(columns: Sequence[Column], one: Combined) -> list[float]:
    values = [one.rows[column.board.task].score.value for column in columns]
    return [c.normalised(v) for v, c in zip(values, columns, strict=True) if v is not None]


def _with_score(columns: Sequence[Column], one: Combined) -> Combined:
    """An unranked model with its mean score, where it has all tasks."""
    return one if one.missing else replace(one, normalised=fmean(_normalised(columns, one)))


def _ranked(columns: Sequence[Column], models: Sequence[Combined]) -> list[Combined]:
    """The models that have every task, by mean rank; equal values of a task share the mean of their ranks."""
    if not models:
        return []
    from bench.stats.ranks import by_tasks  # SciPy takes a quarter of a second

    scores = np.array([_normalised(columns, one) for one in models])
    better = (scores[None, :, :] > scores[:, None, :]).sum(axis=1)
    same = (scores[None, :, :] == scores[:, None, :]).sum(axis=1)
    places = 1 + better + (same - 1) / 2  # [m, t]
    of_ranks, of_scores = by_tasks(places, higher_is_better=False), by_tasks(scores)
    mean_rank, mean_score = places.mean(axis=1), scores.mean(axis=1)
    by_rank = sorted(range(len(models)), key=lambda i: (mean_rank[i], -mean_score[i], models[i].model))
    by_score = sorted(range(len(models)), key=lambda i: (-mean_score[i], mean_rank[i], models[i].model))
    found = []
    for rank, i in enumerate(by_rank, start=1):
        found.append(
            replace(
                models[i], normalised=float(mean_score[i]), mean_rank=float(mean_rank[i]), rank=rank,
                score_rank=by_score.index(i) + 1,
                rank_low=_at(of_ranks, "low", i), rank_high=_at(of_ranks, "high", i),
                score_rank_low=_at(of_scores, "low", i), score_rank_high=_at(of_scores, "high", i),
            )
        )  # fmt: skip
    return found


def _at(ranks: Ranks | None, bound: str, i: int) -> int | None:
    return int(getattr(ranks, bound)[i]) if ranks else None
