"""The page of DAWNBench's boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.leaderboard import dawnbench_page as texts
from bench.leaderboard.dawnbench import NAME, TITLE, Table
from bench.site import html as pages
from bench.site.folder import SiteFolder


def write(out: SiteFolder, found: Sequence[Table]) -> None:
    """Write the page, where there is anything to show."""
    if not found:
        return
    tables = [
        {"title": texts.title(table), "columns": texts.columns(table), "rows": [texts.cells(table, row) for row in table.rows],
         "notes": texts.below(table)}
        for table in found
    ]  # fmt: skip
    pages.page(out, f"boards/{NAME}.html", "competition.html", title=TITLE, tables=tables, text=texts.LEGEND)


def summary(found: Sequence[Table]) -> list[Mapping[str, object]]:
    """Its line on the first page, with the leader of the first ranking that has one."""
    ranked = [table for table in found if table.rows]
    if not ranked:
        return []
    first, leader = ranked[0], ranked[0].rows[0].standing
    models = {row.standing.model for table in ranked for row in table.rows}
    latest = max((row.standing.date for table in ranked for row in table.rows), default="–")
    return [
        {"board": {"title": TITLE}, "page": NAME, "task": "competition", "leader": leader.model,
         "score": f"{first.data_set}, {first.ranking.title}", "models": str(len(models)),
         "n": f"{len({row.standing.source for table in ranked for row in table.rows})} entries", "latest": latest}
    ]  # fmt: skip
