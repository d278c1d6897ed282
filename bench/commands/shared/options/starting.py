"""The commands by which something of one's own begins."""

from __future__ import annotations

import argparse

from bench.commands.shared.options.parts import Commands, Parser
from bench.scaffold.choice_rows import ANSWERS
from bench.scaffold.columns import KINDS

_SCENARIOS = ("risk", "marketing", "operations")


def add(commands: Commands) -> None:
    """Add `new` and `try`."""
    new = commands.add_parser(
        "new", help="files to begin with: a task, model, metric, suite, board or package of your own"
    )
    acts = new.add_acts()
    _task(acts)
    _named(acts, "model", "a class that answers, its file of conf/model, and a test")
    _named(acts, "metric", "a metric, a task that shows it, and a test")
    suite = _named(acts, "suite", "a named set of tasks with its board")
    suite.add_argument(
        "--tasks", action=_Once, metavar="A,B", help="tasks that there are; else two of this package, as an example"
    )
    suite.add_argument(
        "--scenario", action=_Once, choices=_SCENARIOS, help="with tasks of its own: an example from end to end"
    )
    board = _named(acts, "board", "a board that says more of a task than its own")
    board.add_argument(
        "--task", action=_Once, metavar="TASK", help="the task whose runs it ranks; else that of the board's name"
    )
    _named(acts, "package", "a project that pip installs, with a task and a model")

    trial = commands.add_parser(
        "try", help="a task before it is run: prompts, what a perfect answer scores, who can take it"
    )
    trial.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="task= limit= data.path= data_dir= shots= task.…"
    )
    trial.add_argument("--prompts", type=int, default=2, metavar="N", help="how many prompts to show")


def _task(acts: Commands) -> None:
    task = _named(acts, "task", "a task by one file of conf/task and a table of yours")
    task.add_argument(
        "--from",
        action=_Once,
        dest="file",
        metavar="FILE",
        help="a CSV, TSV or JSON Lines file, or hub:OWNER/NAME; else an example",
    )
    task.add_argument("--kind", action=_Once, choices=tuple(KINDS), help="what is asked; else told by the columns")
    task.add_argument(
        "--columns", action=_Once, metavar="ROLE=NAME,…", help="which column is what, as in question=q,answer=a"
    )
    task.add_argument(
        "--header", action=_Once, metavar="NAME,…", help="the names of the columns of a file that has no row of them"
    )
    task.add_argument("--split", action=_Once, default="test", help="of hub:OWNER/NAME")
    task.add_argument("--unanswerable", action="store_true", help="an empty answer means that there is none (kind qa)")
    task.add_argument(
        "--answers",
        action=_Once,
        choices=ANSWERS,
        help="what names the right option in all rows (kind choice); else told by them",
    )
    task.add_argument(
        "--first-option",
        action=_Once,
        type=int,
        choices=(0, 1),
        help="the number of the first option, where answers are numbers",
    )
    task.add_argument(
        "--scenario",
        action=_Once,
        choices=_SCENARIOS,
        help="what of a bank's work it is of; without --from with an example of it",
    )


class _Once(argparse.Action):
    """Keeps the value of an option that is given once: of two, one would be passed over in silence."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Keep it; an error where one is kept already."""
        given = vars(namespace).setdefault("_given", set())
        if self.dest in given:
            raise argparse.ArgumentError(self, "is given twice, and one value is read; give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def _named(acts: Commands, kind: str, text: str) -> Parser:
    """A kind of thing to begin, with what all of them take."""
    act = acts.add_parser(kind, help=text, formatter_class=argparse.HelpFormatter)
    act.add_argument("name", metavar="NAME")
    act.add_argument(
        "--dir",
        action=_Once,
        metavar="DIR",
        help="the folder of conf/, data/ and tests/; else that of BENCH_CONF, else my/",
    )
    act.add_argument("--force", action="store_true", help="write over what is there")
    return act
