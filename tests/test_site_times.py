"""What the site shows of time: the timeline of a run, the distributions of its scenarios, score against latency on a board."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import raw_times
from hypothesis import given
from hypothesis import strategies as draw
from site_data import BOARD, HOSTILE, Reading, item, some

from bench.leaderboard import board as boards
from bench.record import Run, Timing
from bench.runs.journal import LEDGER, of_timing
from bench.site import Item, write_site
from bench.site.axis import Axis
from bench.site.strips import strips
from bench.timeline.attempts import attempts
from bench.timeline.bars import Timeline

Make = Callable[..., Run]
TASK = Reading(12)


def timed(folder: Path, make: Make, model: str, share: int, seconds: float, n: int = 100, **changes: Any) -> Item:
    """A run with a reading of single stream, of about so many seconds an answer."""
    there = item(folder, make, TASK, model, some(share), **changes)
    summary = raw_times.write(folder, "single_stream", raw_times.single_stream(n, seconds))
    return Item(Run(**{**vars(there.run), "scenarios": {"single_stream": summary}}), folder)


def pages(folder: Path, items: list[Item]) -> tuple[str, dict[str, str]]:
    """The page of the board, and those of the runs by the name of their model."""
    write_site(folder, [(BOARD, boards.tables(BOARD, [one.run for one in items]))], items, task_of=lambda name: TASK)
    (board,) = (path.read_text() for path in (folder / "boards").glob("*.html"))
    runs = {
        re.search(r"<title>(.*?) on ", text)[1]: text
        for path in (folder / "runs").glob("*.html")
        if (text := path.read_text())
    }  # type: ignore[index]
    return board, runs


def test_the_page_of_a_run_draws_its_attempts_and_hands_out_the_trace(tmp_path: Path, run_record: Make) -> None:
    there = item(tmp_path / "r", run_record, TASK, "m", some(2))
    readings = [
        Timing(1, "begin", 0.0, at="2026-01-02T03:04:05+00:00"),
        Timing(1, "load", 2.0, start=0.0),
        Timing(1, "score", 1.0, start=3.0),
    ]
    (tmp_path / "r" / LEDGER).write_text("".join(of_timing(one) + "\n" for one in readings))
    _, runs = pages(tmp_path / "site", [there])
    assert 'aria-label="attempt 1, 4.00 s: load 2.00 s, score 1.00 s; between them 1.00 s"' in runs["m"]
    name = re.search(r'href="([^"]*\.trace\.json)"', runs["m"])
    assert name is not None
    assert [
        one["dur"]
        for one in json.loads((tmp_path / "site" / "runs" / name[1]).read_text())["traceEvents"]
        if one["ph"] == "X"
    ] == [2e6, 1e6]


@pytest.mark.slow
def test_ten_thousand_readings_draw_no_more_than_can_be_seen() -> None:
    many = [Timing(1, "predict", 0.002, n=1, batch=i, places=(i,), start=0.002 * i) for i in range(10_000)]
    (strip,), left_out = strips(Timeline(attempts(many)))
    assert left_out == 0
    assert [(len(row.pieces), row.pieces[0].label) for row in strip.rows] == [(1, "predict")]
    assert (strip.sums[0].n, strip.sums[0].seconds, strip.sums[0].share) == (10_000, "20.0 s", "100.0 %")


def test_a_percentile_is_on_the_curve_and_in_the_table_only_where_there_are_enough_answers(
    tmp_path: Path, run_record: Make
) -> None:
    items = [timed(tmp_path / name, run_record, name, 2, 0.02, n) for name, n in (("few", 20), ("more", 64))]
    _, runs = pages(tmp_path / "site", items)
    assert "INVALID" in runs["few"]
    assert "p90 needs 64 answers, there are 20: 44 more" in runs["few"]
    assert re.search(
        r'aria-label="latency of 20 answers: [^"]*; p50 [\d.]+ ms; p90 needs 64, p99 needs 662 answers"', runs["few"]
    )
    assert re.search(
        r'aria-label="latency of 64 answers: [^"]*; p50 [\d.]+ ms; p90 [\d.]+ ms; p99 needs 662 answers"', runs["more"]
    )
    assert runs["few"].count('class="mark"') == 3  # p50 of latency, first token and tokens behind it
    assert runs["more"].count('class="mark"') == 6


def test_the_numbers_of_the_table_are_those_of_the_record(tmp_path: Path, run_record: Make) -> None:
    one = timed(tmp_path / "r", run_record, "m", 2, 0.02)
    _, runs = pages(tmp_path / "site", [one])
    latency = one.run.scenarios["single_stream"]["latency"]
    row = re.search(r'<th scope="row">latency</th>(.*?)</tr>', runs["m"])
    assert row is not None
    cells = re.findall(r">([^<]*)</td>", row[1])
    assert cells[:5] == ["100", *(f"{1000 * latency[name]:.3g} ms" for name in ("mean", "min", "p50", "p90"))]
    assert cells[5:8] == ["–"] * 3


def test_a_server_shows_its_queue(tmp_path: Path, run_record: Make) -> None:
    answers = [
        raw_times.answer(i, 0.2 * i, float(i), i + 0.5, i + 1.0) for i in range(4)
    ]  # due early, asked one a second
    there = item(tmp_path / "r", run_record, TASK, "m", some(2))
    summary = raw_times.write(tmp_path / "r", "server", answers, qps=10.0)
    _, runs = pages(
        tmp_path / "site", [Item(Run(**{**vars(there.run), "scenarios": {"server": summary}}), tmp_path / "r")]
    )
    # They wait 0.0, 0.8, 1.6 and 2.4 s: 4.8 s of waiting in 4 s; at 0.6 s three wait.
    assert 'aria-label="requests that were due and waited: 1.2 in the mean of 4.00 s, at most 3"' in runs["m"]


@pytest.mark.parametrize("how", ["altered", "entry"])
def test_without_the_raw_readings_there_are_numbers_and_no_curve(tmp_path: Path, run_record: Make, how: str) -> None:
    one = timed(tmp_path / "r", run_record, "m", 2, 0.02)
    path = tmp_path / "r" / "scenarios" / "single_stream.jsonl"
    path.write_text(path.read_text() + "\n")
    _, runs = pages(tmp_path / "site", [one if how == "altered" else Item(one.run, None)])
    assert '<svg class="curve"' not in runs["m"]
    assert "No curves: its raw readings are not " in runs["m"]
    assert '<th scope="row">latency</th>' in runs["m"]


@pytest.mark.slow
def test_score_against_latency_is_drawn_from_two_valid_readings_on(tmp_path: Path, run_record: Make) -> None:
    quick, good = (
        timed(tmp_path / "a", run_record, "quick", 2, 0.01),
        timed(tmp_path / "b", run_record, "good", 10, 0.1),
    )
    few = timed(tmp_path / "c", run_record, "few", 10, 0.001, 20)
    assert "tradeoff-" not in pages(tmp_path / "one", [quick, few])[0]
    board, _ = pages(tmp_path / "two", [quick, good, few])
    assert "Score and latency, single stream" in board
    assert re.search(r"no other is both better and sooner: quick \([^)]*\), good \(", board)
    assert "Not drawn: few: INVALID: p90 needs 64 answers, there are 20: 44 more." in board
    assert len(re.findall(r'<circle class="point"', board)) == 2


@pytest.mark.slow
def test_score_against_cost_is_of_offline_readings_and_of_one_currency(tmp_path: Path, run_record: Make) -> None:
    items = []
    for i, (name, currency) in enumerate((("a", "USD"), ("b", "USD"), ("euros", "EUR"), ("free", ""))):
        one = item(tmp_path / name, run_record, TASK, name, some(2 + 3 * i))
        answers = [raw_times.answer(place, 0.0, 0.0, None, 10.0 * (i + 1)) for place in range(100)]
        summary = raw_times.write(tmp_path / name, "offline", answers, min_count=1)
        price = {
            "name": "m",
            "currency": currency,
            "per_hour": 3.6,
            "per_million": None,
            "date": "2026-01-01",
            "source": "s",
        }
        changes = {"scenarios": {"offline": summary}, "price": price if currency else {}}
        items.append(Item(Run(**{**vars(one.run), **changes}), one.folder))
    board, _ = pages(tmp_path / "site", items)
    assert board.count('<h3 id="tradeoff-') == 1  # one row of EUR is no picture, and offline has no latency
    # 100 answers in 10 s at 0.001 USD a second are 0.0001 USD each.
    assert re.search(r"both better and cheaper: a \([\d.]+ at 0.1\), b \([\d.]+ at 0.2\)", board)
    assert "Not drawn: euros: no price in USD; free: no price in USD." in board


@pytest.mark.slow
def test_what_somebody_else_measured_is_marked_on_their_page_and_in_no_picture_of_the_board(
    tmp_path: Path, run_record: Make
) -> None:
    own = [timed(tmp_path / name, run_record, name, 2 + i, 0.01 * (1 + i)) for i, name in enumerate(("a", "b"))]
    brought = timed(tmp_path / "c", run_record, "theirs", 10, 0.001, origin={"submitter": "they", "bundle": "f" * 64})
    board, runs = pages(tmp_path / "site", [*own, brought])
    assert len(re.findall(r'<circle class="point"', board)) == 2
    assert "theirs: its times are claimed" in board
    assert "Timing scenarios, claimed" in runs["theirs"]
    assert "~VALID" in runs["theirs"]
    assert "~VALID" not in runs["a"]


def test_readings_of_other_machines_and_rates_share_no_picture(tmp_path: Path, run_record: Make) -> None:
    items = [timed(tmp_path / name, run_record, name, 2, 0.01) for name in ("a", "b")]
    other = {**items[1].run.scenarios["single_stream"], "environment": raw_times.ENVIRONMENT | {"cpu": "another"}}
    items[1] = Item(Run(**{**vars(items[1].run), "scenarios": {"single_stream": other}}), None)
    assert "tradeoff-" not in pages(tmp_path / "site", items)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency": "fast"}, {"latency": {"p50": "x"}}, {"reasons": 7}, {"search": [1]}, {"verdict": 3}, {"n": -1.5},
        {"environment": []}, {"audit": {"cache": 1}}, {"latency": {"p90": 1e308}},
    ],
)  # fmt: skip
def test_a_summary_that_says_nonsense_breaks_no_page(tmp_path: Path, run_record: Make, wrong: dict[str, Any]) -> None:
    one = timed(tmp_path / "r", run_record, "m", 2, 0.02)
    found = {"single_stream": {**one.run.scenarios["single_stream"], **wrong}, "unheard": {}, "server": []}
    run = Run(**{**vars(one.run), "scenarios": found})
    _, runs = pages(tmp_path / "site", [Item(run, one.folder)])
    assert "single stream" in runs["m"]


@pytest.mark.slow
def test_hostile_names_and_reasons_are_text(tmp_path: Path, run_record: Make) -> None:
    items = [timed(tmp_path / f"{i}", run_record, name, 2 + i, 0.01 * (i + 1)) for i, name in enumerate(HOSTILE)]
    for one in items:
        one.run.scenarios["single_stream"]["reasons"] = HOSTILE  # type: ignore[index]
    write_site(
        tmp_path / "site", [(BOARD, boards.tables(BOARD, [one.run for one in items]))], items, task_of=lambda name: TASK
    )
    for path in (tmp_path / "site").rglob("*.html"):
        text = path.read_text()
        assert not any(sign in text for sign in ("<script>window", "<img src=x", "\u202e"))


@pytest.mark.slow
@given(draw.lists(draw.floats(1e-6, 1e6), min_size=1, max_size=20), draw.booleans())
def test_an_axis_holds_all_values_in_their_order_and_its_ticks(values: list[float], zero: bool) -> None:
    axis = Axis.of(values, 40.0, 400.0, zero=zero, room=0.05)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(40.0 <= one <= 400.0 for one in [*places, *(tick.at for tick in axis.ticks())])
    assert len(axis.ticks()) <= 12
