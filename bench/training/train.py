"""Training to a target, on one page: lesson, identity, seeds one after another, record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from bench.artifacts.digest import digest
from bench.disk import json_lettered, write_atomically
from bench.engine.fitting import refuse_misfit
from bench.engine.progress import SILENT, Progress
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.trainable import Recipe, Trainable
from bench.runs import environment
from bench.runs.code import code_of, named_in, sha256_of
from bench.runs.folder import CONFIG, IDENTITY, RunFolder
from bench.runs.locks import refuse_lost
from bench.runs.settings import Settings
from bench.scoring.record import modules_of_task, now
from bench.scoring.source import scorer_of
from bench.task import Task
from bench.training import curve, ledger, record
from bench.training.evaluation import Exam
from bench.training.identity import TrainingIdentity
from bench.training.lesson import Lesson, lesson
from bench.training.loop import REACHED
from bench.training.record import TrainingRecord
from bench.training.result import result
from bench.training.seed import MODEL, Seed
from bench.training.settings import TrainSettings
from bench.training.target import Target, target_of, too_easy
from bench.types import Json

PREFIX = "train-"
_MOST_SEED = 2**32 - 1  # numpy takes no larger one
Say = Callable[[str], None]


@dataclass(frozen=True)
class Basis:
    """What a training stands on beside its seeds; `paid` is the price of the machine, {} for none."""

    task: Task
    lesson: Lesson
    target: Target
    recipe: Recipe
    model: Model
    name: str
    device: Device
    settings: Settings
    wanted: TrainSettings
    code: Mapping[str, Mapping[str, str]]
    paid: Mapping[str, Json]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds: that of the settings and those behind it."""
        return tuple(self.settings.seed + i for i in range(self.wanted.seeds))

    def identity(self) -> TrainingIdentity:
        """All that can change a weight, a score or a time."""
        asked, model, device = self.lesson.asked, self.model, self.device
        machine = device.name if device.kind == "cuda" else str(environment.describe()["cpu"])
        return TrainingIdentity(
            task=self.task.name, version=self.task.version, asked=asked.asked.digest, data=asked.asked.data, files=asked.files,
            taught=self.lesson.digest, model=self.name, revision=model.revision, weights_sha256=model.weights_sha256,
            config=model.telling(self.settings.config.get("model")), code=sha256_of(self.code) | scorer_of(self.task),
            target=vars(self.target), recipe=vars(self.recipe), seeds=self.seeds, limit_seconds=self.wanted.limit_seconds,
            device=device.kind, dtype=device.dtype, threads=device.threads, machine=machine,
            batch_size=self.settings.batch_size, batch_tokens=self.settings.batch_tokens,
        )  # fmt: skip


def train(
    task: Task, make: Callable[[], Model], name: str, device: Device, settings: Settings, wanted: TrainSettings, *,
    paid: Mapping[str, Json] | None = None, progress: Progress = SILENT, say: Say = lambda line: None,
) -> tuple[TrainingRecord, Path]:  # fmt: skip
    """Train the model that `make` gives to the wanted target, once for each seed: go on from what is there, or answer at once.

    `say` is told, in a line each, of what a reader of the result should know.
    """
    progress.doing("reads data and weights")
    task = task.to_train()
    basis = _basis(task, make(), name, device, settings, wanted, paid or {})
    identity = basis.identity()
    folder = RunFolder.find(settings.runs_dir, task.name, name, PREFIX + identity.training_id, fresh=settings.fresh)
    if (folder.path / record.FILE).exists():
        found = record.read(folder.path / record.FILE)
        return (_priced(found, folder.path, paid) if paid and paid != found.price else found), folder.path
    for line in _notices(basis):
        say(line)
    with folder.locked():
        libraries = environment.computing(True)
        for line in _other_libraries(folder.path, libraries):
            say(line)
        text = yaml.safe_dump(dict(settings.config), sort_keys=False, allow_unicode=True)
        write_atomically(folder.path / CONFIG, text)
        write_atomically(
            folder.path / IDENTITY, json.dumps({"identity": vars(identity), "libraries": libraries}) + "\n"
        )
        exam = Exam(task, basis.lesson, settings, basis.target, device, name)
        seeds = [
            Seed(folder.path / f"seed-{seed}", seed, make, exam, basis.recipe, wanted.limit_seconds)
            for seed in basis.seeds
        ]
        for number, seed in enumerate(seeds):
            if not seed.done:
                told = _Numbered(progress, f"seed {number + 1} of {len(seeds)}: ")
                seed.train([one.folder for one in seeds[:number]], first=number == 0, progress=told, say=say)
            say(_line(seed, number, len(seeds)))
        return _finish(basis, folder.path, seeds, libraries), folder.path


def _basis(
    task: Task, model: Model, name: str, device: Device, settings: Settings, wanted: TrainSettings, paid: Mapping[str, Json]
) -> Basis:  # fmt: skip
    refuse_misfit(task, model, name)
    if not isinstance(model, Trainable):
        raise BenchError(
            f"model '{name}' cannot be trained: its class is no Trainable; docs/training.md names those that are"
        )
    if settings.seed + wanted.seeds > _MOST_SEED:
        raise BenchError(f"seed={settings.seed} must be below {_MOST_SEED - wanted.seeds:,}")
    target, recipe = target_of(wanted.target, task), wanted.recipe_of(model.recipe)
    modules = (
        {cls.__module__ for cls in type(model).__mro__} | set(model.outside) | named_in(settings.config.get("model"))
    )
    code = code_of(modules | modules_of_task(task))
    found = lesson(task, settings, wanted.rows)
    return Basis(task, found, target, recipe, model, name, device, settings, wanted, code, paid)


