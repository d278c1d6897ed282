"""`bench import`: another harness' log as a run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared import output
from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.imports.log import Log
    from bench.imports.making import Made
    from bench.runs.settings import Settings

_USED = ("task", "limit", "seed", "resamples", "runs_dir", "data_dir")  # of a configuration, what a log's run stands on


def main(options: argparse.Namespace) -> int:
    """Make the run, and say what of the log is in it, what is not, and what the log itself says beside our scores."""
    made = _made(options)
    if options.json:
        told = {"log": dict(made.run.origin["imported"]), "theirs": dict(made.theirs), "pairs": dict(made.pairs)}
        output.emit(output.summary(made.run, made.folder.path) | told | {"notes": list(made.lines)})
        return 0
    output.print_run(made.run, made.folder.path)
    log = made.run.origin["imported"]
    of = f"the log names the model {log['model']}" if log["model"] else "the log names no model"
    tell(f"  imported from {log['file']} ({log['harness']}, version {log['version']}); {of}; nobody here measured it")
    if made.pairs and made.theirs:
        tell(f"  by {log['harness']} on the same samples: {_figures(made.theirs)}")
    for line in made.lines:
        tell(f"  {line}")
    return 0


def _made(options: argparse.Namespace) -> Made:
    from bench.commands.shared.progress import Display
    from bench.config.build import build
    from bench.imports import making
    from bench.task import Task

    _refuse(options)
    config = _config(options)
    settings = _settings(config, options)
    with Display() as display:
        display.run(f"bench import {options.act}").doing("reads the log")
        source = making.Source.of(_log(options), options.path, options.model, cluster=getattr(options, "cluster", None),
                                   only_paired=getattr(options, "paired", False))  # fmt: skip
        if config.get("task") is None:
            return making.as_it_is(source, settings)
        task = build(config["task"], "task")
        if not isinstance(task, Task):
            raise BenchError(f"task '{task.name}' ranks entries; its log has no answers to score")
        return making.with_ours(source, task, settings)


def _log(options: argparse.Namespace) -> Log:
    """The log, read by the module of its harness."""
    try:
        log = _read(options).ranked_by(options.metric)
        return log.turned(*(getattr(options, name, []) for name in ("less_is_better", "more_is_better")))
    except RecursionError:
        raise BenchError(f"{options.path} is nested too deeply; no log of {options.act} is") from None


def _read(options: argparse.Namespace) -> Log:
    from bench.imports import eee, helm, inspect_ai, lm_eval, mteb

    if options.act == "lm-eval":
        return lm_eval.read(options.path, options.results)
    if options.act == "eee":
        return eee.read(options.path, options.evaluation)
    readers = {"inspect": inspect_ai.read, "helm": helm.read, "mteb": mteb.read}
    return readers[options.act](options.path)


def _config(options: argparse.Namespace) -> Mapping[str, Any]:
    """What is asked; raises BenchError for what only answers that are made here have."""
    from bench.config import compose as conf
    from bench.config import prices

    composed, choices = conf.compose(options.overrides)
    config = conf.plain(composed)
    if prices.chosen(config, choices)[0] or config["energy"] != "none":
        raise BenchError("price and energy are of answers that are made here; those of a log have none")
    if config.get("model") is not None:
        raise BenchError("model= is a model that runs here; give the name of the log's model with --model")
    for word in options.overrides:
        key = word.lstrip("+~").partition("=")[0]
        if word.startswith("~") or key.split("@")[0].split(".")[0] not in _USED:
            raise BenchError(
                f"import makes no use of {key}: it takes {', '.join(f'{one}=' for one in _USED)} and the words of --help"
            )
    return config


def _settings(config: Mapping[str, Any], options: argparse.Namespace) -> Settings:
    from bench.runs.settings import Settings

    for key, least in (("seed", 0), ("resamples", 1)):
        if config[key] < least:
            raise BenchError(f"{key}={config[key]} must be at least {least}")
    if config["limit"] is not None and config.get("task") is None:
        raise BenchError("limit= takes the first examples of a task of ours; give task= too, or leave it out")
    if config.get("task") is None and any(word.lstrip("+").startswith("data_dir=") for word in options.overrides):
        raise BenchError("data_dir= is where a task of ours has its data; give task= too, or leave it out")
    own = {} if config.get("task") is None else {"task": config["task"]}
    return Settings(runs_dir=Path(config["runs_dir"]), limit=config["limit"], seed=config["seed"], resamples=config["resamples"],
                    fresh=options.fresh, config=own)  # fmt: skip


def _refuse(options: argparse.Namespace) -> None:
    if further := [word for word in options.overrides if "=" not in word and not word.startswith("~")]:
        raise BenchError(f"import takes one log and KEY=VALUE; {further[0]!r} is neither")
    if getattr(options, "paired", False) and not any(word.startswith("task=") for word in options.overrides):
        raise BenchError("--paired is for a task of ours; give task= too, or leave it out")
    if options.metric is not None and any(word.startswith("task=") for word in options.overrides):
        raise BenchError("--metric is of the log's own task; a task of ours ranks by its first metric")
    ways = [*getattr(options, "less_is_better", []), *getattr(options, "more_is_better", [])]
    if ways and any(word.startswith("task=") for word in options.overrides):
        raise BenchError(
            "--less-is-better and --more-is-better are of the log's own task; a task of ours says which way itself"
        )


def _figures(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {output.figures(value)}" for name, value in values.items())
