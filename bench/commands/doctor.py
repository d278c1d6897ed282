"""`bench doctor`: what of the data is here, and what is wrong with them."""

from __future__ import annotations

import argparse

from bench import config as conf
from bench.commands import output


def main(options: argparse.Namespace) -> int:
    """Check the data of the named task, or say what of every task is here; 1 if something is wrong with a named one."""
    from bench import doctor as doctors
    from bench import held_out
    from bench.build import build

    config, choices = conf.compose(options.overrides)
    if "task" in choices:
        task = build(conf.plain(config)["task"], "task")
        found = doctors.examine(task)
        if options.json:
            output.emit(vars(found))
        else:
            print(f"{found.task}: {found.n_examples:,} {task.items}; {found.where}")
            for problem in found.problems:
                print(f"  {problem}")
            print(f"  to obtain: {found.obtain}" if found.obtain else "  ok" if not found.problems else "")
        return 1 if found.problems else 0
    others = [word for word in options.overrides if not word.startswith("task=")]
    tasks = {name: conf.plain(conf.compose([f"task={name}", *others])[0])["task"] for name in conf.names("task")}
    places = {name: doctors.where(build(one, "task")) for name, one in tasks.items()}
    here = {**doctors.machine(config.data_dir), "held-out answers": held_out.described(tasks)}
    if options.json:
        output.emit({"machine": here, "tasks": places})
        return 0
    for title, lines in (("this machine", here), ("tasks", places)):
        print(f"{title}:")
        for name, line in lines.items():
            print(f"  {name:<{max(map(len, lines))}}  {line}")
    return 0
