"""The record of a training: what `training.json` holds, and what it must be to be believed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from bench.errors import BenchError
from bench.runs import forms
from bench.runs.costs import Cost, of_hours
from bench.runs.folder import ARTIFACTS
from bench.training.result import result
from bench.training.schema import problem
from bench.training.target import Target
from bench.types import Json

FILE = "training.json"
_APART = 1e-9  # seconds by which a stored result may be off that of its seeds


@dataclass(frozen=True)
class TrainingRecord:
    """A complete training. Built once, after the last seed ended.

    `seeds` holds a record each: whether it `reached` the target, after how many `seconds` of training (None where not), at which
    `epoch` with which `value`, the `best` value, the `curve`, its `attempts`, `phases` (the seconds of everything that was done),
    `repeated` and `lost` seconds, the `model` that it left with its `sha256`. `untrained` is the score before the first step,
    `leaked` how many training examples were left out because they are evaluated. `files` are the ledgers' sha256. `result` is
    that of `bench.training.result`. The other names are those of a `Run`.
    """

    training_id: str
    task: str
    task_version: int
    model: str
    model_revision: str
    weights_sha256: str
    target: Mapping[str, Json]
    recipe: Mapping[str, float]
    limit_seconds: float | None
    device: str
    dtype: str
    n_training: int
    n_evaluation: int
    data_fingerprint: str
    asked: str
    taught: str
    leaked: int
    split: str
    comparable: bool
    untrained: float | None
    seeds: tuple[Mapping[str, Json], ...]
    result: Mapping[str, Json]
    environment: Mapping[str, Json]
    libraries: Mapping[str, str]
    code: Mapping[str, Json]
    config: Mapping[str, Json]
    files: Mapping[str, str]
    created: str
    price: Mapping[str, Json] = field(default_factory=dict)
    energy: Mapping[str, Json] = field(default_factory=dict)

    @property
    def bar(self) -> Target:
        """The target."""
        return Target(**self.target)

    @property
    def times(self) -> list[float | None]:
        """The seconds to the target of each seed, None for a miss."""
        return [one["seconds"] if one["reached"] else None for one in self.seeds]

    @property
    def cost(self) -> Cost | None:
        """What the machine cost for as long as the result by MLPerf's rule; None without a result or a price of its hour."""
        seconds = self.result["mlperf"]["seconds"]
        return None if seconds is None else of_hours(seconds / 3600, self.price)

    def to_json(self) -> dict[str, Json]:
        """JSON-safe dictionary."""
        return {**vars(self), "seeds": list(self.seeds)}

    @classmethod
    def from_json(cls, record: Mapping[str, Json]) -> TrainingRecord:
        """The inverse of `to_json`; raises ValueError for what no training has."""
        if wrong := problem(record):
            raise ValueError(wrong)
        known = {one.name for one in fields(cls)}
        found = cls(
            **{name: value for name, value in record.items() if name in known} | {"seeds": tuple(record["seeds"])}
        )
        for one in found.seeds:
            if one["reached"] and not (one["seconds"] is not None and found.bar.met(one["value"])):
                raise ValueError(f"seed {one['seed']} has reached {one['value']}, which is not {found.bar}")
            if not _alike(_seconds_to(one["curve"], found.bar), one["seconds"]):
                raise ValueError(f"seed {one['seed']} has reached it after other seconds than its curve says")
        if not _alike(result(found.times), found.result):
            raise ValueError("its result is not that of its seeds")
        return found


def _seconds_to(curve: Json, bar: Target) -> float | None:
    """The seconds of training at the first point of a curve that meets the target, None where there is none."""
    return next((3600 * point["hours"] for point in curve if bar.met(point["value"])), None)


def _alike(ours: Json, theirs: Json) -> bool:
    """Whether two results are the same but for the last digits of numbers."""
    if isinstance(ours, Mapping):
        return (
            isinstance(theirs, Mapping)
            and ours.keys() == theirs.keys()
            and all(_alike(ours[k], theirs[k]) for k in ours)
        )
    if isinstance(ours, float) and isinstance(theirs, int | float):
        return abs(ours - theirs) <= _APART * max(1.0, abs(ours))
    return bool(ours == theirs)


def read(path: Path) -> TrainingRecord:
    """The record in a file; raises BenchError where it is none."""
    try:
        found = TrainingRecord.from_json(forms.loaded(path.read_bytes()))
        json.dumps(found.to_json(), allow_nan=False)  # of a number that no schema bounds: 1e999 is infinite
        return found
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BenchError(
            f"{path} is no record of a training ({error}); delete its folder or train again with --fresh"
        ) from None


def folders(runs_dir: Path) -> Iterator[Path]:
    """The folder of every complete training below `runs_dir`, in order of path."""
    for path in sorted(runs_dir.glob(f"*/*/*/{FILE}")):
        if path.relative_to(runs_dir).parts[0] != ARTIFACTS:
            yield path.parent
