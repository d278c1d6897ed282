"""A suite's board as a page shows it: each task's score a link to its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.leaderboard import markdown as page
from bench.leaderboard import profile
from bench.leaderboard.suite import SuiteTable
from bench.site import profiles
from bench.site.view import Link, latest


def tables(found: Sequence[SuiteTable], link: Link, boards: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tables of a suite; `boards` are the pages of the boards that the site has, by task."""
    return [_table(table, link, boards) for table in found]


def _table(table: SuiteTable, link: Link, boards: Mapping[str, str]) -> dict[str, Any]:
    headings = page.suite_headings(table)
    by_heading = {f"{one.board.task} {one.board.metric}": one.board.task for one in table.columns}
    rows = []
    for row in table.rows:
        cells = []
        for name, text in zip(headings, page.suite_cells(table.columns, row), strict=True):
            run = row.rows.get(by_heading.get(name, ""))
            cells.append({"text": text, "page": link(run.run) if run else ""})
        rows.append({"cells": cells})
    columns = [
        {"task": one.board.task, "metric": one.board.metric, "zero": one.zero, "one": one.one,
         "page": boards.get(one.board.task, ""), "n": f"{table.n[one.board.task]:,}" if one.board.task in table.n else "–"}
        for one in table.columns
    ]  # fmt: skip
    return {
        "device": table.device, "headings": headings, "rows": rows, "notes": table.notes, "columns": columns,
        "profiles": profiles.picture(table), "profiles_say": profile.SAYS,
    }  # fmt: skip


def summary(found: Sequence[SuiteTable]) -> dict[str, str]:
    """The line of a suite's board on the first page."""
    leader = next((row for row in found[0].rows if row.rank is not None), None) if found else None
    return {
        "leader": leader.model if leader else "–",
        "score": f"mean rank {leader.mean_rank:.2f}" if leader and leader.mean_rank is not None else "–",
        "models": str(len({row.model for table in found for row in table.rows if row.rank is not None})),
        "n": f"{len(found[0].columns)} tasks" if found else "–",
        "latest": latest(one.run for table in found for row in table.rows for one in row.rows.values()),
    }
