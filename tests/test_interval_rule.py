"""Intervals on a board are by one rule from the rows, whatever a run asked for or its record says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_index import N, made, rows_of, scored, submitted

from bench.bundles.archive import Refused
from bench.bundles.unpack import unpack
from bench.bundles.verify import verified
from bench.commands.shared import gathered
from bench.leaderboard import entry
from bench.metrics.reading import TOKEN_F1
from bench.record import Run, Score
from bench.runs import measurements
from bench.runs.folder import RECORD, RunFolder, read_run
from bench.runs.measurements import Measurements
from bench.runs.settings import RESAMPLES, SEED, Settings
from bench.scoring.bounds import by_rule
from tests import bundles

Make = Callable[..., Run]
OWN = by_rule(Score("f1", 0.8, None, None, N, 0), TOKEN_F1, rows_of(0.8))


@pytest.fixture
def board(bench_main: Any) -> Callable[[], dict[str, dict[str, Any]]]:
    def call() -> dict[str, dict[str, Any]]:
        code, out, err = bench_main("board", "squad_v1", "--json")
        assert (code, err) == (0, [])
        (table,) = json.loads(out[-1])["squad_v1"]
        return {row["model"]: row for row in table["rows"]} | {"notes": table["notes"]}

    return call


def claiming(run: Run, low: float | None, high: float | None, **more: Any) -> Run:
    """The run with bounds that it claims for its first score."""
    first, *rest = run.scores
    return replace(run, scores=(replace(first, low=low, high=high), *rest), **more)


def test_the_rule_is_what_a_run_does_by_default_and_its_interval_is_that_of_its_rows() -> None:
    assert (RESAMPLES, SEED) == (Settings().resamples, Settings().seed) == (2000, 0)
    assert OWN.low is not None
    assert OWN.high is not None
    assert OWN.low < 0.8 < OWN.high
    assert OWN.note == "bootstrap over 40 clusters, 2000 resamples"


@pytest.mark.parametrize(
    "claim",
    [
        {"low": 0.8, "high": 0.8, "resamples": 1, "seed": 7}, {"low": 0.79, "high": 0.81}, {"low": None, "high": None},
        {"low": 0.9, "high": 0.7}, {"low": -1e300, "high": 1e300, "resamples": 100_000, "seed": 2**40},
    ],
)  # fmt: skip
@pytest.mark.parametrize("origin", ["here", "self-reported", "verified"])
def test_a_board_shows_its_own_interval_whatever_a_record_claims(
    board: Any, run_record: Make, claim: dict[str, Any], origin: str
) -> None:
    run = claiming(scored(run_record("one"), 0.8), **claim)
    if origin == "here":
        folder = RunFolder(Path("runs/squad_v1/one") / run.run_id)
        folder.path.mkdir(parents=True)
        measurements.write(folder.path, rows_of(0.8))
        folder.finish(run)
    else:
        vouched = {"verified": {"date": "2026-01-02", "version": "1", "commit": "c"}} if origin == "verified" else {}
        told = replace(run, origin={"bundle": "b" * 64, "submitter": "them"} | vouched)
        path = entry.SUBMISSIONS / "squad_v1" / "them" / "one.json"
        entry.write(path, entry.Entry(told, rows_of(0.8)))
    row = board()["one"]
    assert (row["value"], row["low"], row["high"]) == (0.8, OWN.low, OWN.high)
    assert f"80.0 [{100 * OWN.low:.1f}, {100 * OWN.high:.1f}]" in Path("leaderboards/squad_v1.md").read_text()


@pytest.mark.slow
def test_the_site_shows_the_board_s_interval_on_every_page(
    bench_main: Any, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.commands.shared.site._task", lambda name: None)  # no data are needed
    folder = made(Path("runs"), run_record("one"), 0.8)
    run = claiming(read_run(folder / RECORD), 0.123, 0.1234, resamples=1, seed=7)
    RunFolder(folder).finish(run)
    assert bench_main("board", "--html", "site")[0] == 0
    pages = [path.read_text() for path in Path("site").rglob("*.html")]
    assert not any("12.3" in page for page in pages)
    assert sum(f"{100 * OWN.low:.1f}" in page for page in pages) >= 3  # the board, the run, the list of runs


def test_rows_that_do_not_give_the_score_give_no_interval(board: Any, run_record: Make) -> None:
    made(Path("runs"), run_record("one"), 0.8, rows_of(0.5))
    made(
        Path("runs"),
        run_record("wide", run_id="a" * 12),
        0.8,
        replace(rows_of(0.8), rows={"f1": rows_of(0.8).rows["f1"][:, [0, 0]]}),
    )
    made(Path("runs"), run_record("none", run_id="b" * 12), 0.8, plain=True)
    found = board()
    assert (found["one"]["low"], found["one"]["note"]) == (None, "no interval: its rows do not give its value")
    assert found["wide"]["low"] == OWN.low  # the mean reads the first column only
    assert (found["none"]["low"], found["none"]["high"]) == (None, None)


@pytest.mark.slow
def test_clusters_that_a_submitter_chose_give_no_interval(board: Any, run_record: Make) -> None:
    alone = replace(rows_of(0.8), clusters=tuple(f"c{i}" for i in range(N)))
    submitted(run_record("theirs", run_id="f" * 12), 0.8, alone)
    assert board()["theirs"]["low"] is not None  # nobody here knows better
    made(Path("runs"), run_record("one"), 0.8)
    found = board()
    assert (found["theirs"]["low"], found["one"]["low"]) == (None, OWN.low)
    assert "No interval of theirs: on other examples or clusters than the rows here." in found["notes"]


@pytest.mark.slow
def test_an_interval_is_made_once_and_anew_where_the_run_or_the_rule_changes(
    board: Any, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(Path("runs"), run_record("one"), 0.8)
    calls: list[str] = []

    def counting(score: Score, metric: Any, measured: Measurements | None) -> Score:
        calls.append(score.metric)
        return by_rule(score, metric, measured)

    monkeypatch.setattr(gathered, "by_rule", counting)
    first = board()
    assert (board(), calls) == (first, ["f1"])
    made(Path("runs"), run_record("one"), 0.5)
    assert board()["one"]["low"] != first["one"]["low"]
    monkeypatch.setattr(gathered, "RESAMPLES", 1000)
    board()
    assert calls == ["f1"] * 3


@pytest.mark.slow
def test_a_verifier_s_interval_is_its_own_and_a_claim_that_its_own_settings_do_not_give_is_refused(
    tmp_path: Path,
) -> None:
    honest = bundles.run(tmp_path / "a", resamples=RESAMPLES)
    shopped = bundles.run(tmp_path / "b", resamples=1, seed=7, config={"seed": 7})
    found = [verified(read_run(one / RECORD), one, bundles.Numbers()) for one in (honest, shopped)]
    bounds = [(one.scores[0].low, one.scores[0].high) for one in found]
    assert bounds[0] == bounds[1]
    assert read_run(shopped / RECORD).scores[0].low == read_run(shopped / RECORD).scores[0].high
    assert [any("its own intervals are of 1 resamples, seed 7" in note for note in one.notes) for one in found] == [
        False,
        True,
    ]


@pytest.mark.slow
def test_an_edited_interval_of_a_bundle_never_reaches_a_verdict(tmp_path: Path) -> None:
    files = bundles.contents(
        bundles.made(tmp_path, bundles.run(tmp_path / "a", resamples=1, seed=7, config={"seed": 7}))
    )
    bundles.changed(files, "run.json", bundles.with_key("scores", 0, "high", value=0.9))
    bundles.put_right(files)
    ((place, run),) = unpack(bundles.zipped(tmp_path / "bad.zip", files), tmp_path / "own").runs
    with pytest.raises(Refused, match=r"f1: high claimed 0\.9, found"):
        verified(run, place, bundles.Numbers())
