"""Ranked tables out of what lies below a runs directory, or in a store: what `bench board` and a notebook share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands.shared import boards, competition
from bench.commands.shared.gathered import Gathered
from bench.config import compose as conf
from bench.errors import BenchError
from bench.leaderboard import index, suite
from bench.leaderboard.board import Table
from bench.leaderboard.definition import Board, unknown_board
from bench.leaderboard.index import Index
from bench.leaderboard.index_file import file_in
from bench.leaderboard.stamps import folders
from bench.leaderboard.suite import SuiteBoard, SuiteTable

if TYPE_CHECKING:
    from bench.tracking.read import Store

Found = tuple[Board, list[Table]]
FoundSuite = tuple[SuiteBoard, list[SuiteTable]]


def ranked(
    name: str | None, runs_dir: Path, store: str | None = None, more: Callable[[Gathered], None] = lambda gathered: None
) -> tuple[Gathered, list[Found], list[FoundSuite]]:
    """The boards of this name, or all that have runs, with what they are made of; `more` is taken from that while it is open.

    `store` is the address of an MLflow store whose runs stand in place of those below `runs_dir`.
    """
    file, where, stamps, opened_store = _source(runs_dir, store)

    def gather(opened: Index) -> tuple[Gathered, list[Found], list[FoundSuite]]:
        gathered = Gathered(opened, where, opened_store)
        gathered.refresh(stamps)
        found, suites = _boards(name, gathered)
        more(gathered)
        return gathered, found, suites

    return index.using(file, gather)


def why_empty(where: object, known: Sequence[str]) -> str:
    """Why a board shows nothing: no runs at all, or runs of the `known` tasks only."""
    if not known:
        return f"no complete runs in {where}; `bench run suite=mini model=lexical` makes some"
    return f"no complete runs for this board in {where}, which has runs of {', '.join(known)}"


def _other_versions(board: Board, known: Mapping[str, Board]) -> list[str]:
    """A line on the boards of other versions of the board's task, where there are any with runs."""
    others = {name: one for name, one in known.items() if one.task == board.task and one.version != board.version}
    if not others:
        return []
    versions = ", ".join(str(one) for one in sorted({one.version for one in others.values()}))
    shown = ", ".join(f"`bench board {name}`" for name in sorted(others))
    return [f"runs of {board.task} of version {versions}; this is version {board.version}: {shown}"]


def _source(runs_dir: Path, uri: str | None) -> tuple[Path | None, Path, dict[str, str], Store | None]:
    """The index file, if there can be one, the folder that run folders are relative to, their stamps, and the store they are of."""
    if uri:
        from bench.commands.shared import stored

        store, stamps = stored.opened(uri)
        return file_in(store.cache), Path("/"), stamps, store
    return file_in(runs_dir), runs_dir, folders(runs_dir), None


def _boards(name: str | None, gathered: Gathered) -> tuple[list[Found], list[FoundSuite]]:
    """The boards of this name, or all that have runs; the competition's has none."""
    if name == competition.NAME:
        return [], []
    tasks = boards.every(gathered.versions(), gathered.each_ranking)
    of_suites = {path.stem: path for path in boards.suites()}
    if name and name not in of_suites:
        one = tasks.get(name) or boards.of_task(name)
        if one is None:
            if name in conf.names("task"):
                raise BenchError(f"task '{name}' ranks entries and has no board; `bench score {name} PATH` ranks them")
            raise unknown_board(name, sorted({*tasks, *boards.ranked(), *of_suites, competition.NAME}))
        gathered.problems += _other_versions(one, tasks) if name == one.task else []
        beside = [two for two in tasks.values() if two.own_ranking and name == two.task and two.version == one.version]
        return [(two, gathered.tables(two)) for two in (one, *(two for two in beside if two.name != one.name))], []
    known = gathered.versions()
    found = {key: gathered.tables(one) for key, one in tasks.items() if (one.task, one.version) in known}
    suites = []
    for stem, path in of_suites.items():
        if name in (None, stem):
            one_suite = suite.read(path)
            tables = gathered.combined(one_suite, [(tasks[key], those) for key, those in found.items()], tasks.values())
            if tables or name:
                suites.append((one_suite, tables))
    return [] if name else [(tasks[key], those) for key, those in found.items() if those], suites
