"""Boards of speed: which readings rank beside which, and which do not rank at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from readings import CPU, bounded, names, reading, scenarios

from bench.leaderboard import board as boards
from bench.leaderboard import cells as texts
from bench.leaderboard import columns as declared
from bench.leaderboard import definition, readings, speed
from bench.leaderboard.definition import Board
from bench.leaderboard.markdown import markdown
from bench.record import Run
from bench.runs.claimed import Claimed

Make = Callable[..., Run]
BOARD = Board("squad", "SQuAD 1.1", "squad_v1", 1, "f1")


@pytest.fixture
def timed(run_record: Make) -> Callable[..., Run]:
    """A run of this model with these readings."""

    def make(model: str, *found: dict[str, Any], **changes: Any) -> Run:
        return replace(run_record(model), scenarios=scenarios(*found), **changes)

    return make


def test_the_fastest_valid_reading_is_first_by_the_scenarios_own_number(timed: Make) -> None:
    runs = [timed(name, reading(seconds=s), reading("offline", s)) for name, s in (("slow", 0.3), ("fast", 0.1))]
    offline, single = speed.tables(runs)
    assert (offline.by, names(offline.rows)) == ("examples/s", [(1, "fast", ""), (2, "slow", "")])
    assert (single.by, names(single.rows)) == ("p90 ms", [(1, "fast", ""), (2, "slow", "")])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"verdict": "INVALID", "reasons": ["p90 needs 64 answers, there are 50: 14 more", "too short"]},
         "INVALID: p90 needs 64 answers, there are 50: 14 more and 1 more"),
        ({"audit": {"same_answers": {"n": 50, "differ": 3, "passed": False}, "cache": None}},
         "audit failed: 3 of 50 answers differ when timed"),
        ({"audit": {"same_answers": None, "cache": {"ratio": 0.5, "passed": False}}},
         "audit failed: it keeps answers: what was asked before is answered sooner"),
        ({"latency": None}, "INVALID: it has no number to rank by"),
    ],
)  # fmt: skip
def test_a_reading_that_is_invalid_or_failed_an_audit_stands_below_with_its_reason(
    timed: Make, changes: dict[str, Any], why: str
) -> None:
    (table,) = speed.tables([timed("quick", reading(seconds=0.01, **changes)), timed("slow", reading(seconds=1.0))])
    assert names(table.rows) == [(1, "slow", ""), (None, "quick", why)]
    assert why in speed.cells(table, table.rows[1])


@pytest.mark.parametrize(
    "changes",
    [{"environment": CPU | {"cpu": "EPYC 9"}}, {"environment": CPU | {"device": "cuda", "device_name": "H100"}},
     {"rules": "mlperf"}, {"percentile": 99, "latency": {"p99": 0.2}}],
)  # fmt: skip
def test_readings_of_other_processors_rules_or_percentiles_never_share_a_table(
    timed: Make, changes: dict[str, Any]
) -> None:
    assert len(speed.tables([timed("a", reading()), timed("b", reading(**changes))])) == 2


def test_readings_of_other_examples_or_requests_never_share_a_table(timed: Make) -> None:
    others = [timed("b", reading(), data_fingerprint="f" * 64), timed("c", reading(), asked="e" * 64)]
    runs = [timed("a", reading()), *others]
    assert [len(table.rows) for table in speed.tables(runs)] == [1, 1, 1]


def test_a_server_ranks_by_the_rate_within_its_bound_and_without_one_by_its_percentile_at_a_rate(timed: Make) -> None:
    bound = {"percentile": 99, "seconds": 2.0}
    found = speed.tables(
        [timed("few", reading("server", qps=2.0, bound=bound)), timed("many", reading("server", qps=9.0, bound=bound)),
         timed("at", reading("server", qps=4.0))]
    )  # fmt: skip
    assert [(table.by, names(table.rows)) for table in found] == [
        ("qps within p99 ≤ 2,000 ms", [(1, "many", ""), (2, "few", "")]), ("p90 ms at 4.00 qps", [(1, "at", "")]),
    ]  # fmt: skip


def test_ranks_that_the_answers_cannot_tell_apart_are_shown_as_a_range(timed: Make) -> None:
    runs = [
        timed("a", bounded(reading(seconds=0.10), 0.08, 0.2)),
        timed("b", bounded(reading(seconds=0.11), 0.09, 0.3)),
        timed("c", bounded(reading(seconds=2.0), 1.9, 2.5)),
    ]
    (table,) = speed.tables(runs)
    assert [speed.cells(table, row)[0] for row in table.rows] == ["1 (1–2)", "2 (1–2)", "3 (3)"]
    assert speed.cells(table, table.rows[0])[2] == "100 [80.0, 200]"


def test_throughputs_within_what_runs_of_one_thing_differ_by_are_not_told_apart(timed: Make) -> None:
    runs = [timed(name, reading("offline", s)) for name, s in (("a", 0.1), ("b", 0.105), ("c", 0.2))]
    (table,) = speed.tables(runs)
    assert [(row.rank, row.low, row.high) for row in table.rows] == [(1, 1, 2), (2, 1, 2), (3, 3, 3)]


def test_a_claimed_reading_is_marked_and_ranks_nowhere_and_chooses_no_table(timed: Make) -> None:
    other = reading(seconds=0.001, environment=CPU | {"cpu": "EPYC 9"})
    origin = {"bundle": "b" * 64, "submitter": "Anna", "verified": {"date": "2026-11-28"}}
    theirs = timed("theirs", other, origin=origin)
    (table,) = speed.tables([timed("ours", reading()), theirs])
    assert names(table.rows) == [(1, "ours", ""), (None, "theirs", "claimed")]
    cells = speed.cells(table, table.rows[1])
    assert (cells[2], isinstance(cells[2], Claimed)) == ("~1.00", True)
    assert any("claimed" in note for note in table.notes)
    (alone,) = speed.tables([theirs])
    assert "no device known" in speed.title(alone)


def test_a_row_that_computes_nothing_has_no_speed(timed: Make) -> None:
    assert speed.tables([timed("oracle", reading(), is_reference=True)]) == []


def test_a_board_of_quality_says_of_readings_their_p90_and_verdict_only_where_a_row_has_one(
    run_record: Make, timed: Make
) -> None:
    without, with_one = (boards.tables(BOARD, [run]) for run in (run_record("a"), timed("a", reading())))
    assert texts.with_telling_columns(BOARD, without).columns == BOARD.columns
    board = texts.with_telling_columns(BOARD, with_one)
    shown = dict(zip(texts.headings(board), texts.cells(board, with_one[0].rows[0]), strict=True))
    assert (shown["single p90 ms"], shown["timed"]) == ("100", "single_stream VALID")


def test_a_boards_file_may_ask_for_any_number_of_a_reading(timed: Make, tmp_path: Any) -> None:
    path = tmp_path / "squad_v1.yaml"
    path.write_text(
        "title: t\ntask: squad_v1\nversion: 1\nmetric: f1\ncolumns: [n, offline_tokens_per_second, timed]\n"
    )
    board = definition.read(path)
    (table,) = boards.tables(board, [timed("a", reading("offline", 0.1))])
    board = texts.with_telling_columns(board, [table])
    assert texts.cells(board, table.rows[0])[3:] == ["100", "200", "offline VALID"]
    assert set(readings.COLUMNS) | {"timed"} == set(declared.ON_REQUEST)


def test_the_page_of_a_board_has_its_tables_of_speed_below(run_record: Make, timed: Make) -> None:
    page = markdown(BOARD, boards.tables(BOARD, [timed("a", reading()), run_record("b")]))
    assert "stream by p90 ms: cpu, EPYC 7, 100 examples" in page
    assert speed.SPEED in page
    assert speed.SPEED not in markdown(BOARD, boards.tables(BOARD, [run_record("b")]))
