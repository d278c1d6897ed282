"""FinanceBench: its file, its prompt with and without evidence, and what is scored of a reply."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.numbers import NUMERIC_MATCH
from bench.metrics.verdict import is_right
from bench.scoring.measure import score
from bench.task import Malformed
from bench.types import Prediction
from tasks.financebench import FinanceBench, read_reply


def record(key: str, question: str, answer: str, document: str = "ACME_2018_10K") -> dict[str, Any]:
    evidence = [{"evidence_text": "Revenue\n \n$\n1,577 \n", "doc_name": document}, {"evidence_text": "Note 3"}]
    return {
        "financebench_id": key, "company": "Acme", "doc_name": document, "question": question, "answer": answer,
        "evidence": evidence,
    }  # fmt: skip


RECORDS = [
    record("f1", "What is revenue (in USD millions)?", "$1577.00"),
    record("f2", "What is the margin? Answer in units of percents.", "65.4%"),
    record("f3", "Did it grow?", "Yes, it grew by 5%", "ACME_2019_10K"),
    record("f4", "What is net PPNE? Answer in USD billions.", "$8.70"),
]


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., FinanceBench]:
    """A task on a file of the official format with these records, or with this text."""

    def make(records: Any = RECORDS, **options: Any) -> FinanceBench:
        path = tmp_path / "financebench" / "financebench_open_source.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(records if isinstance(records, str) else "\n".join(map(json.dumps, records)), encoding="utf-8")
        return FinanceBench(DataSource("financebench/financebench_open_source.jsonl", str(tmp_path)), **options)

    return make


def values(task: FinanceBench, said: dict[str, str]) -> tuple[float | None, ...]:
    predictions = [Prediction(key, text=text) for key, text in said.items()]
    return tuple(one.value for one in score(task, task.examples(), predictions, resamples=0, seed=0))


@pytest.mark.parametrize(
    ("reply", "match"),
    [
        ("$1,577 million", 1),
        ("1577", 1),
        ("In FY2018 Acme's revenue was $1.58 billion.", 1),  # 0.2 % off
        ("$1,577,000,000", 1),
        ("Cash was 12.\nAnswer: **$1,577**", 1),
        ("$1,577 thousand", 0),
        ("-1577", 0),
        ("1600", 0),
        ("I don't know.", 0),
        ("", 0),
    ],
)
def test_a_number_is_matched_in_the_unit_that_the_question_asks_for(
    task: Callable[..., FinanceBench], reply: str, match: float
) -> None:
    assert values(task(RECORDS[:1]), {"f1": reply})[0] == match


def test_numeric_match_counts_numeric_answers_only_and_a_missing_one_is_wrong(
    task: Callable[..., FinanceBench],
) -> None:
    said = {"f1": "1577", "f2": "0.654", "f3": "Yes, it grew"}  # f4 is missing
    # f1 "1577" against "157700" has no common word, f2 neither; f3: 3 common of 3 and 5: 6/8
    assert values(task(), said) == (pytest.approx(3 / 4), pytest.approx(2 / 3), pytest.approx(0.75 / 4))


def test_the_ideal_reply_is_right(task: Callable[..., FinanceBench]) -> None:
    made = task()
    assert values(made, {e.id: made.ideal(e).text or "" for e in made.examples()}) == (1, 1, 1)


def test_evidence_is_shown_before_the_question_or_not_at_all(task: Callable[..., FinanceBench]) -> None:
    shown, hidden = task(), task(evidence="none")
    asked = [[p.text for p in made.request(made.examples()[0]).parts if p.role == "user"] for made in (shown, hidden)]
    assert asked[0] == [
        "Filing ACME_2018_10K of Acme:\nRevenue\n$\n1,577\n\nNote 3\nQuestion: What is revenue (in USD millions)?"
    ]
    assert asked[1] == ["Filing ACME_2018_10K of Acme.\nQuestion: What is revenue (in USD millions)?"]
    assert "evidence" not in hidden.examples()[0].inputs  # other data: the two never share a table
    with pytest.raises(BenchError, match=r"task\.evidence=all is not one of gold, none"):
        task(evidence="all")


def test_the_document_is_the_cluster_and_the_question_has_a_unit(task: Callable[..., FinanceBench]) -> None:
    examples = task().examples()
    assert [example.cluster for example in examples] == [
        "ACME_2018_10K",
        "ACME_2018_10K",
        "ACME_2019_10K",
        "ACME_2018_10K",
    ]
    assert [example.target["factor"] for example in examples] == [1e6, None, None, 1e9]


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("$1,577 million", "$1,577 million"),
        ("The answer is: 14.8", "14.8"),
        ("Answer: yes.\nIt grew.", "yes. It grew."),
        ("5 + 3 = 8\n\n**Final answer:** 8", "8"),
        ("```\n14.8 %\n```", "14.8 %"),
        ("  two\n lines ", "two lines"),
        ("", ""),
    ],
)
def test_a_reply_is_what_stands_behind_its_last_lead(said: str, reply: str) -> None:
    assert read_reply(said) == reply


@pytest.mark.parametrize(
    "content",
    [
        '{"f1": "1577", "f2": "65.4"}',
        '[{"financebench_id": "f1", "answer": "1577"}, {"financebench_id": "f2", "answer": "65.4"}]',
        '\ufeff{"financebench_id": "f1", "answer": "1577"}\r\n{"financebench_id": "f2", "answer": "65.4"}\r\n',
    ],
)
def test_a_submission_is_an_object_a_list_or_lines(
    task: Callable[..., FinanceBench], tmp_path: Path, content: str
) -> None:
    path = tmp_path / ("s.jsonl" if content.startswith("\ufeff") else "s.json")
    path.write_text(content, encoding="utf-8", newline="")
    assert list(task().submitted(path, [])) == [("f1", "1577"), ("f2", "65.4")]


@pytest.mark.parametrize("given", [None, 5, ["5"], {"answer": "5"}])
def test_an_answer_that_is_no_text_is_malformed(task: Callable[..., FinanceBench], tmp_path: Path, given: Any) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"f1": given}), encoding="utf-8")
    ((_, answer),) = task().submitted(path, [])
    assert isinstance(answer, Malformed)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("s.json", b'{"f1": "5"', "line 1 column"),
        ("s.jsonl", b'{"financebench_id": "f1"}', "line 1: the key 'answer' is missing"),
        ("s.jsonl", b'{"financebench_id": "f1", "answer": "\xe9"}', "line 1"),
        ("s.json", b'{"f1": NaN}', "NaN"),
    ],
)
def test_a_file_that_is_no_submission_is_refused(
    task: Callable[..., FinanceBench], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchError, match=said):
        list(task().submitted(tmp_path / name, []))


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([RECORDS[0], RECORDS[0]], "line 2: the financebench_id 'f1' comes twice"),
        ([{**RECORDS[0], "answer": 5}], "line 1: 'answer' is a int"),
        ([{**RECORDS[0], "evidence": [{}]}], "line 1: the field 'evidence_text'"),
        ("[]", "line 1"),
        ('{"financebench_id": ', "line 1"),
    ],
)
def test_a_broken_data_file_is_named(task: Callable[..., FinanceBench], records: Any, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        task(records).examples()


def test_the_official_file_has_52_numeric_answers_and_the_oracle_gets_them_all() -> None:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "financebench").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    task = FinanceBench(DataSource("financebench/financebench_open_source.jsonl", str(folder)))
    examples = task.examples()
    assert list(task.problems()) == []
    assert [e.id for e in examples if not is_right(e.target, e.target["text"])] == []
    assert sum(NUMERIC_MATCH.measure(e.target, "")[1] for e in examples) == 52  # type: ignore[union-attr]
    assert len({example.cluster for example in examples}) == 84
    assert values(task, {e.id: task.ideal(e).text or "" for e in examples}) == (1, 1, 1)
