"""`bench fetch`: data and weights beforehand."""

from __future__ import annotations

import argparse

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Bring data and weights into the cache."""
    from bench.commands.shared.progress import Display
    from bench.config.build import build

    config, choices = conf.compose(options.overrides)
    plain = conf.plain(config)
    tasks = plain["suite"]["tasks"] if plain["suite"] else [choices["task"]] if "task" in choices else []
    if not tasks and "model" not in choices:
        raise BenchError("nothing to fetch; name task=, suite= or model=")
    with Display() as display:
        for task in tasks:
            display.run(f"task {task}").doing("looks for its data")
            one, _ = conf.compose(
                [word for word in options.overrides if not word.startswith(("suite=", "task="))] + [f"task={task}"]
            )
            build(conf.plain(one)["task"], "task").fetch()
        if "model" in choices:
            display.run(f"model {choices['model']}").doing("looks for its weights")
            build(plain["model"], "model").fetch()
    fetched = [*tasks, *([choices["model"]] if "model" in choices else [])]
    if options.json:
        output.emit({"fetched": fetched})
    else:
        tell(f"ready: {', '.join(fetched)}")
    return 0
