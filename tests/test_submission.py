"""Submissions: what is wrong in a file is counted and named, and the scores are those of the official scripts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from small_data import reference_data, shipped, write

from bench.models.base import Device, Model
from bench.models.reference import Failing, Oracle, Random
from bench.run import evaluate as run_model
from bench.runs.folder import find_runs
from bench.runs.settings import Settings
from bench.submissions.reading import evaluate, read
from bench.task import Task
from bench.types import Json

Main = Callable[..., tuple[int, list[str], list[str]]]
GOOD = {"elbe-1": "Bohemia", "elbe-2": "the North Sea", "po-1": "652 km", "loaf-1": "The Loaf"}
QUICK = ["resamples=20", "runs_dir=runs"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of small files."""
    return write(tmp_path / "data")


@pytest.fixture
def score(bench_main: Main, data: Path, tmp_path: Path) -> Callable[..., Any]:
    """Runs `bench score TASK FILE --json` on small data and gives its record; `content` is written to FILE first."""

    def call(task: str, content: Json | bytes | None = None, *more: str, name: str = "system.json") -> Any:
        if content is not None:
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            (tmp_path / name.partition("@")[0]).write_bytes(raw)
        code, out, err = bench_main("score", task, name, "--json", f"data_dir='{data}'", *QUICK, *more)
        assert (code, err) == (0, []), err
        return json.loads(out[-1])

    return call


def faults(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """The ids that were listed of each fault, of which there were no more."""
    found = {kind: record["submission"][kind] for kind in ("missing", "unknown", "duplicated", "malformed")}
    assert all(fault["n"] == len(fault["first"]) for fault in found.values())
    return {kind: fault["first"] for kind, fault in found.items() if fault["n"]}


@pytest.mark.slow
def test_a_whole_submission_has_no_faults_and_its_official_figures(score: Callable[..., Any]) -> None:
    found = score("squad_v1", GOOD)
    assert faults(found) == {}
    assert found["official"] == {"exact_match": 100.0, "f1": 100.0}
    assert (found["model"], found["n"], found["scores"]["f1"]["n_failed"]) == ("system", 4, 0)


@pytest.mark.slow
def test_what_is_missing_unknown_or_malformed_is_named_and_a_missing_answer_is_wrong(score: Callable[..., Any]) -> None:
    found = score("squad_v1", {"elbe-1": "Bohemia", "elbe-2": 7, "po-1": None, "other": "x"})
    assert faults(found) == {"missing": ["loaf-1"], "unknown": ["other"], "malformed": ["elbe-2", "po-1"]}
    assert (found["scores"]["f1"]["value"], found["scores"]["f1"]["n_failed"]) == (0.25, 3)
    assert found["official"]["f1"] == 25.0


@pytest.mark.slow
def test_of_an_id_that_comes_twice_the_last_one_counts(score: Callable[..., Any]) -> None:
    text = json.dumps(GOOD)[:-1] + ', "po-1": "wrong", "elbe-1": "wrong", "elbe-1": "Bohemia", "zz": "", "zz": ""}'
    found = score("squad_v1", text.encode())
    assert faults(found) == {"duplicated": ["po-1", "elbe-1"], "unknown": ["zz"]}
    assert found["scores"]["exact_match"]["value"] == 0.75


@pytest.mark.slow
def test_of_many_faults_all_are_counted_and_ten_are_listed(score: Callable[..., Any], bench_main: Main) -> None:
    many = GOOD | {f"u{i}": "x" for i in range(23)}
    unknown = score("squad_v1", many)["submission"]["unknown"]
    assert unknown == {"n": 23, "first": [f"u{i}" for i in range(10)]}
    out = bench_main("score", "squad_v1", "system.json", "data_dir=data", *QUICK)[1]
    assert f"  23 unknown: {', '.join(unknown['first'])}, …" in out
    assert "  official figures: exact_match 100.0000, f1 100.0000" in out


@pytest.mark.slow
def test_an_unknown_id_of_half_a_surrogate_pair_is_shown_as_a_question_mark(score: Callable[..., Any]) -> None:
    assert faults(score("squad_v1", GOOD | {"\ud800": "x"})) == {"unknown": ["?"]}


@pytest.mark.slow
def test_a_missing_answer_is_wrong_in_our_number_and_left_out_of_the_official_one(score: Callable[..., Any]) -> None:
    found = score("squad_v2", {"elbe-1": "Bohemia", "elbe-2": "", "po-1": "652"})
    # Exact 1, 1 and 0 of the four: 2/4; of the three that are there 2/3. F1 of "652" and "652 km" is 2·1/(1+2).
    assert faults(found) == {"missing": ["po-2"]}
    exact = found["scores"]["exact_match"]
    assert (exact["value"], exact["official"], exact["n"], exact["n_failed"]) == (0.5, pytest.approx(2 / 3), 4, 1)
    assert found["scores"]["f1"]["value"] == pytest.approx((1 + 1 + 2 / 3) / 4)
    official = found["official"]
    assert (official["exact"], official["f1"]) == pytest.approx((200 / 3, 800 / 9))
    assert (official["total"], official["HasAns_total"], official["NoAns_total"]) == (3, 2, 1)


@pytest.mark.slow
def test_docvqa_counts_a_malformed_answer_as_wrong_and_leaves_a_missing_one_out(score: Callable[..., Any]) -> None:
    said = [{"questionId": 101, "answer": "12.50 usd"}, {"questionId": "102", "answer": ["Invoice"]}]
    found = score("docvqa", said)
    assert faults(found) == {"missing": ["103"], "malformed": ["102"]}
    assert found["scores"]["anls"]["value"] == pytest.approx(1 / 3)
    assert found["official"] == {"anls": 0.5, "n": 2}


@pytest.mark.slow
def test_probabilities_of_no_answer_give_the_best_thresholds(score: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "na.json").write_text('{"elbe-1": 0.1, "elbe-2": 0.9, "po-1": 0.4, "po-2": 0.2, "more": 0}')
    said = {"elbe-1": "Bohemia", "elbe-2": "deep", "po-1": "652 km", "po-2": "wide"}
    official = score("squad_v2", said, "--na-prob", "na.json")["official"]
    # From 2 right (nothing answered): +1 at 0.1, -1 at 0.2, +1 at 0.4, -1 at 0.9. The 3 at 0.1 is met first.
    assert (official["best_exact"], official["best_exact_thresh"]) == (75.0, 0.1)
    assert (official["best_f1"], official["best_f1_thresh"], official["exact"]) == (75.0, 0.1, 50.0)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["\ufeff" + json.dumps(GOOD), json.dumps(GOOD, indent=1).replace("\n", "\r\n")])
