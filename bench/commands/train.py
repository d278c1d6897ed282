"""`bench train`: train a model to a target, and say how long it takes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.artifacts.held import stay_offline
from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.commands.shared.progress import Display
    from bench.task import Task
    from bench.training.record import TrainingRecord
    from bench.training.settings import TrainSettings


_REGISTER = "register="  # a name in MLflow's registry, for the models that the training leaves


def main(options: argparse.Namespace) -> int:
    """Train; 1 where so many seeds miss the target that there is no result."""
    from bench.commands.shared import trainings
    from bench.commands.shared.progress import Display
    from bench.logs.log import say
    from bench.tracking.registry import refuse_name
    from bench.training.result import has_failed
    from bench.training.settings import parted

    if options.offline:
        stay_offline()
    names = [word.partition("=")[2] for word in options.overrides if word.startswith(_REGISTER)]
    for name in names:
        refuse_name(name)
    wanted, rest = parted([word for word in options.overrides if not word.startswith(_REGISTER)])
    display = Display()
    try:
        with display:
            found, folder = _trained(rest, wanted, display, names, fresh=options.fresh)
    except KeyboardInterrupt:
        say("interrupted; what was trained up to the last checkpoint is kept, the same command goes on from there")
        return 130
    if options.json:
        output.emit(trainings.summary(found, folder))
    else:
        trainings.show_one(found, folder)
    return 1 if has_failed(found.times) else 0


def _trained(
    overrides: list[str], wanted: TrainSettings, display: Display, names: list[str], *, fresh: bool
) -> tuple[TrainingRecord, Path]:  # fmt: skip
    from bench.config import prices
    from bench.config.build import build
    from bench.logs.log import say
    from bench.models.device import resolve
    from bench.models.trainable import Trainable
    from bench.runs.settings import Settings
    from bench.training.train import train

    progress = display.run(f"bench train {' '.join(overrides)}")
    progress.doing("reads the settings")
    composed, choices = conf.compose(overrides)
    for group in ("task", "model"):
        if group not in choices:
            raise BenchError(f"{group} is not given; choose one with {group}=NAME (`bench list {group}s` shows them)")
    config = conf.plain(composed)
    price, notes = prices.chosen(config, choices)
    for note in notes:
        say(note)
    config = {name: value for name, value in config.items() if name not in ("timing", "price", "launch")}
    task = _task(config)
    model = build(config["model"], "model")
    if not isinstance(model, Trainable):
        raise BenchError(
            f"model '{choices['model']}' cannot be trained; choose one of {', '.join(_trainable()) or 'your own'}"
        )
    asked = config["device"]
    # Half precision is mixed here, and never the default: what is measured is how soon the bar is reached.
    device = resolve(asked["kind"], "float32" if asked["dtype"] == "auto" else asked["dtype"], asked["threads"])
    if device.kind == "cpu" and device.dtype == "float16":
        raise BenchError("device.dtype=float16 trains on a GPU only; use float32 or bfloat16")
    settings = Settings.of(config, config=_with(config, wanted), fresh=fresh)
    progress = display.run(f"{task.name} / {choices['model']}")
    found, folder = train(
        task, lambda: build(config["model"], "model"), choices["model"], device, settings, wanted,
        paid=price, progress=progress, say=say,
    )  # fmt: skip
    _log(config, found, folder)
    for name in names:
        _register(name, config, task, choices["model"], found, folder)
    return found, folder


def _task(config: Mapping[str, Any]) -> Task:
    """The task to train for; where its training split is not here, the one that it names in its place."""
    from bench.config.build import build
    from bench.logs.log import say
    from bench.task import EntryTask

    task = build(config["task"], "task")
    if isinstance(task, EntryTask):
        raise BenchError(
            f"task '{task.name}' ranks entries and trains no model; `bench score {task.name} PATH` scores them"
        )
    found: Task = task.to_train()
    if found.name != task.name:
        say(
            f"task '{task.name}' has no training split here; the training is of task '{found.name}', a part of its data"
        )
    return found


def _with(config: Mapping[str, Any], wanted: TrainSettings) -> dict[str, Any]:
    """The configuration with what the training was told, for its record."""
    told = {"target": wanted.target, "seeds": wanted.seeds, "limit_seconds": wanted.limit_seconds}
    own = {name: value for name, value in config.items() if name != "shard"}
    return {**own, "train": {**told, **wanted.recipe, "limit": wanted.rows}}


def _trainable() -> list[str]:
    """The names of the models in conf/ that can be trained."""
    from contextlib import suppress

    from bench.config.build import build
    from bench.models.trainable import Trainable

    found = []
    for name in conf.names("model"):
        with suppress(BenchError):
            if isinstance(build(conf.choice("model", name), "model"), Trainable):
                found.append(name)
    return found


def _log(config: Mapping[str, Any], found: TrainingRecord, folder: Path) -> None:
    """Log the training if its store has not got it; a store that is down costs a line."""
    from bench.logs.log import say
    from bench.tracking.store import StoreError, default_uri
    from bench.tracking.trainings import log

    if not config["tracking"]["enabled"]:
        return
    runs_dir = Path(config["runs_dir"])
    try:
        log(config["tracking"]["uri"] or default_uri(runs_dir), runs_dir, found, folder)
    except StoreError as error:
        say(f"{error}; the training is complete in {folder}; {error.remedy}, and the same command logs it later")


def _register(
    name: str, config: Mapping[str, Any], task: Task, model: str, found: TrainingRecord, folder: Path
) -> None:  # fmt: skip
    """Put the models into MLflow's registry, and say how they are had from there."""
    from bench.logs.log import say
    from bench.tracking.registry import register
    from bench.tracking.store import StoreError, default_uri

    if not config["tracking"]["enabled"]:
        raise BenchError(f"register={name} needs a store; leave tracking=none out")
    uri = config["tracking"]["uri"] or default_uri(Path(config["runs_dir"]))
    card = {
        "about": conf.names("model").get(model, ""), "data": task.card.title, "data_licence": task.card.licence,
        "data_source": task.card.source,
    }  # fmt: skip
    try:
        versions = register(uri, name, found, folder, card)
    except StoreError as error:
        say(f"{error}; the models are in {folder}; {error.remedy}, and the same command registers them later")
        return
    for version in versions:
        say(
            f"registered as mlflow:models/{name}/{version}; `bench run task=NAME model=trained model.path=` takes that too"
        )
