"""What the options of several commands are made of."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import NoReturn, TypeAlias

from bench.errors import BenchError

LEVELS = ("debug", "info", "warning", "error")  # those of bench.logs.log, which is not needed to read a command line
REFERENCE = "a run's folder, id or task/model, a bundle (FILE.zip, FILE.zip#task/model), or mlflow:ID"


class Parser(argparse.ArgumentParser):
    """Reads the options of a command, or of its acts."""

    acts: Commands | None = None

    def error(self, message: str) -> NoReturn:
        """One line and exit code 2, as for every error that a user can fix."""
        message = message.replace(", KEY=VALUE", "")  # argparse takes overrides, which may be none, for required
        raise BenchError(f"{message}; see `{self.prog} --help`")

    def add_acts(self) -> Commands:
        """What takes the acts of a command that does several things (`bench data check`)."""
        self.acts = self.add_subparsers(dest="act", metavar="ACT", required=True, parser_class=Parser)
        return self.acts


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def runs_option(command: argparse.ArgumentParser) -> None:
    """Add --runs."""
    default = Path(os.environ.get("BENCH_RUNS", "runs"))
    command.add_argument("--runs", type=Path, default=default, metavar="DIR", help="the runs directory")


def json_option(commands: Commands) -> None:
    """Add --json to each command, and to the acts of one that has them."""
    for command in commands.choices.values():
        if command.acts is not None:
            json_option(command.acts)
        else:
            command.add_argument("--json", action="store_true", help="make the last line of stdout one JSON object")


def level_option(command: argparse.ArgumentParser) -> None:
    """Add --log-level to a command that writes into the log of a run."""
    command.add_argument(
        "--log-level", choices=LEVELS, default="info", metavar="LEVEL",
        help="what log.txt in a run's folder has, and stderr says: debug, info (the default), warning or error",
    )  # fmt: skip
