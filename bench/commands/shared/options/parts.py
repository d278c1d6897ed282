"""What the options of several commands are made of."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import NoReturn, TypeAlias

from bench.errors import BenchError
from bench.text.meant import meant

LEVELS = ("debug", "info", "warning", "error")  # those of bench.logs.log, which is not needed to read a command line
REFERENCE = "a run's folder, id or task/model, a bundle (FILE.zip, FILE.zip#task/model), or mlflow:ID"


class Parser(argparse.ArgumentParser):
    """Reads the options of a command, or of its acts."""

    acts: Commands | None = None  # what it takes first: the commands of bench, or the acts of a command

    def error(self, message: str) -> NoReturn:
        """One line and exit code 2, as for every error that a user can fix."""
        message = message.replace(", KEY=VALUE", "")  # argparse takes overrides, which may be none, for required
        if wrong := _CHOICE.search(message):
            message += meant(wrong[1], [name.strip().strip("'") for name in wrong[2].split(",")])
        raise BenchError(f"{message}; see `{self.prog} --help`")

    def refuse(self, word: str, options: argparse.Namespace) -> NoReturn:
        """Raise BenchError for a word that neither the command nor the act that was asked for takes."""
        asked = self
        for name in ("command", "act"):
            if asked.acts is not None:
                asked = asked.acts.choices[getattr(options, name)]
        known = [option for action in asked._actions for option in action.option_strings]
        near = meant(word.partition("=")[0], known) if word.startswith("-") else ""
        raise BenchError(f"unknown argument {word!r}{near}; see `bench {options.command} --help`")

    def add_acts(self) -> Commands:
        """What takes the acts of a command that does several things (`bench data check`)."""
        return self._taking("act", "ACT")

    def add_commands(self) -> Commands:
        """What takes the commands."""
        return self._taking("command", "COMMAND")

    def _taking(self, name: str, shown: str) -> Commands:
        self.acts = self.add_subparsers(dest=name, metavar=shown, required=True, parser_class=Parser)
        return self.acts


_CHOICE = re.compile(
    r"invalid choice: '(.*)' \(choose from (.*)\)"
)  # with or without quotes, as Python's version has it
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
