"""`bench board`: ranked tables, on the terminal and as Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench import garbage
from bench.commands.shared import competition, output, trainings
from bench.errors import BenchError
from bench.text.shown import of_name, tell

if TYPE_CHECKING:
    from bench.commands.shared.gathered import Gathered
    from bench.leaderboard.board import Table
    from bench.leaderboard.dawnbench import Table as EntryTable
    from bench.leaderboard.definition import Board
    from bench.leaderboard.suite import SuiteBoard, SuiteTable
    from bench.record import Run

Found = tuple["Board", "list[Table]"]
FoundSuite = tuple["SuiteBoard", "list[SuiteTable]"]


@garbage.left_alone()
def main(options: argparse.Namespace) -> int:
    """Print boards and write their Markdown pages, and with --html the site."""
    from bench.commands.shared import speed as shown_speed
    from bench.commands.shared.ranked import ranked

    trained, faults = ({}, []) if options.store else trainings.gathered(options.runs, options.name)
    runs: list[tuple[Path | None, Run]] = []
    known: list[str] = []
    entries: list[EntryTable] = []

    def more(gathered: Gathered) -> None:
        entries[:] = competition.gather(options.runs, gathered) if options.name in (None, competition.NAME) else []
        known[:] = sorted({task for task, _ in gathered.versions()})
        runs[:] = gathered.every() if options.html else []

    gathered, found, suites = ranked(options.name, options.runs, options.store, more)
    for problem in dict.fromkeys([*gathered.problems, *faults]):
        tell(f"bench: left out: {problem}", err=True)
    record = _written(found, suites) | _written_entries(entries, options.name) | _written_trainings(trained)
    if options.html:
        from bench.commands.shared import site

        wrote = site.main(options.html, found, runs, suites=suites, entries=entries, all_data=options.all_data)
        record |= {"site": wrote} if options.json else {}
    if options.json:
        output.emit(record | ({"speed": shown_speed.record(found)} if options.speed else {}))
    elif options.speed:
        shown_speed.show(found)
    else:
        listed = entries if competition.NAME in record else None
        _show(options, found, suites, listed, trained, known, gathered.why)
    return 0


def _show(
    options: argparse.Namespace, found: list[Found], suites: list[FoundSuite], entries: list[EntryTable] | None,
    trained: Mapping[str, Any], known: Sequence[str], why: Mapping[str, str],
) -> None:  # fmt: skip
    """Print what there is; `entries` is None where the competition was not asked for, or has none."""
    _print(found, suites, why)
    trainings.show(trained)
    if entries is not None:
        competition.show(entries)
    elif not trained and not why and not any(tables for _, tables in [*found, *suites]):
        _say_why(options, known)


def _say_why(options: argparse.Namespace, known: Sequence[str]) -> None:
    """Why there is nothing to show: no runs at all, or runs of other tasks."""
    from bench.commands.shared.ranked import why_empty

    tell(why_empty(options.store or options.runs, known))


def _written_trainings(trained: Mapping[str, Any]) -> dict[str, Any]:
    """Write the pages of times to accuracy; what `--json` says of them."""
    for name, text in trainings.pages(trained).items():
        _write(name, text)
    return trainings.as_json(trained)


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


def _written_entries(entries: Sequence[EntryTable], name: str | None) -> dict[str, Any]:
    """Write the competition's page, where it has entries or is asked for; what `--json` says of it."""
    if not entries and name != competition.NAME:
        return {}
    _write(competition.NAME, competition.page(entries))
    return {competition.NAME: competition.records(entries)}


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


