"""`bench list`: what there is to run."""

from __future__ import annotations

import argparse

from bench.commands.shared import output
from bench.config import compose as conf
from bench.text.shown import tell


def main(options: argparse.Namespace) -> int:
    """Print the choices of a kind, one a line."""
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
    if options.json:
        output.emit(found)
        return 0
    width = max(map(len, found), default=0)
    for name, text in found.items():
        tell(f"{name:<{width}}  {text}")
    return 0
