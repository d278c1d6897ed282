"""`bench board --html DIR`: gathers what the site shows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.leaderboard.board import Table
    from bench.leaderboard.dawnbench import Table as EntryTable
    from bench.leaderboard.definition import Board
    from bench.leaderboard.suite import SuiteBoard, SuiteTable
    from bench.record import Run
    from bench.site import Item
    from bench.task import Task


def main(
    target: Path,
    found: Sequence[tuple[Board, Sequence[Table]]],
    runs: Iterable[tuple[Path | None, Run]],
    *,
    suites: Sequence[tuple[SuiteBoard, Sequence[SuiteTable]]] = (),
    entries: Sequence[EntryTable] = (),
    all_data: bool = False,
) -> dict[str, Any]:
    """Write the site of these boards, entries and runs, with the submissions of ./leaderboards; what was written, for `--json`."""
    from bench.site import write_site

    items = _items(runs)
    if not items and not entries:
        raise BenchError(f"there are no complete runs to show; nothing was written to {target}")
    start = time.perf_counter()
    written = write_site(target, found, items, task_of=_task, combined=suites, entries=entries, all_data=all_data)
    seconds = time.perf_counter() - start
    for problem in written.problems:
        _note(problem)
    tell(
        f"site: {written.n_boards} boards, {written.n_runs} runs, {written.n_files:,} files, {written.n_bytes / 1e6:.1f} MB "
        f"in {seconds:.1f} s; open {target / 'index.html'}",
        err=True,
    )
    return {"folder": str(target), "seconds": seconds, **vars(written)}


def _items(runs: Iterable[tuple[Path | None, Run]]) -> list[Item]:
    """The runs, and of the submissions those that are no run here."""
    from bench.commands.shared.gathered import submission
    from bench.leaderboard import entry
    from bench.site import Item

    every = list(runs)
    found = [Item(run, folder) for folder, run in every if folder is not None]
    here = {_identity(item.run) for item in found}
    reported = {
        _identity(run): run for folder, run in every if folder is None
    }  # with intervals by the rule of the boards
    for path in entry.paths(entry.SUBMISSIONS):
        try:
            one = submission(path)
        except BenchError as error:
            _note(str(error))
            continue
        if (key := _identity(one.run)) not in here:
            found.append(Item(reported.get(key, one.run), None, one.measurements))
    return found


def _note(text: str) -> None:
    tell(f"bench: left out of the site: {text}", err=True)


def _identity(run: Run) -> tuple[str, ...]:
    return run.task, run.model, run.run_id, run.data_fingerprint


def _task(name: str) -> Task | None:
    """The task that conf/ calls so, never what a run says of itself; None where there is none, or it has no examples."""
    from bench.config import compose as conf
    from bench.config.build import build
    from bench.task import Task

    if name not in conf.names("task"):
        return None
    config, _ = conf.compose([f"task={name}"])
    try:
        task = build(conf.plain(config)["task"], "task")
    except BenchError as error:
        _note(f"no data of task '{name}': {error}")
        return None
    return task if isinstance(task, Task) else None