def _print(found: Sequence[Found], suites: Sequence[FoundSuite], why: Mapping[str, str] = MappingProxyType({})) -> None:
    from bench.commands.shared import tables as printed
    from bench.leaderboard import board as boards
    from bench.leaderboard import cells, endings, readings
    from bench.leaderboard import markdown as page

    for board, tables in found:
        if not tables:
            tell(of_name(board.title, "no runs yet"))
        shown = cells.with_telling_columns(board, tables)
        for table in tables:
            ends = {id(rows[-1]) for rows in boards.groups(table)[:-1]}
            rows = [printed.Row(cells.cells(shown, row), row.rank is None, id(row) in ends) for row in table.rows]
            title = of_name(board.title, boards.title(table))
            printed.show(title, cells.columns(shown), rows, whole=f"leaderboards/{board.name}.md")
            for line in page.below(table):
                tell(line)
        timed = readings.LEGEND if "timed" in shown.columns else ""
        for line in filter(None, (board.caution if tables else "", endings.legend(shown.columns), timed)):
            tell(line)
    _print_suites(suites, why)


def _print_suites(suites: Sequence[FoundSuite], why: Mapping[str, str]) -> None:
    from bench.commands.shared import tables as printed
    from bench.leaderboard import markdown as page
    from bench.leaderboard import profile

    for suite, combined in suites:
        if not combined:
            tell(f"{suite.title}: {why.get(suite.name, 'no runs yet')}")
        for one in combined:
            rows = [printed.Row(page.suite_cells(one.columns, row), row.rank is None) for row in one.rows]
            title = f"{suite.title}: {one.device}"
            printed.show(title, page.suite_columns(one), rows, whole=f"leaderboards/{suite.name}.md")
            for note in one.notes:
                tell(note)
            if profiles := profile.profiles(one):
                lines = [printed.Row(page.profile_cells(line), line.reference) for line in profiles]
                title = f"{suite.title}: {one.device}, by scenario"
                printed.show(title, page.profile_columns(one), lines, whole=f"leaderboards/{suite.name}.md")
                tell(profile.SAYS)


def _table_json(table: Table) -> dict[str, Any]:
    """A table for `--json`; what of a row is claimed stands below that word, so that no reader takes it for measured."""
    from bench.runs.claimed import is_claimed
    from bench.runs.rates import examples_per_second, seconds_per_answer

    def times(run: Run) -> dict[str, Any]:
        said = {"examples_per_second": examples_per_second(run), "seconds_per_answer": seconds_per_answer(run),
                "device": run.environment["device"]}  # fmt: skip
        said |= {"scenarios": dict(run.scenarios)} if run.scenarios else {}
        told = {name: value for name, value in said.items() if is_claimed(run, name)}
        audit = run.audit if not is_claimed(run, "flips") else {}
        return said | dict.fromkeys(told) | {"audit": audit, "claimed": told}

    rows = [
        {"rank": row.rank, "rank_low": row.rank_low, "rank_high": row.rank_high, "group": row.group, "origin": row.origin,
         "model": row.run.model, **vars(row.score), "run_id": row.run.run_id, "answers": dict(row.run.answers),
         **times(row.run)}
        for row in table.rows
    ]  # fmt: skip
    return {
        "device": table.device, "data_fingerprint": table.fingerprint, "n": table.n, "rows": rows, "notes": list(table.notes),
    }  # fmt: skip


def _suite_json(table: SuiteTable) -> dict[str, Any]:
    from bench.leaderboard import profile

    columns = [
        {"task": one.board.task, "metric": one.board.metric, "limit": one.limit, "chance": one.zero, "reference": one.one,
         "scenario": one.scenario}
        for one in table.columns
    ]  # fmt: skip
    rows = [
        {**{key: value for key, value in vars(row).items() if key != "rows"},
         "scores": {task: one.score.value for task, one in row.rows.items()}}
        for row in table.rows
    ]  # fmt: skip
    names = profile.scenarios(table)
    found = [
        {"model": one.row.model, "reference": one.reference, "scenarios": dict(zip(names, map(vars, one.places), strict=True))}
        for one in profile.profiles(table)
    ]  # fmt: skip
    return {"device": table.device, "tasks": columns, "rows": rows, "notes": list(table.notes), "profiles": found}
