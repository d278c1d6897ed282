"""Files that were changed behind the back of `bench`: a line that names them, or the result of the sound ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import small_data

from bench.artifacts import lock
from bench.config.build import build
from bench.config.compose import compose
from bench.data.files import read_json
from bench.errors import BenchError
from bench.record import Timing
from bench.runs.folder import RunFolder
from bench.runs.journal import check_of, recover
from bench.types import Prediction


def test_an_answer_that_was_changed_in_the_journal_is_asked_again(tmp_path: Path) -> None:
    given = [Prediction(f"q{i}", text=f"word {i}", asked="0123456789abcdef") for i in range(3)]
    folder = RunFolder(tmp_path)
    for place, one in enumerate(given):
        folder.write_timing(Timing(1, "predict", 0.1, 1, batch=0, places=(place,), checks=(check_of(one),), start=0.1))
        folder.write_predictions([one])
    journal = tmp_path / "predictions.jsonl"
    journal.write_text(journal.read_text().replace("word 1", "ward 1"))
    said: list[str] = []
    assert recover(tmp_path, {"q0": 0, "q1": 1, "q2": 2}, said.append).ids == {"q0", "q2"}
    assert len(said) == 1
    assert str(journal) in said[0]


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": 1e999}', '{"a": 1' + "0" * 309 + "}"])
def test_a_key_that_comes_twice_and_a_number_beyond_all_are_refused_in_data(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BenchError, match=r"a\.json is not JSON"):
        read_json(tmp_path / "a.json")


def test_an_error_is_one_line_that_keeps_its_place_and_its_remedy_however_long_what_was_found() -> None:
    said = str(BenchError(f"a.csv line 2: found {'9' * 200_000} in\na\r\nb; correct the file"))
    assert said.startswith("a.csv line 2: found 999")
    assert said.endswith("in⏎a⏎b; correct the file")
    assert "[… 196," in said
    assert len(said) < 4_000


def test_a_line_of_a_finished_journal_is_read_only_with_each_field_of_its_type(tmp_path: Path) -> None:
    (tmp_path / "predictions.jsonl").write_text('{"id": "a", "text": {"value": "17"}}\n')
    with pytest.raises(BenchError, match=r"predictions\.jsonl line 1: text is"):
        list(RunFolder(tmp_path).predictions())


@pytest.mark.parametrize(
    ("task", "file", "text", "said"),
    [
        ("goemotions", "goemotions/test.tsv", f"fine\t{'9' * 5000}\tc1\n", r"test\.tsv line 1: label '999"),
        ("fomc", "finance/fomc/test-5768.jsonl", "", r"test-5768\.jsonl: 1 of 4 examples have no answer"),
        (
            "finentity",
            "finentity/FinEntity.json",
            '[{"content": "oil", "annotations": [{"start": 0, "end": 9, "label": "Neutral", "value": "crude oil"}]}]',
            r"FinEntity\.json: \[0\]\.annotations: found the span 0 to 9 in a text of 3 characters",
        ),
    ],
)
def test_what_a_data_file_must_not_hold_is_named_with_the_file(
    task: str, file: str, text: str, said: str, tmp_path: Path
) -> None:
    path = small_data.write(tmp_path) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or path.read_text().replace('"label"', '"labels"', 1))
    with pytest.raises(BenchError, match=said):
        small_data.built(task, tmp_path).examples()


@pytest.mark.parametrize("pin", [["a"], 1, None])
def test_a_pin_that_is_no_text_is_refused(pin: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_LOCK", str(tmp_path / "bench.lock"))
    (tmp_path / "bench.lock").write_text(json.dumps({"hub:a/b": {"revision": pin}}))
    with pytest.raises(BenchError, match=r"bench\.lock cannot be read"):
        lock.pins()


@pytest.mark.slow
def test_a_question_of_squad_without_its_answer_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "squad").mkdir()
    asked = {"id": "q1", "question": "Where?", "answers": []}
    data = {"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "Here.", "qas": [asked]}]}]}
    (tmp_path / "squad" / "dev-v1.1.json").write_text(json.dumps(data))
    task = build(compose(["task=squad_v1", f"data_dir={tmp_path}"])[0]["task"], "task")
    with pytest.raises(BenchError, match=r"dev-v1.1.json: question 'q1' has no answer"):
        task.examples()


@pytest.mark.slow
def test_a_score_that_its_own_rows_deny_is_on_no_board_but_another_scorers_is(bench_main: Any) -> None:
    assert bench_main("run", "task=finmm_qa", "model=lexical", "limit=20", "tracking=none", "runs_dir=runs")[0] == 0
    (path,) = Path("runs").glob("*/*/*/run.json")
    record = json.loads(path.read_text())
    shown = bench_main("board", "finmm_qa", "--runs", "runs")[1]
    assert any("\tlexical\t" in line for line in shown)
    record["scores"][0]["value"] += 0.1
    path.write_text(json.dumps(record))
    _, out, err = bench_main("board", "finmm_qa", "--runs", "runs")
    assert not any("\tlexical\t" in line for line in out)
    assert any("one of the two was changed" in line for line in (*out, *err))
    record["scorer"][record["scores"][0]["metric"]] = "0" * 12  # as another version of the metric had it
    path.write_text(json.dumps(record))
    assert any("\tlexical\t" in line for line in bench_main("board", "finmm_qa", "--runs", "runs")[1])