def test_a_byte_order_mark_and_windows_line_ends_are_harmless(score: Callable[..., Any], content: str) -> None:
    assert score("squad_v1", content.encode())["official"]["f1"] == 100.0


@pytest.mark.slow
@pytest.mark.parametrize("task", ["squad_v1", "squad_v2", "docvqa", "omg_emotion", "phrasebank", "goemotions"])
@pytest.mark.parametrize("model", [Random(), Failing(every=2), Oracle()], ids=["random", "failing", "oracle"])
def test_the_journal_of_a_run_scored_again_gives_the_same_scores(
    data: Path, tmp_path: Path, task: str, model: Model
) -> None:
    settings = Settings(runs_dir=tmp_path / "runs", resamples=20)
    run, folder = run_model(shipped(task, data), model, "model", Device("cpu", "none", 1), settings)
    again, _, _ = evaluate(shipped(task, data), folder.path / "predictions.jsonl", "again", settings)
    assert again.scores == run.scores
    assert again.submission["malformed"]["n"] == run.scores[0].n_failed
    assert all(again.submission[kind]["n"] == 0 for kind in ("missing", "unknown", "duplicated"))


@pytest.mark.slow
def test_a_line_of_a_journal_that_says_nothing_is_malformed_and_a_number_is_an_id(score: Callable[..., Any]) -> None:
    lines = [{"id": 101, "text": "12.50"}, {"id": "102"}, {"id": "103", "answer": None}, {"id": 7, "text": ""}]
    found = score("docvqa", "\n".join(map(json.dumps, lines)).encode(), name="system.jsonl")
    assert faults(found) == {"malformed": ["102", "103"], "unknown": ["7"]}
    counts = [{"id": str(101 + i), "text": "x", "new_tokens": n} for i, n in enumerate((10**30, True, -1))]
    counted = score("docvqa", "\n".join(map(json.dumps, counts)).encode(), name="system.jsonl")
    assert faults(counted)["malformed"] == ["101", "102", "103"]
    infinite = score(
        "omg_emotion", b'{"id": "aa_1/utterance_1.mp4", "answer": {"valence": 1e999, "arousal": 0}}', name="s.jsonl"
    )
    assert faults(infinite)["malformed"] == ["aa_1/utterance_1.mp4"]


