"""The check of annotation files: damaged ones are described, lines are right, published ones pass."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from bench.data.check import Problem, check_file, format_problem, iter_problems
from bench.errors import BenchError

ROOT = Path(__file__).parent.parent
Record = dict[str, Any]

UTTERANCE: Record = {
    "id": "u1", "conversation": "c1", "turn": 0, "text": "My card was swallowed.", "arousal": 0.7, "valence": -0.5,
    "emotion": "anger",
}  # fmt: skip


def squad(context: str, start: int, second_id: str = "q2") -> Record:
    """A SQuAD 2.0 file of two questions; the first one's answer is said to stand at `start`."""
    qas = [
        {"id": "q1", "question": "?", "is_impossible": False, "answers": [{"text": "Sales", "answer_start": start}]},
        {"id": second_id, "question": "?", "is_impossible": True, "answers": []},
    ]
    return {"version": "v2.0", "data": [{"title": "Report", "paragraphs": [{"context": context, "qas": qas}]}]}


QA = squad("Sales rose by 4 %.\nCosts fell.", 0)


def write(folder: Path, content: Record | str | bytes, name: str) -> Path:
    file = folder / name
    text = json.dumps(content, ensure_ascii=False) + "\n" if isinstance(content, dict) else content
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return file


def seen(problems: list[Problem]) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.field, problem.rule) for problem in problems]


BAD_BYTES: list[tuple[str, bytes, list[tuple[int, str, str]]]] = [  # name, content, what is seen
    ("a.jsonl", b"", [(1, "(file)", "empty-file")]),
    ("a.json", b" \r\n", [(1, "(file)", "empty-file")]),
    ("a.jsonl", b"\n", [(1, "(record)", "blank-line"), (1, "(file)", "empty-file")]),
    ("a.jsonl", b"LINE\r\n \r\n", [(2, "(record)", "blank-line")]),
    ("a.jsonl", b"\xef\xbb\xbfLINE\n", [(1, "(file)", "encoding")]),
    ("a.json", b"\xef\xbb\xbf{}", [(1, "(file)", "encoding"), (1, "version", "required"), (1, "data", "required")]),
    ("a.json", '{"version": "1"}'.encode("utf-16"), [(1, "(file)", "encoding")]),
    ("a.jsonl", b'LINE\n{"id": "caf\xe9"}\n', [(2, "(record)", "encoding")]),
    ("a.json", b'{"version":\n "caf\xe9"}', [(2, "(file)", "encoding")]),
    ("a.jsonl", b'LINE\n{"id": "u2", "turn"', [(2, "(record)", "json")]),
    ("a.json", b'{\n"version": "2",\n"data": [', [(3, "(file)", "json")]),
    ("a.jsonl", b"LINE LINE\n", [(1, "(record)", "json")]),
    ("a.jsonl", b'[\n{"id": "u"}\n]\n', [(1, "(file)", "json")]),
    ("a.jsonl", b"[1]\nLINE\n4\n", [(1, "(record)", "type"), (3, "(record)", "type")]),
    ("a.json", b"[]", [(1, "(file)", "type")]),
    ("a.jsonl", b"LINE\n" + b"[" * 100_000 + b"\n", [(2, "(record)", "json")]),
    ("a.json", b'{"a":' * 100_000, [(1, "(file)", "json")]),
    ("a.json", b'{"version": ' + b"9" * 5000 + b"}", [(1, "(file)", "json")]),
    ("a.jsonl", b"LINE\nLINE\n", [(2, "id", "unique-id")]),
    ("a.jsonl", b'LINE\n{"z": 1}\n{"turns": []}\n', [(2, "id", "required")]),
    ("a.jsonl", b'{"version": "2", "data": [\n', [(1, "(record)", "json")]),
]


@pytest.mark.parametrize(("name", "content", "expected"), BAD_BYTES)
def test_a_damaged_file_is_described_and_never_crashes(
    tmp_path: Path, name: str, content: bytes, expected: list[tuple[int, str, str]]
) -> None:
    content = content.replace(b"LINE", json.dumps(UTTERANCE).encode())
    problems = seen(check_file(write(tmp_path, content, name), "text"))
    if b'"z"' in content:  # a record of no known kind is taken for one of the file's kind
        assert problems[0] == expected[0]
        assert problems[-1] == (3, "(record)", "kind")
    else:
        assert problems == expected


BAD_NUMBERS = [("NaN", "json"), ("-Infinity", "json"), ("1e999", "json"), ('"\\ud800"', "encoding")]


