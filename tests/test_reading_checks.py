"""The gate and the comparison on scenario readings: what they say, and of which they say nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bundles
import numpy as np
import pytest
import readings as made

from bench.errors import BenchError
from bench.judging import baseline as baselines
from bench.judging.baseline import Side, of_entry, of_folder
from bench.judging.check import Check, Rules
from bench.judging.pair import read_side
from bench.judging.readings import between, spread
from bench.judging.speed import speed_checks
from bench.judging.verdicts import line
from bench.leaderboard.entry import Entry
from bench.runs.folder import RECORD, read_run

Timed = Callable[..., Path]
SECONDS = [0.1 + 0.2 * (i % 13) for i in range(60)]  # an answer's length differs a lot from example to example


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Timed:
    """The folder of a run whose answers took so many times as long, with a reading of a single stream and one of offline."""

    def make(
        times: float = 1.0, *, offline: bool = True, environment: dict[str, Any] | None = None, **more: Any
    ) -> Path:
        folder = bundles.run(tmp_path_factory.mktemp("run"))
        noise = np.random.default_rng(0).normal(0, 0.02, 60)
        seconds = [times * one * math.exp(found) for one, found in zip(SECONDS, noise, strict=True)]
        raws = [made.lines(seconds, environment=environment, **more)]
        raws += [made.lines(seconds, "offline", environment=environment)] if offline else []
        made.measure(folder, *raws)
        return folder

    return make


def judged(run: Path, base: Path | Entry, margin: float = 0.2) -> dict[str, Check]:
    side = of_entry(base) if isinstance(base, Entry) else of_folder(base)
    return {check.what: check for check in speed_checks(of_folder(run), side, Rules(speed_margin=margin))}


def outcomes(found: dict[str, Check]) -> dict[str, str]:
    return {name: check.verdict.outcome for name, check in found.items()}


@pytest.mark.slow
def test_readings_are_judged_where_both_sides_have_them_and_pass_fail_or_stay_open(timed: Timed) -> None:
    base = timed()
    same, slow = judged(timed(), base, 0.3), judged(timed(2.0), base, 0.3)
    assert outcomes(same) == {"offline speed": "PASS", "single_stream p50": "PASS"}
    assert outcomes(slow) == {"offline speed": "FAIL", "single_stream p50": "FAIL"}
    assert "INCONCLUSIVE" in outcomes(judged(timed(1.25), base)).values()
    assert "an answer, baseline" in line(slow["single_stream p50"])
    assert "60 answers one after another, to the same examples" in line(slow["single_stream p50"])


@pytest.mark.slow
def test_a_baseline_of_readings_is_a_file_that_says_the_same_as_the_runs(timed: Timed, tmp_path: Path) -> None:
    kept = baselines.baseline([of_folder(timed()), of_folder(timed())])
    entry = Entry.from_json(json.loads(json.dumps(kept.to_json())))
    assert len(entry.readings) == 2
    assert outcomes(judged(timed(2.0), entry)) == {"offline speed": "FAIL", "single_stream p50": "FAIL"}
    old = {name: value for name, value in kept.to_json().items() if name != "readings"}
    assert Entry.from_json(old).readings == ()
    broken = replace(entry, readings=({"offline": {"scenario": "offline"}},))
    with pytest.raises(BenchError, match="holds a reading that is none"):
        of_entry(broken)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"environment": made.CPU | {"dtype": "none", "threads": 1, "cpu": "EPYC 9"}}, "cpu EPYC 9 against EPYC 7"),
        ({"environment": made.CPU | {"dtype": "none", "threads": 8}}, "threads 8 against 1"),
        ({"min_seconds": 1e4}, "is not to be compared (INVALID: 10000 s are due"),
    ],
)
def test_readings_of_other_processors_or_that_are_worth_nothing_decide_nothing(
    timed: Timed, changes: dict[str, Any], why: str
) -> None:
    found = judged(timed(9.0, offline=False, **changes), timed(offline=False))
    assert set(outcomes(found).values()) == {"INCONCLUSIVE"}
    assert why in line(found["single_stream speed"])


@pytest.mark.slow
def test_a_run_without_a_reading_is_judged_by_its_batches_and_told_how_to_make_one(timed: Timed) -> None:
    found = judged(bundles.run(timed().parent / "other"), timed())
    assert set(found) == {"speed"}
    assert "timing=single_stream` makes one to compare" in line(found["speed"])


@pytest.mark.slow
def test_a_claimed_reading_decides_nothing(timed: Timed) -> None:
    theirs = timed()
    (theirs / "origin.json").write_text(json.dumps({"bundle": "b" * 64, "submitter": "Anna"}))
    assert set(outcomes(judged(theirs, timed())).values()) == {"INCONCLUSIVE"}


@pytest.mark.slow
def test_a_record_with_a_better_reading_than_its_raw_file_is_refused(timed: Timed) -> None:
    folder = timed()
    record = json.loads((folder / RECORD).read_text())
    record["scenarios"]["single_stream"]["latency"]["p50"] = 0.01
    (folder / RECORD).write_text(json.dumps(record))
    with pytest.raises(BenchError, match=r"latency\.p50 says 0\.01, its raw file gives"):
        of_folder(folder)


@pytest.mark.slow
def test_a_comparison_shows_the_difference_of_readings_with_an_interval(timed: Timed) -> None:
    a, b = read_side(timed()), read_side(timed(1.5))
    found = {one.what: one for one in between(a, b)}
    assert set(found) == {"offline speed", "single_stream p50"}
    for one in found.values():
        assert one.found is not None
        more, low, high = spread(one.found)
        assert more == pytest.approx(0.5, abs=0.02)
        assert 0.2 < low < 0.5 < high < 0.9


@pytest.mark.slow
def test_the_readings_of_a_baseline_are_of_one_machine(timed: Timed) -> None:
    other = timed(environment=made.CPU | {"dtype": "none", "threads": 1, "cpu": "EPYC 9"})
    sides: list[Side] = [of_folder(timed()), of_folder(other)]
    with pytest.raises(BenchError, match="their readings do not belong together"):
        baselines.baseline(sides)


@pytest.mark.slow
def test_readings_stay_with_a_run_that_is_scored_again(timed: Timed) -> None:
    from bench.runs.folder import RunFolder
    from bench.scoring.rescore import rescore

    folder = timed()
    before = read_run(folder / RECORD).scenarios
    task = bundles.Numbers()
    done = rescore(RunFolder(folder), task, task.examples(), resamples=60)
    assert done.scenarios == before
    assert read_run(folder / RECORD).scenarios == before
