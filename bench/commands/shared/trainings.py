"""Trainings as `bench train` and `bench board` show them: a row for each seed, and the boards of time to accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.commands.shared import tables as printed
from bench.errors import BenchError
from bench.leaderboard import trainings as boards
from bench.leaderboard.trainings import TimeTable, duration
from bench.text.shown import tell
from bench.training import record as records
from bench.training.record import TrainingRecord

_HEADINGS = (
    "seed",
    "reached",
    "seconds",
    "hours",
    "epoch",
    "value",
    "best",
    "evaluations",
    "attempts",
    "lost s",
    "repeated s",
)


def gathered(runs_dir: Path, task: str | None) -> tuple[dict[str, list[TimeTable]], list[str]]:
    """The tables of each task that has trainings, and what is wrong with records that are left out."""
    found: dict[str, list[TrainingRecord]] = {}
    problems = []
    for folder in records.folders(runs_dir):
        if task is None or folder.parent.parent.name == task:
            try:
                one = records.read(folder / records.FILE)
                found.setdefault(one.task, []).append(one)
            except BenchError as error:
                problems.append(str(error))
    return {name: boards.tables(those) for name, those in sorted(found.items())}, problems


def show(found: Mapping[str, list[TimeTable]]) -> None:
    """Print the boards."""
    for task, tables in found.items():
        for table in tables:
            rows = [printed.Row(row, row[0] == "–") for row in boards.cells(table)]
            printed.show(
                f"{task}: {table.title}", list(boards.COLUMNS), rows, whole=f"leaderboards/{boards.PREFIX}{task}.md"
            )
            for note in table.notes:
                tell(note)
        tell(boards.RULES)


def pages(found: Mapping[str, list[TimeTable]]) -> dict[str, str]:
    """The boards' pages by name."""
    return {boards.PREFIX + task: boards.markdown(task, tables) for task, tables in found.items()}


def as_json(found: Mapping[str, list[TimeTable]]) -> dict[str, Any]:
    """The boards for `--json`, best first, by the names of their pages."""
    return {
        boards.PREFIX + task: [
            {"title": table.title, "comparable": table.comparable, "notes": table.notes,
             "rows": [summary(one) for one in table.rows]}
            for table in tables
        ]
        for task, tables in found.items()
    }  # fmt: skip


def summary(one: TrainingRecord, folder: Path | None = None) -> dict[str, Any]:
    """What `--json` says of a training."""
    paid = one.cost
    return {
        "task": one.task, "model": one.model, "training_id": one.training_id, "target": dict(one.target),
        "result": dict(one.result), "cost": paid and paid.amount, "currency": paid and paid.currency, "device": one.device,
        "dtype": one.dtype, "split": one.split, "comparable": one.comparable,
        "n_training": one.n_training, "n_evaluation": one.n_evaluation,
        "untrained": one.untrained,
        "seeds": [{name: value for name, value in seed.items() if name != "curve"} for seed in one.seeds],
    } | ({"folder": str(folder)} if folder else {})  # fmt: skip


def show_one(one: TrainingRecord, folder: Path) -> None:
    """A training: its seeds in a table, its result, where it is."""
    rows = [
        [
            str(seed["seed"]), "yes" if seed["reached"] else f"no ({seed['why']})", f"{seed['trained_seconds']:.3f}",
            f"{seed['trained_seconds'] / 3600:.3g}", f"{seed['epoch']:.3g}", f"{seed['value']:.4f}", f"{seed['best']:.4f}",
            str(len(seed["curve"])), str(seed["attempts"]), f"{seed['lost_seconds']:.1f}", f"{seed['repeated_seconds']:.1f}",
        ]
        for seed in one.seeds
    ]  # fmt: skip
    printed.show_plain(f"{one.task} / {one.model}: time to {one.bar.metric} {one.bar.value:g}", _HEADINGS, rows)
    mlperf, algoperf, spread = (one.result[name] for name in ("mlperf", "algoperf", "spread"))
    tell(f"MLPerf: {duration(mlperf['seconds']) if mlperf['valid'] else 'no result'}, {mlperf['reason']}")
    tell(
        f"AlgoPerf: {'infinite' if algoperf['seconds'] is None else duration(algoperf['seconds'])}, {algoperf['reason']}"
    )
    if spread["std"] is not None:
        tell(
            f"spread: {duration(spread['min'])} to {duration(spread['max'])}, standard deviation {duration(spread['std'])}"
        )
    if one.cost is not None:
        tell(f"cost: {one.cost} at {one.price['per_hour']:g} an hour ({one.price['date']})")
    tell(
        f"trained on {one.n_training:,} examples ({one.split}), {one.n_evaluation:,} evaluated; untrained {one.untrained:.4f}"
    )
    tell(
        f"{folder}; to evaluate what it left: `bench run task={one.task} model=trained model.path={folder} model.seed=best "
        "device.dtype=float32`"
    )
