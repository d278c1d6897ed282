"""Tests of `bench check`: judging, baselines, JUnit and Markdown."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bench.errors import BenchError
from bench.judging import verdicts
from bench.judging.baseline import Side, baseline, of_entry, of_folder
from bench.judging.check import Check, Rules
from bench.judging.gate import checks, score_check
from bench.judging.speed import speed_check
from bench.leaderboard import entry as entries
from bench.leaderboard.entry import Entry
from bench.metrics.concordance import ccc
from bench.metrics.metric import CorpusMetric, Metric
from bench.metrics.reading import TOKEN_F1
from bench.record import Run, Score, Timing
from bench.runs import measurements
from bench.runs.folder import RunFolder
from bench.runs.measurements import Measurements

Make = Callable[..., Run]
Bench = Callable[..., tuple[int, list[str], list[str]]]
N = 400
GOOD = np.tile([1.0, 1.0, 0.0, 0.5], N // 4)  # mean 0.625
WORSE = np.where(np.arange(N) % 5 == 0, 0.0, GOOD)
SPEED = ((16, 0.8),) * 25


def rows(values: Sequence[float], *, metric: str = "f1", first: int = 0, **changes: Any) -> Measurements:
    ids = tuple(f"q{first + i}" for i in range(len(values)))
    clusters = tuple(f"c{(first + i) // 4}" for i in range(len(values)))
    table = {metric: np.array(values, dtype=np.float64).reshape(len(values), -1)}
    return replace(Measurements(ids, tuple("d" + i for i in ids), clusters, frozenset(), table), **changes)


def side(make: Make, values: Sequence[float] = GOOD, *, speed: Any = SPEED, more: Any = None, **changes: Any) -> Side:
    return Side(Entry(make(n_examples=len(values), **changes), more or rows(values), (speed,) if speed else ()))


def judged(run: Side, base: Side, **rules: Any) -> Check:
    return score_check(run.entry, base.entry, TOKEN_F1, Rules(**rules))


def save(make: Make, runs: Path, values: Sequence[float] = GOOD, *, seconds: float = 0.8, **changes: Any) -> Path:
    """A finished run's folder, as `bench run` leaves it: 25 batches of 16."""
    run = make(**{"n_examples": len(values), "value": float(np.mean(values))} | changes)
    folder = RunFolder(runs / run.task / run.model / run.run_id)
    with folder.opened("{}\n"):
        for i in range(0, len(values), 16):
            folder.write_timing(Timing(1, "predict", seconds * (1 + i / 1000), min(16, len(values) - i), batch=i))
        measurements.write(folder.path, rows(values))
        folder.finish(run)
    return folder.path


def test_the_line_says_what_was_found_and_what_is_allowed(run_record: Make) -> None:
    # of every 20, the 1st, 6th, 11th and 16th lose what they had, 1, 1, 0 and 0.5: 2.5/20
    check = judged(side(run_record, WORSE, run_id="later"), side(run_record))
    assert check.change == pytest.approx(-0.125)
    text = verdicts.line(check)
    assert text.startswith("FAIL  squad_v1 / alpha score: f1 50.0, baseline 62.5, difference -12.50 [at most -")
    assert text.endswith("margin 1.00; 400 examples in 100 clusters")


def test_the_same_scores_pass_and_a_part_of_them_does_not(run_record: Make) -> None:
    whole, part = side(run_record), side(run_record, GOOD[:24])
    same = verdicts.line(judged(whole, whole, margin=0.0))
    assert "PASS" in same
    assert "every example has the same score" in same
    cut = judged(part, whole)
    assert cut.verdict.outcome == "INCONCLUSIVE"
    assert cut.expected == cut.value == pytest.approx(0.625)  # on the 24 alone
    assert cut.verdict.needed == 266
    assert "376 of the baseline's 400 examples are not in the run" in verdicts.line(cut)
    assert "about 266 examples are needed; 24 examples" in verdicts.line(cut)


