"""The command `bench`. Every heavy import waits until a command needs it."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from bench import __version__
from bench.commands.shared.first_steps import first_steps
from bench.commands.shared.options import bundles, competition, exports, imports, judging, reading, running, starting
from bench.commands.shared.options.parts import Parser, json_option
from bench.commands.shared.signals import interruptible
from bench.commands.shared.streams import lasting
from bench.errors import EXIT_INTERNAL, BenchError, line_of, said_by
from bench.text.shown import tell

_USAGE = """\
examples:
  bench run task=squad_v1 model=smollm2 limit=200     one task, one model; the same command again goes on or answers at once
  bench run suite=mini model=smollm2                  a named set of tasks
  bench run -m task=finmm_qa model=smollm2,minilm     every combination
  bench train task=T model=M target=f1:0.75 seeds=5   how long a model trains until it is that good
  bench score squad_v1 predictions.json               an official submission file, scored as its own script scores it
  bench board                                         all boards, ranked; --html DIR makes a site of them
  bench compare RUN RUN                               is the second better? paired, by cluster
  bench check RUN --against BASELINE                  for CI: PASS 0, FAIL 1, INCONCLUSIVE 3
  bench submit RUN -o bundle.zip                      what others verify with `bench verify bundle.zip`
  bench export RUN RUN --to latex                     a table for a paper; eee, csv, hf-eval-results, … as well
  bench new task NAME --from questions.csv            a task of your own; `bench try task=NAME` looks at it before it is run
  bench list tasks                                    what there is: tasks, models, suites, boards, prices
"""


_MODULES = {"import": "imported", "try": "try_task"}  # of commands that no module may be called by


def parser() -> Parser:
    """The command line."""
    top = Parser(prog="bench", description="Evaluate financial AI models: scores and timings on one leaderboard.", epilog=_USAGE,
                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    top.add_argument("--version", action="version", version=f"bench {__version__}")
    commands = top.add_commands()
    for group in (running, reading, judging, bundles, exports, imports, competition, starting):
        group.add(commands)
    json_option(commands)
    return top


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
    if arguments is None and "_ARGCOMPLETE" in os.environ and {"COMP_LINE", "COMP_POINT"} <= os.environ.keys():
        from bench.commands.shared.completing import complete

        complete(parser())  # ends the process
    with lasting() as out:
        code = _main(arguments)
        out.flush()
        if out.fails:
            tell(f"bench: stdout cannot be written ({out.lost}); what was computed is stored", err=True)
            return code or 2
    return code


def _main(arguments: Sequence[str] | None) -> int:
    from bench.commands.shared import faults  # TAB needs none of what it loads

    interruptible()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        _refuse_undecodable(words)
        faults.refuse_hopeless()
        if list(words) in ([], ["run"]):
            return first_steps(*words)
        whole = parser()
        options, rest = whole.parse_known_args(arguments)
        if unknown := [word for word in rest if word.startswith("-") or not hasattr(options, "overrides")]:
            whole.refuse(unknown[0], options)
        options.is_process = arguments is None  # else it is called from a program, whose age says nothing
        if rest:  # overrides behind an option
            options.overrides = [*options.overrides, *rest]
        if (level := getattr(options, "log_level", None)) is not None:
            from bench.logs import log

            log.begin(level, words)
        module = _MODULES.get(options.command, options.command)
        return _called(importlib.import_module(f"bench.commands.{module}"), options)
    except BenchError as error:
        tell(f"bench: {error}", err=True)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except Exception as error:
        # Without an exit code of its own a fault would end with 1, which says that a check failed.
        if line := faults.limit(error):
            tell(f"bench: {line}", err=True)
            return 2
        faults.told(error, words)
        return EXIT_INTERNAL


def _called(command: Any, options: argparse.Namespace) -> int:
    """The exit code of a command; raises BenchError where somebody's code ends the program, whose code would be taken for ours."""
    try:
        return int(command.main(options))
    except SystemExit as error:
        raise BenchError(
            f"code that is not of bench ended the program ({said_by(error)}, {line_of(error)}); nothing says that the command did "
            "its work: correct that code, and run the same command again"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