def _notices(basis: Basis) -> list[str]:
    """What a reader of the result should know before it is there."""
    found = [too_easy(basis.target, basis.task)]
    if basis.lesson.leaked:
        found.append(
            f"{basis.lesson.leaked:,} training examples are evaluated too, and are left out; {len(basis.lesson.taught):,} are left"
        )
    if not basis.lesson.comparable:
        found.append(f"trained on {basis.lesson.split}: not comparable with others' numbers on {basis.task.name}")
    return [line for line in found if line]


def _other_libraries(folder: Path, now_: Mapping[str, str]) -> list[str]:
    """What of an unfinished training was computed under other versions."""
    try:
        then = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))["libraries"]
        others = [
            f"{name} {then[name]} (here {now_[name]})" for name in now_ if then.get(name, now_[name]) != now_[name]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    where = "/".join(folder.parts[-3:])
    return [f"{where} goes on, and was computed under {', '.join(others)}; --fresh starts anew"] if others else []


class _Numbered:
    """Tells of one seed under its number."""

    def __init__(self, told: Progress, prefix: str) -> None:
        self.told, self.prefix = told, prefix

    def __call__(self, done: int, n: int) -> None:
        """Pass on."""
        self.told(done, n)

    def doing(self, text: str) -> None:
        """Pass on, with the seed's number."""
        self.told.doing(self.prefix + text)


def _line(seed: Seed, number: int, n: int) -> str:
    """What came of a seed, in a line."""
    found, target = seed.way(), seed.exam.target
    last = found.evaluations[-1]
    why = _why(seed)
    came = "reached" if why == REACHED else f"missed, at the {'time limit' if why == 'limit' else 'last epoch'},"
    return (
        f"seed {seed.seed} ({number + 1} of {n}): {target} {came} in {found.seconds():.2f} s of training; "
        f"{target.metric} is {last.value:.4f} behind epoch {last.epoch:.3g}"
    )


def _why(seed: Seed) -> str:
    return ledger.readings(seed.folder)[0][-1].why or ""


def _priced(found: TrainingRecord, folder: Path, price: Mapping[str, Json]) -> TrainingRecord:
    """The record of a complete training with another price: what it costs changes, not what it took."""
    text = json_lettered(replace(found, price=price).to_json(), indent=1)
    write_atomically(folder / record.FILE, text + "\n")
    return record.read(folder / record.FILE)


def seed_record(seed: Seed) -> dict[str, Json]:
    """What the record says of a seed that has ended: all of it out of its ledger."""
    readings, _ = ledger.readings(seed.folder)
    found = ledger.way(readings)
    shown = [one for one in found.evaluations if one.step]
    reached, seconds = readings[-1].why == REACHED, found.seconds()
    return {
        "seed": seed.seed, "reached": reached, "why": readings[-1].why, "seconds": seconds if reached else None,
        "hours": seconds / 3600 if reached else None, "trained_seconds": seconds, "epoch": shown[-1].epoch,
        "value": shown[-1].value, "best": seed.exam.target.better([one.value for one in shown if one.value is not None]),
        "attempts": max(one.attempt for one in readings),
        "curve": [
            {"step": one.step, "epoch": one.epoch, "hours": found.seconds(one.step) / 3600, "value": one.value} for one in shown
        ],
        "phases": ledger.totals(readings), "repeated_seconds": found.repeated, "lost_seconds": found.lost,
        "model": f"{seed.folder.name}/{MODEL}", "sha256": readings[-1].weights,
    }  # fmt: skip


def _finish(basis: Basis, folder: Path, seeds: Sequence[Seed], libraries: Mapping[str, str]) -> TrainingRecord:
    """Write the record; from now on the training is complete."""
    refuse_lost(folder)
    of_seeds = tuple(seed_record(seed) for seed in seeds)
    untrained = seeds[0].way().evaluated(0)
    names = [f"{seed.folder.name}/{name}" for seed in seeds for name in (ledger.FILE, curve.FILE)]
    device, asked = basis.device, basis.lesson.asked
    done = TrainingRecord(
        training_id=folder.name, task=basis.task.name, task_version=basis.task.version, model=basis.name,
        model_revision=basis.model.revision, weights_sha256=basis.model.weights_sha256, target=vars(basis.target),
        recipe=vars(basis.recipe), limit_seconds=basis.wanted.limit_seconds, device=device.kind, dtype=device.dtype,
        n_training=len(basis.lesson.taught), n_evaluation=len(asked.examples), data_fingerprint=asked.asked.data,
        asked=asked.asked.digest, taught=basis.lesson.digest, leaked=basis.lesson.leaked, split=basis.lesson.split,
        comparable=basis.lesson.comparable, untrained=untrained.value if untrained else None, seeds=of_seeds,
        result=result([one["seconds"] for one in of_seeds]), environment=environment.describe() | device.describe(),
        libraries=libraries, code=basis.code, config=basis.settings.config,
        files={name: digest(folder / name) for name in names}, created=now(), price=basis.paid,
    )  # fmt: skip
    text = json_lettered(done.to_json(), indent=1)
    write_atomically(folder / record.FILE, text + "\n")
    return record.read(folder / record.FILE)