def test_less_is_better_turns_the_signs_and_the_words(run_record: Make) -> None:
    wer = Metric("wer", lambda target, answer: [0.0], higher_is_better=False)
    score = Score("wer", 0.2, 0.1, 0.3, N, 0, higher_is_better=False)
    few, many = (
        Entry(run_record(scores=(score,), n_examples=N), rows(values, metric="wer")) for values in (1 - GOOD, 1 - WORSE)
    )
    bad, good = (score_check(run, base, wer, Rules()) for run, base in ((many, few), (few, many)))
    assert (bad.verdict.outcome, good.verdict.outcome) == ("FAIL", "PASS")
    assert "wer (less is better) 50.0, baseline 37.5, difference +12.50 [at least +" in verdicts.line(bad)
    assert "difference -12.50 [at most -" in verdicts.line(good)


def test_changed_and_foreign_examples_are_left_out_and_counted(run_record: Make) -> None:
    digests = tuple("new" if i < 7 else f"dq{i}" for i in range(N))
    run = side(run_record, more=rows(GOOD, digests=digests))
    text = verdicts.line(judged(run, side(run_record)))
    assert "393 examples in 99 clusters; 7 examples have changed in the data and are left out" in text
    later = side(run_record, more=rows(GOOD, first=100))
    text = verdicts.line(judged(later, side(run_record)))
    assert (
        "100 of the baseline's 400 examples are not in the run; 100 of the run's 400 examples are not in the baseline"
        in text
    )


