"""`bench list`: what there is to run."""

from __future__ import annotations

import argparse

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.shown import tell

_OF_TASKS = ("scenario", "licence", "language", "metric", "parts")
FILTERS = {"tasks": (*_OF_TASKS, "output", "fits"), "models": ("takes", "output", "fits")}


def main(options: argparse.Namespace) -> int:
    """Print the choices of a kind, one a line: those that are all of what the filters say."""
    given = _wanted(options)
    if options.kind == "boards":
        from bench.commands.shared import boards
        from bench.leaderboard import dawnbench, suite

        named = boards.of_files()
        spoken_of = {board.task for board in named.values()}
        titles = {name: board.title for name, board in named.items()}
        defaults = [board for name in conf.names("task") if (board := boards.of_task(name)) is not None]
        titles |= {board.name: board.title for board in defaults if board.task not in spoken_of}
        titles |= {dawnbench.NAME: dawnbench.TITLE}
        titles |= {path.stem: suite.read(path).title for path in boards.suites()}
        found = dict(sorted(titles.items()))
    else:
        found = conf.names(options.kind.removesuffix("s"))
    n = len(found)
    if given:
        from bench.commands.shared import filters

        found = filters.kept(options.kind, found, given)
    if options.json:
        output.emit(found)
        return 0
    if not found and n:
        tell(f"bench: none of the {n} {options.kind} is all of that; leave a filter out", err=True)
    width = max(map(len, found), default=0)
    for name, text in found.items():
        tell(f"{name:<{width}}  {text}")
    return 0


def _wanted(options: argparse.Namespace) -> dict[str, list[str]]:
    """The filters that are given, each with its values; raises BenchError for one that what is listed has not."""
    every = dict.fromkeys(name for names in FILTERS.values() for name in names)
    given = {
        name: value if isinstance(value, list) else [value]
        for name in every
        if (value := getattr(options, name)) is not None
    }
    allowed = FILTERS.get(options.kind, ())
    if wrong := [name for name in given if name not in allowed]:
        takes = f"takes {', '.join(f'--{name}' for name in allowed)}" if allowed else "takes no filter"
        raise BenchError(f"--{wrong[0]} says nothing of {options.kind}; `bench list {options.kind}` {takes}")
    return given
