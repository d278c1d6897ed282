"""Profiles of a suite's models by scenario: hand-worked places, bounds, the picture, the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.leaderboard import markdown as page
from bench.leaderboard import profile, suite
from bench.leaderboard.board import tables
from bench.leaderboard.definition import Board
from bench.leaderboard.suite import Column, SuiteBoard, SuiteTable
from bench.record import Run
from bench.site.folder import SiteFolder
from bench.site.html import suite_page
from bench.site.profiles import LINE, picture
from bench.site.suites import tables as as_tables

Make = Callable[..., Run]
BOARD = SuiteBoard("all", "All", "all")
SCENARIOS = {"credit": "risk control", "fraud": "risk control", "calls": "marketing"}


def table(make: Make, given: Mapping[str, Mapping[str, float]], scenarios: Mapping[str, str] = SCENARIOS) -> SuiteTable:
    columns = [Column(Board(t, t, t, 1, "f1"), None, 0.2, 0.7, name) for t, name in scenarios.items()]
    runs: dict[str, list[Run]] = {}
    for model, values in given.items():
        for task, value in values.items():
            runs.setdefault(task, []).append(make(model, task=task, value=value, is_reference=model == "majority"))
    (only,) = suite.combined(
        BOARD, columns, {c.board.task: tables(c.board, runs.get(c.board.task, [])) for c in columns}
    )
    return only


def found(given: SuiteTable) -> dict[str, profile.Profile]:
    return {one.row.model: one for one in profile.profiles(given)}


ALL: dict[str, dict[str, float]] = {
    "alpha": {"credit": 0.7, "fraud": 0.45, "calls": 0.2},
    "beta": {"credit": 0.3, "calls": 0.5},
    "majority": {"credit": 0.2, "fraud": 0.2, "calls": 0.3},
}


def test_a_place_is_the_mean_normalised_score_with_bounds_of_independent_estimates(run_record: Make) -> None:
    alpha = found(table(run_record, ALL))["alpha"].places
    # (0.7 - 0.2) / 0.5 = 1 and (0.45 - 0.2) / 0.5 = 0.5: mean 0.75; each bound is 0.1 / 0.5 = 0.2 away: sqrt(2 · 0.04) / 2
    assert (alpha[0].value, alpha[0].n, alpha[0].of, alpha[0].whole) == (pytest.approx(0.75), 2, 2, True)
    assert (alpha[0].low, alpha[0].high) == (pytest.approx(0.75 - 0.02**0.5), pytest.approx(0.75 + 0.02**0.5))
    assert alpha[1].value == pytest.approx(0.0)


def test_a_place_on_some_of_a_scenarios_tasks_says_so(run_record: Make) -> None:
    beta = found(table(run_record, ALL))["beta"].places[0]
    assert (beta.n, beta.of, beta.whole) == (1, 2, False)
    assert profile.text(beta) == "20.0 [0.0, 40.0] (1 of 2 tasks)"
    assert profile.text(profile.Place(None, None, None, 0, 2)) == "–"


def test_a_task_that_nobody_ran_counts_nowhere_and_one_scenario_makes_no_profile(run_record: Make) -> None:
    wide = table(run_record, ALL, {**SCENARIOS, "rates": "market"})
    assert profile.scenarios(wide) == ["risk control", "marketing"]
    alone = table(run_record, ALL, dict.fromkeys(SCENARIOS, "reading"))
    assert profile.profiles(alone) == []
    assert picture(alone) is None
    assert page.profile_markdown(alone) == []


def test_a_score_without_interval_leaves_the_place_without_one(run_record: Make) -> None:
    given = table(run_record, ALL)
    alpha = next(row for row in given.rows if row.model == "alpha")
    rows = {**alpha.rows, "fraud": replace(alpha.rows["fraud"], score=replace(alpha.rows["fraud"].score, low=None))}
    place = profile.place(given.columns[:2], replace(alpha, rows=rows))
    assert (place.value, place.low, place.high) == (pytest.approx(0.75), None, None)


def test_a_metric_where_less_is_better_has_its_bounds_the_right_way_round(run_record: Make) -> None:
    given = table(run_record, ALL)
    errors = replace(given.columns[0], zero=1.0, one=0.0)
    place = profile.place([errors], next(row for row in given.rows if row.model == "alpha"))
    assert (place.low, place.value, place.high) == pytest.approx((0.2, 0.3, 0.4))


def test_the_picture_has_a_bar_from_chance_and_the_majority_as_a_line(run_record: Make) -> None:
    drawn: Any = picture(table(run_record, ALL))
    by_name = {line.name: line for line in drawn.lines}
    risk, marketing = drawn.panels
    assert (risk.majority, marketing.majority) == (
        risk.chance,
        pytest.approx(marketing.chance + 0.2 * (marketing.reference - marketing.chance), abs=0.02),
    )
    bar = by_name["alpha"].bars[0]
    assert bar.left == risk.chance
    assert bar.end == pytest.approx(risk.chance + 0.75 * (risk.reference - risk.chance), abs=0.02)
    assert by_name["beta"].bars[0].hollow
    assert by_name["majority"].reference
    assert len({line.y for line in drawn.lines}) == 3
    assert drawn.lines[1].y - drawn.lines[0].y == LINE
    assert all(risk.start <= end <= risk.end for line in drawn.lines for end in (line.bars[0].low, line.bars[0].high))


def test_the_pages_show_the_profiles_and_no_markup_of_a_model(run_record: Make, tmp_path: Path) -> None:
    given = table(run_record, {**ALL, "<b>x</b>": {"credit": 0.5}})
    text = page.suite_markdown(BOARD, [given])
    assert "| alpha | 75.0 [60.9, 89.1] | 0.0 [-20.0, 20.0] |" in text
    suite_page(SiteFolder(tmp_path), "all", BOARD, as_tables([given], lambda run: "", {}))
    shown = (tmp_path / "boards" / "all.html").read_text()
    assert "By scenario" in shown
    assert "alpha, risk control: 75.0 [60.9, 89.1]" in shown
    assert "<b>x</b>" not in shown