def test_failures_are_shown_on_both_sides(run_record: Make) -> None:
    run = side(run_record, more=rows(GOOD, failed=frozenset({"q2", "q6"})))
    assert "2 failed, 0 of the baseline: counted as wrong" in verdicts.line(judged(run, side(run_record)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "squad_v2"}, "its task is 'squad_v2', the baseline's 'squad_v1'"),
        ({"task_version": 2}, "its task version is 2, the baseline's 1"),
        (
            {"scores": (Score("f1", 0.5, 0.4, 0.6, N, 0, signature="new"),)},
            "its metric's signature is 'new', the baseline's",
        ),
        ({"scores": (Score("em", 0.5, 0.4, 0.6, N, 0),)}, "its metric is 'em', the baseline's 'f1'"),
    ],
)
def test_unlike_things_are_refused(run_record: Make, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        judged(side(run_record, **changes), side(run_record))


def test_what_cannot_be_compared_by_example_is_refused(run_record: Make) -> None:
    whole = side(run_record)
    with pytest.raises(BenchError, match="none of its 400 examples is among the 400 of the baseline"):
        judged(side(run_record, more=rows(GOOD, first=1000)), whole)
    with pytest.raises(BenchError, match="the baseline has no rows of f1"):
        judged(whole, Side(Entry(whole.entry.run, None)))
    fitted = frozenset({"f1"})
    with pytest.raises(BenchError, match="depends on all examples together"):
        judged(side(run_record, more=rows(GOOD[:40], fitted=fitted)), side(run_record, more=rows(GOOD, fitted=fitted)))
    with pytest.raises(BenchError, match="gives no value of an example"):
        score_check(whole.entry, whole.entry, CorpusMetric("d", lambda a: a, sum), Rules())  # type: ignore[arg-type, return-value]


def test_flips_widen_the_margin_by_the_larger_rate_and_say_so(run_record: Make) -> None:
    few, many = ({"kind": "batch_invariance", "n": 64, "flips": f, "flip_rate": f / 64} for f in (2, 8))
    # the record's interval is 0.2 wide: error 0.2/3.92 over its n = 400; 1.644854 * sqrt(2 * 8/64) * 0.051021
    check = judged(side(run_record, WORSE, audit=few), side(run_record, audit=many))
    assert check.margin == pytest.approx(0.01 + 1.644854 * 0.5 * 0.2 / 3.919928)
    assert "4.20 of the margin are for the 12.5 % of answers that another batch changes" in verdicts.line(check)
    assert judged(side(run_record), side(run_record)).margin == 0.01


def test_numbers_that_differ_a_little_widen_the_margin_by_their_noise_and_not_by_their_flips(run_record: Make) -> None:
    audit = {"kind": "batch_invariance", "n": 10, "flips": 9, "flip_rate": 0.9, "noise": 0.0}
    assert judged(side(run_record, WORSE, audit=audit), side(run_record)).margin == 0.01
    check = judged(side(run_record, WORSE, audit=audit | {"noise": 0.02}), side(run_record))
    assert check.margin == pytest.approx(0.01 + 1.644854 * 0.2 * 0.2 / 3.919928)  # sqrt(2 * 0.02) = 0.2
    assert "of the margin are for the 2.0 % of the variance of answers that another batch makes" in verdicts.line(check)


def test_a_metric_that_pools_rows_is_judged_too(run_record: Make) -> None:
    """CCC of answers equal to the targets, and of answers with noise."""
    metric = ccc("valence", -1, 1)
    rng = np.random.default_rng(1)
    gold = rng.uniform(-1, 1, N)
    score = Score("ccc_valence", 1.0, 0.9, 1.0, N, 0)

    def one(noise: float) -> Entry:
        said = np.clip(gold + noise * rng.normal(size=N), -1, 1)
        table = np.array([metric.measure({"valence": g}, {"valence": s}) for g, s in zip(gold, said, strict=True)])
        return Entry(
            run_record(scores=(replace(score, metric=metric.name),), n_examples=N),
            replace(rows(GOOD), rows={metric.name: table}),
        )

    check = score_check(one(0.8), one(0.1), metric, Rules())
    assert check.verdict.outcome == "FAIL"
    assert check.change is not None
    assert check.change < -0.2


def test_a_score_without_bounds_takes_its_reach_from_the_examples(run_record: Make) -> None:
    """Lengths of 5 to 15 words: one example moves the mean of n by at most 10/n, so 20 alike of 400 prove nothing."""
    metric = Metric("avg_len", lambda target, answer: [0.0], is_fraction=False)
    values = np.tile([5.0, 10.0, 15.0, 10.0], N // 4)
    run = run_record(scores=(Score("avg_len", 10.0, 9.5, 10.5, N, 0, is_fraction=False),), n_examples=N)
    part, whole = (Entry(run, rows(v, metric="avg_len")) for v in (values[:40], values))
    low = score_check(part, whole, metric, Rules()).verdict.low
    assert low == pytest.approx(-10 / 41 * (1 + 1.8331), rel=1e-3)  # t(.95, 9) = 1.8331


def test_holm_is_over_all_the_scores(run_record: Make) -> None:
    """A loss that fails alone but is one of forty."""
    weak = np.where(np.arange(N) % 25 == 0, 0.0, GOOD)  # 16 examples
    pairs = [(side(run_record, weak), side(run_record))]
    alone = checks(pairs, [TOKEN_F1], Rules(margin=0.005, speed_margin=None))
    assert alone[0].verdict.outcome == "FAIL"
    many = checks(pairs + [(side(run_record), side(run_record))] * 39, [TOKEN_F1] * 40, Rules(0.005, None))
    assert many[0].verdict.outcome == "INCONCLUSIVE"
    assert "fails alone" in verdicts.line(many[0])


def test_speed_of_another_machine_or_size_is_never_a_fail(run_record: Make) -> None:
    slow = tuple((n, 9 * s) for n, s in SPEED)
    here = side(run_record)
    assert speed_check(side(run_record, speed=slow), here, Rules()).verdict.outcome == "FAIL"
    there = run_record().environment | {"cpu": "two"}
    for changes, word in (
        ({"environment": there}, "measured elsewhere: cpu two against one"),
        ({"dtype": "bfloat16"}, "dtype bfloat16 against float32"),
        ({"config": {"batch_size": 8}}, "batch size 8 against unknown"),
        ({"data_fingerprint": "e" * 64}, "data eeeeeeee against dddddddd"),
    ):
        check = speed_check(side(run_record, speed=slow, **changes), here, Rules())
        assert (check.verdict.outcome, check.verdict.reason) == ("INCONCLUSIVE", check.verdict.reason)
        assert word in verdicts.line(check)
    cut = speed_check(side(run_record, GOOD[:24], speed=slow), here, Rules())
    assert "examples 24 against 400" in verdicts.line(cut)


def test_speed_is_said_in_percent_of_time(run_record: Make) -> None:
    slower = tuple((n, 1.5 * s) for n, s in SPEED)
    text = verdicts.line(speed_check(side(run_record, speed=slower), side(run_record), Rules()))
    assert text.startswith(
        "FAIL  squad_v1 / alpha speed: 75 ms an example, baseline 50 ms, difference +50.0 % [at least +"
    )
    assert "margin +20 %; 400 examples in 25 batches; 5.0 % from run to run, assumed" in text


def test_a_baseline_pools_the_speed_of_its_repetitions_and_holds_no_local_path(
    run_record: Make, tmp_path: Path
) -> None:
    config = {"data_dir": "/home/anna/data", "model": {"path": "/home/anna/w.bin"}, "batch_size": 4}
    one, two, late = (
        side(
            run_record,
            run_id=f"0123456789ab{end}",
            created=f"2026-01-0{day}T00:00:00+00:00",
            config=config,
            speed=speed,
        )
        for end, day, speed in (("", 1, SPEED), ("-2", 2, SPEED), ("-3", 3, ()))
    )
    found = baseline([two, late, one])
    assert len(found.speed) == 2
    assert found.run.run_id == "0123456789ab-3"
    assert baseline([one, two], speed=False).speed == ()
    entries.write(tmp_path / "b.json", found)
    assert b"anna" not in (tmp_path / "b.json").read_bytes()
    again = entries.read(tmp_path / "b.json")
    assert again.speed == found.speed
    assert (again.measurements and again.measurements.rows["f1"][:, 0] == GOOD).all()  # type: ignore[union-attr]
    with pytest.raises(BenchError, match="are of different settings or data"):
        baseline([one, side(run_record, run_id="ffffffffffff")])
    with pytest.raises(
        BenchError,
        match=r"differ: dtype (bfloat16 against float32|float32 against bfloat16); their speeds do not belong together",
    ):
        baseline([two, side(run_record, run_id="0123456789ab-4", dtype="bfloat16", config=config)])


def test_an_entry_with_impossible_seconds_has_no_speed(run_record: Make) -> None:
    for speed in (((),), (((16, 0.0),),), (((0, 1.0),),)):
        assert "holds no speed" in of_entry(Entry(run_record(), rows(GOOD), speed)).unmeasured


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Rules(margin=-0.1), "the margin is -0.1; give a number of at least 0"),
        (Rules(margin=math.nan), "the margin is nan"),
        (Rules(speed_margin=math.inf), "the speed margin is inf"),
        (Rules(level=0.5), "the level is 0.5; give how often"),
        (Rules(level=0.0), "the level is 0.0"),
    ],
)
def test_rules_that_mean_nothing_are_refused(rules: Rules, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        rules.in_range()


def test_junit_and_markdown_hold_hostile_names_as_text(run_record: Make) -> None:
    name = 'a<b>&"|\x07`*'
    there = run_record().environment | {"cpu": "two"}
    pair = side(run_record, WORSE, model=name), side(run_record, model=name, environment=there)
    found = checks([pair], [TOKEN_F1], Rules())
    root = ET.fromstring(verdicts.junit(found))  # raises where it is no XML
    assert root.attrib == {"name": "bench check", "tests": "2", "failures": "1", "errors": "1"}
    (suite,) = root
    assert suite.attrib["name"] == 'squad_v1 / a<b>&"|\\x07`*'
    assert [case.attrib["name"] for case in suite] == ["score", "speed"]
    failure = suite[0].find("failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("f1 50.0, baseline 62.5")
    assert suite[1].find("error") is not None
    table = verdicts.markdown(found).splitlines()
    assert table[0] == "## bench check: FAIL"
    assert all(line.replace("\\|", "").count("|") == 5 for line in table[2:6])
    assert "a&lt;b>&amp;" in table[4]


@pytest.mark.slow
def test_the_command_makes_a_baseline_and_judges_by_it(run_record: Make, bench_main: Bench, tmp_path: Path) -> None:
    runs, late = tmp_path / "runs", {"created": "2026-02-01T00:00:00+00:00"}
    good = save(run_record, runs)
    path = "leaderboards/baselines/squad_v1/alpha.json"
    missing = f"bench: {path} does not exist; make this baseline with `bench check RUN --update`"
    assert bench_main("check", "squad_v1/alpha") == (2, [], [missing])
    made = f"{path}: squad_v1 / alpha, f1 62.5 [52.5, 72.5] of 400 examples, speed of 1 of 1 run"
    assert bench_main("check", str(good), "--update")[:2] == (0, [made])
    code, out, _ = bench_main("check", str(good))
    assert code == 0
    assert [text[:36] for text in out] == [
        "PASS  squad_v1 / alpha score: f1 62.",
        "PASS  squad_v1 / alpha speed: 59.6 m",
    ]
    assert "this is the baseline's own run" in out[0]
    save(run_record, runs, WORSE, run_id="bad000000000", seconds=2.0, **late)
    report, summary = tmp_path / "out" / "junit.xml", tmp_path / "summary.md"
    code, out, _ = bench_main("check", "squad_v1/alpha", "--junit", str(report), "--markdown", str(summary), "--json")
    record = json.loads(out[-1])
    assert (code, record["verdict"], [one["verdict"] for one in record["checks"]]) == (1, "FAIL", ["FAIL", "FAIL"])
    assert ET.parse(report).getroot().attrib["failures"] == "2"
    bench_main("check", "squad_v1/alpha", "--markdown", str(summary), "--no-speed")
    assert summary.read_text().count("## bench check: FAIL") == 2  # appended
    save(run_record, runs, GOOD[:24], run_id="cut000000000", limit=24)
    code, out, _ = bench_main("check", "cut000000000", "--no-speed")
    assert (code, len(out)) == (3, 1)
    assert out[0].startswith("INCONCLUSIVE  squad_v1 / alpha score")


@pytest.mark.slow
def test_a_baseline_whose_rows_do_not_give_its_score_is_refused(
    run_record: Make, bench_main: Bench, tmp_path: Path
) -> None:
    good, path = save(run_record, tmp_path / "runs"), tmp_path / "lowered.json"
    bench_main("check", str(good), "--update", "--against", str(path))
    record = json.loads(path.read_text())
    record["measurements"]["rows"]["f1"]["dense"] = [0] * N
    path.write_text(json.dumps(record))
    code, out, err = bench_main("check", str(good), "--no-speed", "--against", str(path))
    assert (code, out, len(err)) == (2, [], 1)
    assert (
        "lowered.json is not an entry (ValueError: it is no longer what was written: its sha256 is another)" in err[0]
    )
    del record["sha256"]  # as an earlier version wrote it
    path.write_text(json.dumps(record))
    code, out, err = bench_main("check", str(good), "--no-speed", "--against", str(path))
    assert (code, out, len(err)) == (2, [], 1)
    assert "its rows give f1 0.0, its record says 0.625" in err[0]


@pytest.mark.slow
def test_the_baseline_may_be_a_file_a_folder_or_a_run(run_record: Make, bench_main: Bench, tmp_path: Path) -> None:
    good, bad = (
        save(run_record, tmp_path / "runs", values, run_id=f"{i}23456789abc", created=f"2026-01-0{1 + i}")
        for i, values in enumerate((GOOD, WORSE))
    )
    other = save(run_record, tmp_path / "runs", WORSE, model="beta", run_id="beta")
    assert bench_main("check", str(good), "--against", "kept", "--update")[0] == 0
    assert bench_main("check", str(good), "--against", "one.json", "--update")[0] == 0
    for against in ("kept", "one.json", str(good), "023456789abc", "kept/squad_v1/alpha.json"):
        assert bench_main("check", str(bad), "--against", against, "--no-speed")[0] == 1, against
    assert "baseline (alpha) 62.5" in bench_main("check", "squad_v1/beta", "--against", "one.json", "--no-speed")[1][0]
    for words, line in (
        ([str(good), str(bad)], "squad_v1/alpha is given twice; give one run of it (--update takes several)"),
        (
            [str(good), str(other), "--update", "--against", "x.json"],
            "x.json holds one baseline, 2 are given; give --against a folder",
        ),
        ([str(good), "--update", "--junit", "x"], "--update makes baselines and judges nothing; leave --junit out"),
        ([str(good), "--margin", "-1"], "the margin is -1.0; give a number of at least 0: 0.01 is one point of 100"),
        (
            [str(good), "--against", "one.json", "--junit", "."],
            ". cannot be written (Is a directory); choose another file",
        ),
    ):
        assert bench_main("check", *words) == (2, [], [f"bench: {line}"])
    (tmp_path / "bad.json").write_text("{}")
    assert "bad.json is not an entry" in bench_main("check", str(good), "--against", "bad.json")[2][0]


def test_a_row_that_computes_nothing_is_judged_by_its_score_alone(run_record: Make, tmp_path: Path) -> None:
    oracle = side(run_record, is_reference=True)
    (found,) = checks([(oracle, oracle)], [TOKEN_F1], Rules())
    assert verdicts.line(found).endswith(
        "it computes nothing, so its speed is not judged; this is the baseline's own run"
    )
    assert "computes nothing" not in verdicts.line(judged(oracle, oracle, speed_margin=None))
    assert [one.what for one in checks([(side(run_record), oracle)], [TOKEN_F1], Rules())] == ["score", "speed"]
    kept = of_folder(save(run_record, tmp_path, is_reference=True))
    assert (kept.entry.speed, "computes nothing" in kept.unmeasured) == ((), True)


def test_a_resumed_run_has_no_speed(run_record: Make, bench_main: Bench, tmp_path: Path) -> None:
    folder = save(run_record, tmp_path / "runs")
    bench_main("check", str(folder), "--update")
    with (folder / "timings.jsonl").open("a") as ledger:
        ledger.write(json.dumps(vars(Timing(2, "predict", 0.9, 16, batch=0))) + "\n")
    code, out, _ = bench_main("check", str(folder))
    assert code == 3
    assert out[1].startswith("INCONCLUSIVE  squad_v1 / alpha speed: the run was interrupted and resumed")
    assert "speed of 0 of 1 run (one was interrupted" in bench_main("check", str(folder), "--update")[1][0]


def test_the_workflow_is_valid_and_its_commands_exist() -> None:
    from bench.cli import parser

    text = (Path(__file__).parents[1] / "docs" / "ci-workflow.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert set(workflow) == {"name", True, "permissions", "env", "jobs"}  # YAML 1.1 reads `on` as true
    commands = [
        line.strip()
        for job in workflow["jobs"].values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
    ]
    own = [line.split()[1:] for line in commands if line.startswith("bench ")]
    assert {words[0] for words in own} == {"fetch", "run", "check"}
    for words in own:
        parser().parse_args([word.strip('"') for word in words])


@pytest.mark.slow
def test_a_real_run_passes_against_itself_and_a_worse_model_fails(bench_main: Bench) -> None:
    for model in ("lexical", "random"):
        assert bench_main("run", "task=finmm_qa", f"model={model}", "tracking=none")[0] == 0
    assert bench_main("check", "finmm_qa/lexical", "--update")[0] == 0
    assert bench_main("check", "finmm_qa/lexical", "--no-speed")[0] == 0
    against = ["--against", "leaderboards/baselines/finmm_qa/lexical.json", "--no-speed"]
    assert bench_main("check", "finmm_qa/random", *against)[0] == 1
    _, out, _ = bench_main("run", "task=finmm_qa", "model=lexical", "limit=20", "tracking=none", "--json")
    assert bench_main("check", json.loads(out[-1])["run_id"], "--no-speed")[0] == 3
