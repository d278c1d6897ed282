"""`bench list`: what there is to run."""

from __future__ import annotations

import argparse

from bench.commands.shared import output
from bench.config import compose as conf


def main(options: argparse.Namespace) -> int:
    """Print the choices of a kind, one a line."""
    if options.kind == "boards":
        from bench.leaderboard import suite
        from bench.leaderboard.board import definitions, read

        titles = {path.stem: read(path).title for path in definitions()}
        titles |= {path.stem: suite.read(path).title for path in definitions(suites=True)}
        found = dict(sorted(titles.items()))
    else:
        found = conf.names(options.kind.removesuffix("s"))
    if options.json:
        output.emit(found)
        return 0
    width = max(map(len, found), default=0)
    for name, text in found.items():
        print(f"{name:<{width}}  {text}")
    return 0
