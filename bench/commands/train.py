"""`bench train`: train a model to a target, and say how long it takes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.commands.shared.progress import Display
    from bench.training.record import TrainingRecord
    from bench.training.settings import TrainSettings


def main(options: argparse.Namespace) -> int:
    """Train; 1 where so many seeds miss the target that there is no result."""
    from bench.commands.shared import trainings
    from bench.commands.shared.jobs import say
    from bench.commands.shared.progress import Display
    from bench.training.result import has_failed
    from bench.training.settings import parted

    if options.offline:
        os.environ["BENCH_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"
    wanted, rest = parted(options.overrides)
    display = Display()
    try:
        with display:
            found, folder = _trained(rest, wanted, display, fresh=options.fresh)
    except KeyboardInterrupt:
        say("interrupted; what was trained up to the last checkpoint is kept, the same command goes on from there")
        return 130
    if options.json:
        output.emit(trainings.summary(found, folder))
    else:
        trainings.show_one(found, folder)
    return 1 if has_failed(found.times) else 0


def _trained(
    overrides: list[str], wanted: TrainSettings, display: Display, *, fresh: bool
) -> tuple[TrainingRecord, Path]:  # fmt: skip
    from bench.commands.shared.jobs import say
    from bench.config.build import build
    from bench.models.device import resolve
    from bench.models.trainable import Trainable
    from bench.runs.settings import Settings
    from bench.task import EntryTask
    from bench.training.train import train

    progress = display.run(f"bench train {' '.join(overrides)}")
    progress.doing("reads the settings")
    composed, choices = conf.compose(overrides)
    for group in ("task", "model"):
        if group not in choices:
            raise BenchError(f"{group} is not given; choose one with {group}=NAME (`bench list {group}s` shows them)")
    config = conf.plain(composed)
    task = build(config["task"], "task")
    if isinstance(task, EntryTask):
        raise BenchError(
            f"task '{task.name}' ranks entries and trains no model; `bench score {task.name} PATH` scores them"
        )
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
    progress = display.run(f"{choices['task']} / {choices['model']}")
    found, folder = train(
        task, lambda: build(config["model"], "model"), choices["model"], device, settings, wanted,
        paid=config.get("price"), progress=progress, say=say,
    )  # fmt: skip
    _log(config, found, folder)
    return found, folder


def _with(config: Mapping[str, Any], wanted: TrainSettings) -> dict[str, Any]:
    """The configuration with what the training was told, for its record."""
    told = {"target": wanted.target, "seeds": wanted.seeds, "limit_seconds": wanted.limit_seconds}
    return {**config, "train": {**told, **wanted.recipe, "limit": wanted.rows}}


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
    from bench.commands.shared.jobs import say
    from bench.tracking.store import StoreError, default_uri
    from bench.tracking.trainings import log

    if not config["tracking"]["enabled"]:
        return
    runs_dir = Path(config["runs_dir"])
    try:
        log(config["tracking"]["uri"] or default_uri(runs_dir), runs_dir, found, folder)
    except StoreError as error:
        say(f"{error}; the training is complete in {folder}; {error.remedy}, and the same command logs it later")
