"""The command `bench`. Every heavy import waits until a command needs it."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bench import __version__
from bench.errors import BenchError

_USAGE = """\
examples:
  bench run task=squad_v1 model=smollm2 limit=200     one task, one model; the same command again goes on or answers at once
  bench run suite=mini model=smollm2                  a named set of tasks
  bench run -m task=finmm_qa model=smollm2,minilm     every combination
  bench score squad_v1 predictions.json               an official submission file, scored as its own script scores it
  bench board                                         all boards, ranked
  bench list tasks                                    what there is: tasks, models, suites, boards
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line and exit code 2, as for every error that a user can fix."""
        message = message.replace(", KEY=VALUE", "")  # argparse takes overrides, which may be none, for required
        raise BenchError(f"{message}; see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = _Parser(prog="bench", description="Evaluate financial AI models: scores and timings on one leaderboard.", epilog=_USAGE,
                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    top.add_argument("--version", action="version", version=f"bench {__version__}")
    commands: argparse._SubParsersAction[_Parser] = top.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )

    run = commands.add_parser("run", help="evaluate models on tasks; resumes what was interrupted")
    run.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides: task= model= suite= limit= device= …"
    )
    run.add_argument("-m", "--multirun", action="store_true", help="run every combination of a,b,c values")
    run.add_argument("--fresh", action="store_true", help="start anew even if the run is there")
    run.add_argument("--offline", action="store_true", help="open no connection; what is not there is an error")
    run.add_argument("--cfg", choices=["job"], help="print the composed configuration and stop")

    score = commands.add_parser(
        "score", help="score a submission in the task's official format, or a predictions.jsonl"
    )
    score.add_argument("task", help="`bench list tasks` shows them")
    score.add_argument("predictions", type=Path, help="the file or folder; FILE@SYSTEM where one file holds several")
    score.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="resamples= seed= limit= runs_dir= task.… ")
    score.add_argument("--data", type=Path, help="the file or folder of the task's data, instead of BENCH_DATA")
    score.add_argument("--na-prob", type=Path, metavar="FILE", help="probabilities of no answer (SQuAD 2.0)")
    score.add_argument("--model", help="the name on the board; else that of the file")
    score.add_argument(
        "--fresh", action="store_true", help="keep the earlier record of the same file beside the new one"
    )

    _reading_commands(commands)
    for command in commands.choices.values():
        if command.prog != "bench data":
            command.add_argument("--json", action="store_true", help="make the last line of stdout one JSON object")
    return top


def _reading_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    """The commands that run no model."""
    board = commands.add_parser("board", help="print boards and write leaderboards/NAME.md")
    board.add_argument("name", nargs="?", help="the board; all of them without a name")
    board.add_argument(
        "--runs", type=Path, default=Path(os.environ.get("BENCH_RUNS", "runs")), help="the runs directory"
    )

    show = commands.add_parser("list", help="what there is to run")
    show.add_argument("kind", choices=["tasks", "models", "suites", "boards"])

    fetch = commands.add_parser("fetch", help="bring the data and weights that a run needs")
    fetch.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for run")

    doctor = commands.add_parser("doctor", help="what of the data is here, and what is wrong with a task's folder")
    doctor.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="task= data.path= data_dir=")

    data = commands.add_parser("data", help="check an annotation file, or render documents")
    acts = data.add_subparsers(dest="act", metavar="ACT", required=True, parser_class=_Parser)
    check = acts.add_parser("check", help="validate a file against an annotation specification")
    check.add_argument("file", type=Path)
    check.add_argument("--spec", required=True, help="text or picture")
    render = acts.add_parser("render", help="render any number of financial documents with questions and annotations")
    render.add_argument("folder", type=Path)
    render.add_argument("--seed", type=int, default=0, help="other seeds give other documents")
    render.add_argument("--n", type=int, default=100, help="how many documents")

    sync = commands.add_parser("sync", help="log the runs that the MLflow store has missed")
    sync.add_argument(
        "--runs", type=Path, default=Path(os.environ.get("BENCH_RUNS", "runs")), help="the runs directory"
    )
    for act in acts.choices.values():
        act.add_argument("--json", action="store_true", help="make the last line of stdout one JSON object")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0 done, 1 a check failed, 2 the user can fix it, 130 interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end is an interruption like Ctrl-C
    try:
        options, rest = parser().parse_known_args(arguments)
        if unknown := [word for word in rest if word.startswith("-") or not hasattr(options, "overrides")]:
            raise BenchError(f"unknown argument {unknown[0]!r}; see `bench {options.command} --help`")
        if rest:  # overrides behind an option
            options.overrides = [*options.overrides, *rest]
        name = "show" if options.command == "list" else options.command
        return int(importlib.import_module(f"bench.commands.{name}").main(options))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; say nothing more
        return 0


if __name__ == "__main__":
    sys.exit(main())