def test_the_same_submission_has_the_same_run_and_another_name_another(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "system.json"
    path.write_text(json.dumps(GOOD))
    settings = Settings(runs_dir=tmp_path / "runs", resamples=10)
    one, two, other = (evaluate(shipped("squad_v1", data), path, n, settings)[0] for n in ("a", "a", "b"))
    assert one.run_id == two.run_id != other.run_id
    assert len(list(find_runs(tmp_path / "runs"))) == 2
    assert (one.model_revision, one.is_reference, one.submission["file"]) == ("submission", False, "system.json")


@pytest.mark.slow
def test_a_limit_makes_the_rest_of_a_submission_unknown(score: Callable[..., Any]) -> None:
    found = score("squad_v1", GOOD, "limit=1")
    assert (found["n"], faults(found)) == (1, {"unknown": ["elbe-2", "po-1", "loaf-1"]})


@pytest.mark.slow
def test_a_system_behind_an_at_sign_is_the_models_name(
    data: Path, tmp_path: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all.json").write_text(json.dumps(GOOD))
    monkeypatch.setattr(
        "tasks.squad.items", lambda path: list(json.loads(Path(str(path).rpartition("@")[0]).read_text()).items())
    )
    out = bench_main("score", "squad_v1", "all.json@theirs", f"data_dir='{data}'", "--json", *QUICK)[1]
    found = json.loads(out[-1])
    assert (found["model"], found["submission"]["file"]) == ("theirs", "all.json@theirs")
    assert found["submission"]["sha256"] == hashlib.sha256((tmp_path / "all.json").read_bytes()).hexdigest()


@pytest.mark.slow
def test_data_of_ones_own_may_have_any_path(bench_main: Main, data: Path, tmp_path: Path) -> None:
    (tmp_path / "system.json").write_text(json.dumps(GOOD))
    own = tmp_path / "it's a, b=c"
    own.mkdir()
    (data / "squad" / "dev-v1.1.json").rename(own / "gold.json")
    code, _, err = bench_main("score", "squad_v1", "system.json", "--data", str(own / "gold.json"), *QUICK)
    assert (code, err) == (0, [])


@pytest.mark.slow
def test_a_submission_stands_on_the_board(score: Callable[..., Any], bench_main: Main, tmp_path: Path) -> None:
    score("squad_v1", GOOD)
    here = ["data_dir=data", "tracking=none", *QUICK]
    assert bench_main("run", "task=squad_v1", "model=lexical", *here)[0] == 0
    code, out, err = bench_main("board", "squad_v1", "--runs", "runs")
    assert (code, err) == (0, [])
    page = (tmp_path / "leaderboards" / "squad_v1.md").read_text().splitlines()
    (row,) = (line for line in page if "| system |" in line)
    assert row.startswith("| 1 | system | 100.0 [–] |")
    assert " – | – | submission | – |" in row
    rows = json.loads(bench_main("board", "squad_v1", "--json", "--runs", "runs")[1][-1])["squad_v1"][0]["rows"]
    assert {(r["model"], r["rank"], r["examples_per_second"] is None) for r in rows} >= {("system", 1, True)}
    assert any("submission" in line for line in out)


@pytest.mark.slow
def test_a_submission_and_its_absent_metrics_are_logged(score: Callable[..., Any], bench_main: Main) -> None:
    score("squad_v2", {"elbe-1": "Bohemia", "other": ""})
    code, out, err = bench_main("sync", "--runs", "runs")
    assert (code, err) == (0, [])
    assert out[-1].startswith("1 runs logged to sqlite:")
    assert bench_main("sync", "--runs", "runs")[1][-1].startswith("0 runs logged")


def test_read_gives_the_predictions_in_the_order_of_the_file(data: Path, tmp_path: Path) -> None:
    task = shipped("squad_v1", data)
    (tmp_path / "s.json").write_text('{"po-1": "a", "elbe-1": "b"}')
    found = read(task, tmp_path / "s.json", task.examples())
    assert [p.id for p in found.predictions] == ["po-1", "elbe-1"]
    assert found.missing == ("elbe-2", "loaf-1")


@pytest.mark.slow
def test_a_published_output_gets_what_the_official_script_prints(bench_main: Main) -> None:
    data = reference_data()
    path = data / "squad/predictions/match_lstm-v1.1.json"
    golden = json.loads((data / "GOLDEN.json").read_text())["squad_v1"]["match_lstm"]
    code, out, err = bench_main("score", "squad_v1", str(path), "--json", f"data_dir='{data}'", *QUICK)
    assert (code, err) == (0, [])
    assert json.loads(out[-1])["official"] == pytest.approx(golden, abs=5e-5)


@pytest.mark.parametrize(("left_out", "counted"), [(False, 4), (True, 3)])
def test_the_official_figures_count_missing_examples_where_the_script_does(
    tiny_task: Callable[..., Task], tmp_path: Path, left_out: bool, counted: int
) -> None:
    task: Any = tiny_task(4)
    task.missing_left_out, task.official = left_out, lambda values, examples: {"n": len(examples)} | values
    (tmp_path / "s.json").write_text('{"t0": "word0", "t1": "word1", "t2": "no"}')
    _, _, official = evaluate(task, tmp_path / "s.json", "a", Settings(runs_dir=tmp_path / "runs", resamples=5))
    assert official == {"n": counted, "f1": 2 / counted, "exact_match": 2 / counted}
