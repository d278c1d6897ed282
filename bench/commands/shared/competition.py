"""The boards of DAWNBench: gathered out of the runs directory, printed, and written as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.commands.shared.gathered import Gathered
    from bench.leaderboard.dawnbench import Standing, Table
    from bench.record import Run

NAME = "dawnbench"


def gather(runs_dir: Path, gathered: Gathered) -> list[Table]:
    """The boards out of the entries and trainings below the runs directory, and of the runs that are gathered.

    A kept entry that today's rules refuse, and a training whose record is damaged, is told among its problems.
    """
    from bench.data.dawnbench_store import kept
    from bench.leaderboard import dawnbench
    from bench.leaderboard.dawnbench_own import BY_TASK

    entries = kept(runs_dir)
    gathered.problems += [str(one) for entry in entries for one in entry.findings if one.action == "refused"]
    own = [*_trained(runs_dir, gathered.problems), *_timed(gathered.of_tasks(BY_TASK))]
    return dawnbench.tables([*(dawnbench.of_entry(entry) for entry in entries), *own])


def _trained(runs_dir: Path, problems: list[str]) -> Iterable[Standing]:
    from bench.errors import BenchError
    from bench.leaderboard.dawnbench_training import read_training, trainings

    for path in trainings(runs_dir):
        try:
            yield read_training(path, str(path.parent.relative_to(runs_dir))).own.standing()
        except BenchError as error:
            problems.append(str(error))


def _timed(runs: Iterable[tuple[str, Run]]) -> Iterable[Standing]:
    """The runs that were timed one item after the other; the others have nothing to say here."""
    from bench.leaderboard.dawnbench_own import READING, of_run

    for source, run in runs:
        if run.scenarios.get(READING) and not run.is_reference:
            yield of_run(run, source).standing()


def show(found: Sequence[Table]) -> None:
    """Print the boards."""
    from bench.commands.shared import tables as printed
    from bench.leaderboard import dawnbench_page as texts

    for table in found:
        rows = [printed.Row(texts.cells(table, row)) for row in table.rows]
        title = f"DAWNBench {texts.title(table)}"
        if rows:
            printed.show(title, texts.columns(table), rows, whole=f"leaderboards/{NAME}.md")
        else:
            tell(f"{title}: nothing has a place")
        for line in texts.below(table):
            tell(line)
    tell(texts.LEGEND if found else "DAWNBench: no entries yet; `bench dawnbench import PATH` brings them")


def page(found: Sequence[Table]) -> str:
    """The boards as a Markdown page."""
    from bench.leaderboard import dawnbench_page

    return dawnbench_page.markdown(found)


def records(found: Sequence[Table]) -> list[dict[str, Any]]:
    """The boards for `--json`."""
    from bench.leaderboard import dawnbench_page

    return [dawnbench_page.record(table) for table in found]
