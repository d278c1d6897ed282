"""The boards as a static site: from a file or any web server, with no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.bundles.public import public_run
from bench.leaderboard import alike, cells
from bench.leaderboard.board import Table
from bench.leaderboard.dawnbench import Table as EntryTable
from bench.leaderboard.definition import Board
from bench.leaderboard.suite import SuiteBoard, SuiteTable
from bench.record import Run
from bench.runs.claimed import date_text, known_since
from bench.runs.measurements import Measurements
from bench.site import competition, examples, scores, suites, times, view
from bench.site import html as pages
from bench.site.data import TaskData
from bench.site.folder import SiteFolder, replacing
from bench.site.names import script, slug
from bench.task import Task


@dataclass(frozen=True)
class Item:
    """A run with its folder; an entry, whose folder is not here, brings its measurements (None where held out)."""

    run: Run
    folder: Path | None
    measured: Measurements | None = None


@dataclass(frozen=True)
class Site:
    """What was written, and which files of runs could not be read."""

    n_boards: int
    n_runs: int
    n_files: int
    n_bytes: int
    problems: tuple[str, ...] = ()


def write_site(
    target: Path,
    found: Sequence[tuple[Board, Sequence[Table]]],
    items: Iterable[Item],
    *,
    task_of: Callable[[str], Task | None],
    combined: Sequence[tuple[SuiteBoard, Sequence[SuiteTable]]] = (),
    entries: Sequence[EntryTable] = (),
    all_data: bool = False,
) -> Site:
    """Write the site of these boards, suites (`combined`), `entries` and runs to the folder `target`, in place of an earlier one.

    `task_of` builds a task by name, None where there is no such task here. Inputs and references of data that may not be
    passed on (their card's `obtain`) are shown with `all_data` only; those that are held out never. Raises BenchError
    where the folder holds something else or cannot be written; a run whose files are damaged has a page without examples.
    """
    unique = {_key(item.run): item for item in items}  # the last of what is named twice
    with replacing(target) as out:
        names = {key: slug(item.run.task, item.run.model, also=key) for key, item in unique.items()}
        shown = [(board, tables) for board, tables in found if tables]
        by_task: dict[str, list[Item]] = {}
        for item in unique.values():
            by_task.setdefault(item.run.task, []).append(item)
        listed, problems = [], list[str]()
        for name, ours in sorted(by_task.items()):
            data = TaskData(name, task_of(name), all_data=all_data)
            for item in ours:
                listed.append(_run(out, names[_key(item.run)], item, data, [board for board, _ in shown], problems))
            data.write(out)
        runs = [public_run(item.run) for item in unique.values()]
        for board, tables in shown:
            _board(out, board, tables, runs, names)
        wide = [(board, tables) for board, tables in combined if tables]
        for one, wide_tables in wide:
            _suite(out, one, wide_tables, shown, names)
        competition.write(out, entries)
        _overview(out, found, wide, runs, names, competition.summary(entries))
        out.write("runs.js", script("runs", {record["page"]: record for record in listed}))
        pages.page(out, "compare.html", "compare.html")
        pages.assets(out)
        return Site(len(shown) + len(wide) + bool(entries), len(unique), out.n_files, out.n_bytes, tuple(problems))


def _key(run: Run) -> tuple[str, ...]:
    return run.task, run.model, run.run_id, run.data_fingerprint, run.created


def _run(
    out: SiteFolder, name: str, item: Item, data: TaskData, known: Sequence[Board], problems: list[str]
) -> dict[str, object]:
    """Write a run's page and examples; the record by which two runs are chosen for comparing."""
    run = public_run(item.run)
    files = examples.read(item.run, item.folder, item.measured)
    if files.fault:
        problems.append(files.fault)
    written = examples.write(out, name, run, files, data)
    board = next((one for one in known if _is_of(one, run)), None)
    metrics = data.task.metrics if data.task else ()
    metric = next((one for one in metrics if not board or one.name == board.metric), None)
    slices = scores.by_slice(metric, files.measured) if metric and files.measured else []
    ranked = next((score for score in run.scores if metric and score.metric == metric.name), None)
    place = {"name": slug(board.name), "title": board.title} if board else None
    pages.run_page(
        out, name, run, alike.origin_of(item.run), board=place, slices=slices, written=written, ranked=ranked,
        times=times.write(out, name, run, item.folder),
    )  # fmt: skip
    first = ranked or run.scores[0]
    return {
        "page": name, "task": view.brief(run.task), "model": view.brief(run.model),
        "run": view.brief(run.run_id, 20), "created": date_text(run),
        "data": run.data_fingerprint, "n": run.n_examples or None, "metric": first.metric, "score": cells.interval(first),
        "judged": " ".join(map(str, alike.judged(run))),
    }  # fmt: skip


def _is_of(board: Board, run: Run) -> bool:
    """Whether the run stands on the board, as far as its task and what ranks it say."""
    if (board.task, board.version) != (run.task, run.task_version):
        return False
    return not board.own_ranking or board.metric == run.scores[0].metric


def _board(
    out: SiteFolder, board: Board, tables: Sequence[Table], runs: Sequence[Run], names: dict[tuple[str, ...], str]
) -> None:
    board = cells.with_telling_columns(board, tables)
    views = [
        view.of(board, table, lambda run: names.get(_key(run), ""), runs, number)
        for number, table in enumerate(tables, start=1)
    ]
    there = {line.origin for one in views for line in one.lines}
    pages.board_page(out, slug(board.name), board, views, [word for word in alike.ORIGINS if word in there])


def _suite(
    out: SiteFolder,
    board: SuiteBoard,
    found: Sequence[SuiteTable],
    shown: Sequence[tuple[Board, Sequence[Table]]],
    names: dict[tuple[str, ...], str],
) -> None:
    """The page of one suite's board."""
    places = {one.task: slug(one.name) for one, _ in shown}
    pages.suite_page(out, slug(board.name), board, suites.tables(found, lambda run: names.get(_key(run), ""), places))


def _overview(
    out: SiteFolder,
    found: Sequence[tuple[Board, Sequence[Table]]],
    wide: Sequence[tuple[SuiteBoard, Sequence[SuiteTable]]],
    runs: Sequence[Run],
    names: dict[tuple[str, ...], str],
    first: Sequence[Mapping[str, object]],
) -> None:
    """The first page, with these lines before those of other boards, and the list of all runs."""
    shown = [
        {"board": board, "page": slug(board.name), "task": board.task, **view.summary(board, tables)}
        for board, tables in found
        if tables
    ]
    shown = [
        {"board": one, "page": slug(one.name), "task": f"suite {one.suite}", **suites.summary(tables)}
        for one, tables in wide
    ] + shown
    empty = [board.title for board, tables in found if not tables]
    latest = sorted(runs, key=lambda run: (known_since(run), run.run_id), reverse=True)
    rows = [(run, names[_key(run)], alike.origin_of(run)) for run in latest]
    pages.page(out, "index.html", "index.html", boards=[*first, *shown], empty=empty, rows=rows[:20], n_runs=len(rows))
    pages.page(out, "runs.html", "runs.html", rows=rows)
