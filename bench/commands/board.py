"""`bench board`: ranked tables, on the terminal and as Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands.shared import output
from bench.config import compose as conf
from bench.errors import BenchError
from bench.text.secrets import clean
from bench.text.shown import tell, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from bench.commands.shared.gathered import Gathered
    from bench.leaderboard.board import Table
    from bench.leaderboard.definition import Board
    from bench.leaderboard.index import Index
    from bench.leaderboard.suite import SuiteBoard, SuiteTable
    from bench.types import Run

_LONGEST_CELL = 60  # characters on a terminal: one long name must not push the other columns out
_ROWS = 100  # of a table on a terminal; its page has them all
Found = tuple["Board", "list[Table]"]
FoundSuite = tuple["SuiteBoard", "list[SuiteTable]"]


def main(options: argparse.Namespace) -> int:
    """Print boards and write their Markdown pages, and with --html the site."""
    from bench.commands.shared.gathered import Gathered
    from bench.leaderboard import index

    file, runs_dir, stamps = _source(options)
    runs: list[tuple[Path | None, Run]] = []
    known: list[str] = []

    def gather(opened: Index) -> tuple[Gathered, list[Found], list[FoundSuite]]:
        gathered = Gathered(opened, runs_dir, stored=bool(options.store))
        gathered.refresh(stamps)
        found, suites = _boards(options.name, gathered)
        known[:] = sorted({task for task, _ in gathered.versions()})
        runs[:] = gathered.every() if options.html else []
        return gathered, found, suites

    gathered, found, suites = index.using(file, gather)
    for problem in dict.fromkeys(gathered.problems):
        tell(f"bench: left out: {problem}", err=True)
    record = _written(found, suites)
    if options.html:
        from bench.commands.shared import site

        wrote = site.main(options.html, found, runs, suites=suites, all_data=options.all_data)
        record |= {"site": wrote} if options.json else {}
    if options.json:
        output.emit(record)
    else:
        _print(found, suites)
        if not any(tables for _, tables in [*found, *suites]):
            _say_why(options, known)
    return 0


def _say_why(options: argparse.Namespace, known: Sequence[str]) -> None:
    """Why there is nothing to show: no runs at all, or runs of other tasks."""
    where = options.store or options.runs
    if not known:
        tell(f"no complete runs in {where}; `bench run suite=mini model=lexical` makes some")
    else:
        tell(f"no complete runs for this board in {where}, which has runs of {', '.join(known)}")


def _source(options: argparse.Namespace) -> tuple[Path, Path, dict[str, str]]:
    """The index file, the folder that run folders are relative to, and the stamps of these."""
    from bench.leaderboard import index
    from bench.leaderboard.stamps import folders

    if options.store:
        from bench.commands.shared.stored import folders_of

        return folders_of(options.store)
    return options.runs / index.FILE, options.runs, folders(options.runs)


def _boards(name: str | None, gathered: Gathered) -> tuple[list[Found], list[FoundSuite]]:
    """The boards of this name, or all that have runs."""
    from bench.commands.shared import boards
    from bench.leaderboard import suite
    from bench.leaderboard.definition import unknown_board

    tasks = boards.every(gathered.versions(), gathered.latest)
    of_suites = {path.stem: path for path in boards.suites()}
    if name and name not in of_suites:
        one = tasks.get(name) or boards.of_task(name)
        if one is None:
            if name in conf.names("task"):
                raise BenchError(f"task '{name}' ranks entries and has no board; `bench score {name} PATH` ranks them")
            raise unknown_board(name, sorted({*tasks, *boards.ranked(), *of_suites}))
        return [(one, gathered.tables(one))], []
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


def _written(found: Sequence[Found], suites: Sequence[FoundSuite]) -> dict[str, Any]:
    """Write each board's page; what `--json` says of them."""
    from bench.leaderboard import markdown as page

    record: dict[str, Any] = {}
    for board, tables in found:
        _write(board.name, page.markdown(board, tables))
        record[board.name] = [_table_json(table) for table in tables]
    for suite, combined in suites:
        _write(suite.name, page.suite_markdown(suite, combined))
        record[suite.name] = [_suite_json(table) for table in combined]
    return record


def _write(name: str, text: str) -> None:
    from bench.disk import write_atomically

    out = Path("leaderboards")
    try:
        out.mkdir(exist_ok=True)
        write_atomically(out / f"{name}.md", text)
    except OSError as error:
        raise BenchError(
            f"{out / name}.md cannot be written ({error.strerror}); run `bench board` in a writable folder"
        ) from None


