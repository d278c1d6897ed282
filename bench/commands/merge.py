"""`bench merge`: the parts of a run as the one run; nothing is asked of its model."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.commands.rescore import task_config
from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError


def main(options: argparse.Namespace) -> int:
    """Check that the parts are of one run and have every answer, score it, log it, and print it."""
    from bench.commands.shared.folders import any_folder
    from bench.commands.shared.jobs import Runner
    from bench.commands.shared.plan import Job
    from bench.commands.shared.progress import Display

    folder = any_folder(options.reference, options.runs, first=_has_parts)
    config = _config(folder)
    task, model, _ = folder.absolute().parts[-3:]
    display = Display()
    told: dict[str, Any] = {} if options.json else {"done": output.print_run}
    runner = Runner(display=display, merging=folder, **told)
    with display:
        outcome = runner.run([Job(config, task, model, str((config.get("suite") or {}).get("name", "")))])
    if options.json:
        output.emit(output.summary(*outcome.done[0]))
    return 1 if outcome.answerless else 0


def _has_parts(folder: Path) -> bool:
    from bench.runs.shards import FOLDER

    return any((folder / FOLDER).glob("[0-9]*-of-[0-9]*"))


def _config(folder: Path) -> Mapping[str, Any]:
    """The configuration that the run was begun with; raises BenchError where it cannot be read."""
    from bench.data.plain_yaml import read_yaml
    from bench.runs.folder import CONFIG

    found = read_yaml(folder / CONFIG)
    today = conf.plain(conf.compose([])[0])
    if not isinstance(found, Mapping) or not all(isinstance(found.get(name), Mapping) for name in ("task", "model")):
        raise BenchError(
            f"{folder / CONFIG} is not the configuration of a run; put it back, or merge with `bench run` and its settings"
        )
    found = {**found, "task": task_config(folder.absolute().parts[-3], found["task"])}
    return {**today, **found, "shard": None, "launch": today["launch"], "runs_dir": str(folder.absolute().parents[2])}