@pytest.mark.parametrize(("token", "rule"), BAD_NUMBERS)
def test_a_value_that_strict_readers_refuse_is_found_once(tmp_path: Path, token: str, rule: str) -> None:
    line = json.dumps(UTTERANCE).replace("0.7", token)
    assert seen(check_file(write(tmp_path, line, "a.jsonl"), "text")) == [(1, "arousal", rule)]
    text = json.dumps(QA, indent=1).replace('"answer_start": 0', f'"answer_start": {token}')
    found = seen(check_file(write(tmp_path, text, "a.json"), "text"))
    row = 1 + text[: text.index(token)].count("\n")
    assert found == [(row, "data[0].paragraphs[0].qas[0].answers[0].answer_start", rule)]


def test_a_key_given_twice_is_found_at_its_second_place(tmp_path: Path) -> None:
    line = json.dumps(UTTERANCE)[:-1] + ', "emotion": "sad"}'
    assert seen(check_file(write(tmp_path, line, "a.jsonl"), "text")) == [(1, "emotion", "duplicate-key")]
    text = json.dumps(QA, indent=1).replace('"title": "Report",', '"title": "Report",\n\n"title": "Again",')
    row = 1 + text[: text.index('"title": "Again"')].count("\n")
    assert seen(check_file(write(tmp_path, text, "a.json"), "text")) == [(row, "data[0].title", "duplicate-key")]


def test_the_line_is_that_of_the_value_in_an_indented_file(tmp_path: Path) -> None:
    text = json.dumps(squad("Sales rose.", 99, second_id=""), indent=2)
    rows = {row: line.strip() for row, line in enumerate(text.split("\n"), start=1)}
    problems = check_file(write(tmp_path, text.replace("\n", "\r\n"), "bad.json"), "text")
    assert [problem.rule for problem in problems] == ["answer-offset", "empty-text"]
    assert [rows[problem.line] for problem in problems] == ['"answer_start": 99', '"id": "",']


def test_offsets_count_characters_not_bytes_or_utf_16_units(tmp_path: Path) -> None:
    good = squad("💶 Ärger: Sales", 9)
    assert check_file(write(tmp_path, good, "a.json"), "text") == []
    assert check_file(write(tmp_path, json.dumps(good), "a.json"), "text") == []  # as a pair of \\u escapes


def test_what_cannot_be_read_at_all_is_a_bench_error(tmp_path: Path) -> None:
    cases = [(tmp_path, "text"), (tmp_path / "absent.json", "text"), (write(tmp_path, "", "a.json"), "smell")]
    cases.append((tmp_path / ("n" * 5000), "text"))
    for path, spec in cases:
        with pytest.raises(BenchError, match=r"specification|does not exist|not a file|cannot be read"):
            check_file(path, spec)


def test_a_problem_is_formatted_as_one_line() -> None:
    problem = Problem(Path("a/b.jsonl"), 3, "turns[0].speaker", "enum", "found 'x'; one of a, b is allowed")
    assert format_problem(problem) == "a/b.jsonl:3: turns[0].speaker: enum: found 'x'; one of a, b is allowed"


@pytest.mark.slow
def test_a_json_lines_file_is_read_in_flat_memory(tmp_path: Path) -> None:
    record = {**UTTERANCE, "text": "x" * 20_000}
    text = "".join(json.dumps({**record, "id": f"u{number}"}) + "\n" for number in range(300))  # 6 MB
    file = write(tmp_path, text, "long.jsonl")
    tracemalloc.start()
    assert next(iter_problems(file, "text"), None) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def data_dir() -> Path:
    return Path(os.environ.get("BENCH_DATA") or ROOT.parent / "shared" / "data")


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(f"squad/dev-v{version}.json", marks=pytest.mark.slow) for version in ("1.1", "2.0")),
        "xquad/xquad.en.json",
    ],
)
def test_a_published_squad_file_passes(name: str) -> None:
    if not (data_dir() / name).exists():
        pytest.skip(f"{name} is not in the data directory; set BENCH_DATA to a folder that holds it")
    assert check_file(data_dir() / name, "text") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["text/qa.json", "emotion/utterances.jsonl", "dialogue/conversations.jsonl"])
def test_our_own_annotations_pass(name: str) -> None:
    file = ROOT / "tasks" / "finmm" / name
    if not file.exists():
        pytest.skip(f"tasks/finmm/{name} does not exist yet")
    assert [format_problem(problem) for problem in check_file(file, "text")] == []