def _print(found: Sequence[Found], suites: Sequence[FoundSuite]) -> None:
    from bench.leaderboard import board as boards
    from bench.leaderboard import endings
    from bench.leaderboard import markdown as page

    console = output.console()
    for board, tables in found:
        if not tables:
            _say(console, f"{board.title}: no runs yet")
        shown = boards.with_flips(board, tables)
        for table in tables:
            ends = {id(rows[-1]) for rows in boards.groups(table)[:-1]}
            rows = [(boards.cells(shown, row), row.rank is None, id(row) in ends) for row in table.rows]
            _print_table(console, f"{board.title}: {boards.title(table)}", boards.headings(shown), rows)
            _cut(console, len(rows), board.name)
            for line in page.below(table):
                _say(console, line)
        for line in filter(None, (board.caution if tables else "", endings.legend(shown.columns))):
            _say(console, line)
    for suite, combined in suites:
        if not combined:
            _say(console, f"{suite.title}: no runs yet")
        for one in combined:
            lines = [(page.suite_cells(one.columns, row), row.rank is None, False) for row in one.rows]
            _print_table(console, f"{suite.title}: {one.device}", page.suite_headings(one), lines)
            _cut(console, len(lines), suite.name)
            for note in one.notes:
                _say(console, note)


def _print_table(
    console: Console, title: str, headings: Sequence[str], rows: Sequence[tuple[list[str], bool, bool]]
) -> None:
    """Rows are (cells, whether it is dimmed, whether a line is drawn below it); a table that is too long is cut."""
    from rich.table import Table as RichTable
    from rich.text import Text

    from bench.runs.claimed import Claimed

    rich = RichTable(title=Text(terminal(title)), title_justify="left")
    for heading in headings:
        text = heading in ("rank", "model", "device", "dtype", "commit", "date", "origin", "missing")
        keep = heading in ("model", "rank", "origin") or "[95" in heading
        rich.add_column(Text(terminal(heading)), justify="left" if text else "right", no_wrap=keep)
    for cells, dim, ends in rows[:_ROWS]:
        texts = [
            Text(terminal(clean(cell), _LONGEST_CELL), style="dim" if isinstance(cell, Claimed) else "")
            for cell in cells
        ]
        rich.add_row(*texts, style="dim" if dim else None, end_section=ends)
    console.print(rich)


def _cut(console: Console, n: int, name: str) -> None:
    if n > _ROWS:
        _say(console, f"{n - _ROWS:,} more rows are in leaderboards/{name}.md")


def _say(console: Console, line: str) -> None:
    console.print(terminal(clean(line)), markup=False, highlight=False)


def _table_json(table: Table) -> dict[str, Any]:
    """A table for `--json`; what of a row is claimed stands below that word, so that no reader takes it for measured."""
    from bench.runs.claimed import examples_per_second, is_claimed

    def times(run: Run) -> dict[str, Any]:
        said = {"examples_per_second": examples_per_second(run), "device": run.environment["device"]}
        told = {name: value for name, value in said.items() if is_claimed(run, name)}
        return (
            said | dict.fromkeys(told) | {"audit": run.audit if not is_claimed(run, "flips") else {}, "claimed": told}
        )

    rows = [
        {"rank": row.rank, "rank_low": row.rank_low, "rank_high": row.rank_high, "group": row.group, "origin": row.origin,
         "model": row.run.model, **vars(row.score), "run_id": row.run.run_id, "answers": dict(row.run.answers), **times(row.run)}
        for row in table.rows
    ]  # fmt: skip
    return {
        "device": table.device, "data_fingerprint": table.fingerprint, "n": table.n, "rows": rows, "notes": list(table.notes),
    }  # fmt: skip


def _suite_json(table: SuiteTable) -> dict[str, Any]:
    columns = [
        {"task": one.board.task, "metric": one.board.metric, "limit": one.limit, "chance": one.zero, "reference": one.one}
        for one in table.columns
    ]  # fmt: skip
    rows = [
        {**{key: value for key, value in vars(row).items() if key != "rows"},
         "scores": {task: one.score.value for task, one in row.rows.items()}}
        for row in table.rows
    ]  # fmt: skip
    return {"device": table.device, "tasks": columns, "rows": rows, "notes": list(table.notes)}
