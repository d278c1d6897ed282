"""The command `bench`. Every heavy import waits until a command needs it."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bench import __version__
from bench.commands.shared.streams import lasting
from bench.errors import EXIT_INTERNAL, BenchError, fault
from bench.text.shown import tell

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)  # what a user can do something about
_USAGE = """\
examples:
  bench run task=squad_v1 model=smollm2 limit=200     one task, one model; the same command again goes on or answers at once
  bench run suite=mini model=smollm2                  a named set of tasks
  bench run -m task=finmm_qa model=smollm2,minilm     every combination
  bench score squad_v1 predictions.json               an official submission file, scored as its own script scores it
  bench board                                         all boards, ranked; --html DIR makes a site of them
  bench compare RUN RUN                               is the second better? paired, by cluster
  bench check RUN --against BASELINE                  for CI: PASS 0, FAIL 1, INCONCLUSIVE 3
  bench submit RUN -o bundle.zip                      what others verify with `bench verify bundle.zip`
  bench list tasks                                    what there is: tasks, models, suites, boards, prices
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
    run.add_argument(
        "--strict",
        action="store_true",
        help="a run that was computed under other versions of what computes is another run",
    )
    run.add_argument(
        "--reuse", action="store_true", help="a new run takes over what earlier ones answered to the very same requests"
    )
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
    score.add_argument("--submitter", help="who asks, where the references are held out; else the model's name")
    score.add_argument(
        "--fresh", action="store_true", help="keep the earlier record of the same file beside the new one"
    )

    _reading_commands(commands)
    _judging_commands(commands)
    _bundle_commands(commands)
    for command in commands.choices.values():
        if command.prog != "bench data":
            command.add_argument("--json", action="store_true", help="make the last line of stdout one JSON object")
    return top


def _reading_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    """The commands that run no model."""
    rescore = commands.add_parser("rescore", help="today's parser and metrics on stored predictions, without a model")
    rescore.add_argument("references", nargs="*", metavar="RUN", help=_REFERENCE)
    rescore.add_argument("--all", action="store_true", help="every run of the runs directory")
    rescore.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    _runs_option(rescore)

    board = commands.add_parser("board", help="print boards and write leaderboards/NAME.md")
    board.add_argument("name", nargs="?", help="the board; all of them without a name")
    board.add_argument("--html", type=Path, metavar="DIR", help="make a site that needs no server and no network")
    board.add_argument("--all-data", action="store_true", help="put data that may not be passed on into the site too")
    board.add_argument(
        "--store", metavar="URI", help="read the runs from this MLflow store instead of the runs directory"
    )
    _runs_option(board)

    show = commands.add_parser("list", help="what there is to run")
    show.add_argument("kind", choices=["tasks", "models", "suites", "boards", "prices"])

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
    _runs_option(sync)
    for act in acts.choices.values():
        act.add_argument("--json", action="store_true", help="make the last line of stdout one JSON object")


_REFERENCE = "a run's folder, id or task/model, a bundle (FILE.zip, FILE.zip#task/model), or mlflow:ID"


def _runs_option(command: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("BENCH_RUNS", "runs"))
    command.add_argument("--runs", type=Path, default=default, metavar="DIR", help="the runs directory")


def _judging_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    """The commands that say which of two runs is better."""
    compare = commands.add_parser(
        "compare", help="the difference between runs on the same examples, paired and clustered"
    )
    compare.add_argument("references", nargs="+", metavar="RUN", help=f"A B, or A B A B …: {_REFERENCE}")
    compare.add_argument("--metric", help="instead of the one that ranks")
    compare.add_argument(
        "--shared", action="store_true", help="where the data differ, compare the examples that both have"
    )
    compare.add_argument("--examples", type=int, default=10, metavar="N", help="how many changed examples to show (10)")
    compare.add_argument(
        "--resamples", type=int, default=10_000, metavar="N", help="of clusters, and of signs (10,000)"
    )
    compare.add_argument("--seed", type=int, default=0)
    _runs_option(compare)

    check = commands.add_parser("check", help="gate for CI: exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE")
    check.add_argument("references", nargs="+", metavar="RUN", help=f"{_REFERENCE}; one a task")
    check.add_argument(
        "--against", metavar="BASELINE",
        help="a baseline file, a folder of them, or a run; else leaderboards/baselines/TASK/MODEL.json",
    )  # fmt: skip
    check.add_argument("--update", action="store_true", help="make the runs the new baselines")
    check.add_argument(
        "--margin", type=float, default=0.01, help="how much less of a score is tolerated, as a fraction (0.01)"
    )
    check.add_argument(
        "--speed-margin", type=float, default=0.2, help="how much longer it may take, as a fraction (0.2)"
    )
    check.add_argument("--no-speed", action="store_true", help="judge the score alone")
    for name, what in (
        ("cut", "cut at their limit"),
        ("empty", "empty"),
        ("unparsed", "of no form that the task reads"),
    ):
        check.add_argument(
            f"--max-{name}", metavar="MOST", help=f"how many answers may be {what}: 1%%, 0.01 or a count such as 3"
        )
    check.add_argument("--level", type=float, default=0.05, help="how often PASS or FAIL may be wrong (0.05)")
    check.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts as JUnit XML")
    check.add_argument("--markdown", type=Path, metavar="FILE", help="append the verdicts to a job's summary")
    _runs_option(check)


