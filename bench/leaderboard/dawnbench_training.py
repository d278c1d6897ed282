"""A training's record in DAWNBench's terms: the time to the bar over its seeds, and the curve of the seed that an entry shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.dawnbench_format import TRAIN
from bench.data.dawnbench_values import DATA_SETS
from bench.errors import BenchError
from bench.leaderboard.dawnbench_own import BY_TASK, TRAINED_HERE, Own, hourly, on_scale
from bench.text.shown import terminal
from bench.training.record import FILE, read
from bench.types import Json


@dataclass(frozen=True)
class Seed:
    """One seed of a training: `hours` to the bar, None where it never got there; the curve as (epoch, hours, accuracy)."""

    seed: int
    hours: float | None
    curve: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Trained:
    """A training of our own with its seeds, in the order of the record."""

    own: Own
    seeds: Sequence[Seed]

    def chosen(self, seed: int | None) -> Seed:
        """The seed that an entry shows: this one, or the middle one by time, the slower of two; a miss is slower than all."""
        if seed is None:
            order = sorted(self.seeds, key=lambda one: (one.hours is None, one.hours or 0.0, one.seed))
            found = order[len(order) // 2]
        elif not (named := [one for one in self.seeds if one.seed == seed]):
            known = ", ".join(str(one.seed) for one in self.seeds)
            raise BenchError(f"{self.own.source} has no seed {seed}; it has {known}")
        else:
            found = named[0]
        if found.hours is None:
            missed = sum(one.hours is None for one in self.seeds)
            bar = DATA_SETS[self.own.data_set].bars[0]
            raise BenchError(
                f"{self.own.source}: seed {found.seed} never reaches {bar:g} ({missed} of {len(self.seeds)} seeds do not); an "
                "entry needs a curve that does"
            )
        return found


def trainings(runs_dir: Path) -> Iterator[Path]:
    """The records of the trainings below the runs directory that are of a task of the competition."""
    for task in BY_TASK:
        yield from sorted((runs_dir / task).glob(f"*/train-*/{FILE}"))


def read_training(path: Path, source: str) -> Trained:
    """The training of a record; raises BenchError for a damaged one, and for a task that is none of the competition's."""
    record = read(path).to_json()
    if record["task"] not in BY_TASK:
        raise BenchError(f"{path} is a training on '{terminal(record['task'])}'; DAWNBench has {', '.join(BY_TASK)}")
    data_set = BY_TASK[record["task"]]
    one, result = DATA_SETS[data_set], record["result"]["mlperf"]
    per_hour, no_cost = hourly(record["price"])
    seeds = [_seed(seed, one.bars[0], one.whole) for seed in record["seeds"]]
    own = Own(
        data_set, TRAIN, record["model"], source, record["created"], record["environment"], _lacks(record, data_set), no_cost,
        per_hour, seconds=result["seconds"], accuracy=max((v for s in seeds for _, _, v in s.curve), default=None),
        n=f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}", origin=TRAINED_HERE, told={"training": record["training_id"]},
    )  # fmt: skip
    return Trained(own, seeds)


def _seed(found: Mapping[str, Json], bar: float, whole: float) -> Seed:
    curve = [
        (float(point["epoch"]), float(point["hours"]), on_scale(float(point["value"]), whole))
        for point in found["curve"]
    ]
    return Seed(found["seed"], next((hours for _, hours, value in curve if value >= bar), None), curve)


def _lacks(record: Mapping[str, Json], data_set: str) -> str:
    """The first reason why a training has no place among the entries."""
    one, target, result = DATA_SETS[data_set], record["target"], record["result"]["mlperf"]
    bar = one.bars[0] / one.whole
    if not record["comparable"]:
        return f"not comparable: {terminal(record['split']) or 'another split'}"
    if (target["metric"], target["value"]) != (one.metric, bar):
        return f"its target was {terminal(target['metric'])}:{target['value']:g}, where the bar is {one.metric}:{bar:g}"
    if not result["valid"] or result["seconds"] is None:
        return f"no valid result: {terminal(result['reason']) or 'no reason is recorded'}"
    if result["seconds"] < one.least_training:
        return f"its {result['seconds']:.3g} s are less than any machine takes"
    return ""
