"""The boards there are: one for each task, and what files say more of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.config import compose as conf
from bench.config.build import task_class
from bench.errors import BenchError
from bench.leaderboard.definition import Board, definitions, read
from bench.record import Run
from bench.runs.identity import fingerprint
from bench.scoring.foreign import is_foreign
from bench.task import Task


def own_folders() -> list[Path]:
    """The leaderboards/ of each folder of `BENCH_CONF` and of installed packages."""
    return [folder / "leaderboards" for folder in conf.conf_dirs()[:-1]]


def of_task(name: str) -> Board | None:
    """The board of a task of the registry, ranked by its first metric; None for another name, and for a competition."""
    if not conf.has("task", name):
        return None
    cls = task_class(name)
    if not issubclass(cls, Task):
        return None
    title = getattr(getattr(cls, "card", None), "title", "") or name
    return Board(cls.name, title, cls.name, cls.version, cls.metrics[0].name, caution=_caution(cls))


def _caution(cls: type[Task]) -> str:
    """What the card says of answers that need no reading, in a sentence; "" for nothing."""
    unit = 100 if cls.metrics[0].is_fraction else 1
    given = getattr(getattr(cls, "card", None), "gives_away", {})
    said = ", ".join(f"{unit * value:.1f} (cheat-{name})" for name, value in given.items())
    return f"Answers that need no reading get {said} of {cls.metrics[0].name}; see docs/gaming.md." if said else ""


def ranked() -> list[str]:
    """The tasks of the registry that have a board: all but the competitions, and what cannot be had."""
    found = []
    for name in conf.names("task"):
        with suppress(BenchError):
            if of_task(name):
                found.append(name)
    return found


def suites() -> list[Path]:
    """The files of boards that combine a suite's tasks."""
    return definitions(suites=True, own=own_folders())


def of_files() -> dict[str, Board]:
    """The boards that files speak of, by name."""
    return {path.stem: read(path, of_task) for path in definitions(own=own_folders())}


def every(versions: Iterable[tuple[str, int]], runs_of: Callable[[str, int], Sequence[Run]]) -> dict[str, Board]:
    """All boards by name: those of files, and one for each of these tasks and versions that no file speaks of.

    `runs_of` gives runs of such a one, one for each board; a task that is not known here ranks by its run's first score. Of
    several versions the last has the task's name, an earlier one its number as well; of several metrics that rank in other
    harnesses' logs the first has it, each other one its metric as well.
    """
    found = of_files()
    for task, version in sorted(versions, key=lambda one: (one[0], -one[1])):
        if any((one.task, one.version) == (task, version) for one in found.values()):
            continue
        for place, run in enumerate(runs_of(task, version)):
            board = _default(run)
            if not place:
                name = first = board.name if board.name not in found else f"{board.name}-v{board.version}"
            else:
                name = f"{first}-by-{_plain(board.metric)}"
            found[name] = replace(board, name=name)
    return dict(sorted(found.items()))


def _default(run: Run) -> Board:
    """The board of a run's task and version."""
    try:
        known = of_task(run.task)
    except BenchError:  # its class cannot be had: the run says enough
        known = None
    if known is not None and (known.task, known.version) == (run.task, run.task_version):
        return known
    title = known.title if known else run.task
    return Board(run.task, title, run.task, run.task_version, run.scores[0].metric, own_ranking=is_foreign(run))


def _plain(metric: str) -> str:
    """A metric's name as part of a file's name; another metric is another name."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", metric)[:40]
    return plain if plain == metric else f"{plain}-{fingerprint(metric)[:6]}"