def _bundle_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    """The commands by which runs change hands."""
    submit = commands.add_parser("submit", help="make a bundle of runs that others can verify")
    submit.add_argument("references", nargs="+", metavar="RUN", help=_REFERENCE)
    submit.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the bundle, a .zip")
    submit.add_argument("--submitter", default="", help="who stands behind it: a name or an address")
    submit.add_argument(
        "--replace", action="store_true", help="put it in the place of your own earlier entry of this name"
    )
    _runs_option(submit)

    verify = commands.add_parser("verify", help="score the predictions of bundles again, on your own data")
    verify.add_argument("bundles", nargs="+", type=Path, metavar="FILE")
    verify.add_argument("--data-dir", type=Path, metavar="DIR", help="instead of BENCH_DATA")
    verify.add_argument(
        "--add", action="store_true", help="put what is verified into the runs directory and leaderboards/submissions"
    )
    verify.add_argument(
        "--replace", action="store_true", help="with --add: in the place of the same submitter's earlier entry"
    )
    verify.add_argument(
        "--rerun",
        type=int,
        metavar="N",
        help="run the named public model again on N examples, and compare answers and speed",
    )
    verify.add_argument("--seed", type=int, help="of the choice of these examples; else one that nobody could know")
    verify.add_argument("--offline", action="store_true", help="open no connection; what is not there is an error")
    _runs_option(verify)


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    """Raise BenchError for a name that is no UTF-8, which no record could hold."""
    named = {name: value for name, value in os.environ.items() if name.startswith(("BENCH_", "MLFLOW_"))}
    for word in (*arguments, *(f"{name}={value}" for name, value in named.items())):
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            raise BenchError(f"{word!a} is not UTF-8, and a record could not hold it; rename the file or folder")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    The exit code is 0 done, 1 a check failed, 2 the user can fix it, 3 inconclusive, 70 a fault of bench
    itself, with its traceback, 130 interrupted.
    """
    with lasting() as out:
        code = _main(arguments)
        out.flush()
        if out.fails:
            tell(f"bench: stdout cannot be written ({out.lost}); what was computed is stored", err=True)
            return code or 2
    return code


def _main(arguments: Sequence[str] | None) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end is an interruption like Ctrl-C
    try:
        _refuse_undecodable(sys.argv[1:] if arguments is None else arguments)
        options, rest = parser().parse_known_args(arguments)
        if unknown := [word for word in rest if word.startswith("-") or not hasattr(options, "overrides")]:
            raise BenchError(f"unknown argument {unknown[0]!r}; see `bench {options.command} --help`")
        if rest:  # overrides behind an option
            options.overrides = [*options.overrides, *rest]
        return int(importlib.import_module(f"bench.commands.{options.command}").main(options))
    except BenchError as error:
        tell(f"bench: {error}", err=True)
        return 2
    except OSError as error:
        if error.errno not in _FULL:
            return _at_fault(error)
        where = error.filename2 or error.filename or "a file"
        tell(
            f"bench: {where} cannot be written ({error.strerror}); free space and run the same command again: what was computed is "
            "kept",
            err=True,
        )
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except Exception as error:
        return _at_fault(error)


def _at_fault(error: Exception) -> int:
    """Say that bench failed; without it Python would end with 1, which says that a check failed."""
    tell(f"bench: a fault of bench itself, not yours: {fault(error, tell)}; please report it", err=True)
    return EXIT_INTERNAL


if __name__ == "__main__":
    sys.exit(main())
