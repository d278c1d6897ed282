"""The check of annotation records: good ones pass; for a wrong one, the line, the field and the rule."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bench.data.check import KINDS, Problem, check_file, format_problem
from bench.data.spec_schema import SPECS, load

Record = dict[str, Any]

UTTERANCE: Record = {
    "id": "u1", "conversation": "c1", "turn": 0, "text": "My card was swallowed.", "arousal": 0.7, "valence": -0.5,
    "emotion": "anger",
}  # fmt: skip
DIALOGUE: Record = {
    "id": "d1", "domain": "cards", "scenario": "a lost card",
    "turns": [
        {"speaker": "customer", "text": "I lost my card."},
        {"speaker": "agent", "text": "I block it now.", "references": ["I will block it.", "It is blocked."]},
    ],
}  # fmt: skip
QA: Record = {
    "version": "v2.0",
    "data": [{"title": "Report", "paragraphs": [{"context": "Sales rose by 4 %.\nCosts fell.", "qas": [
        {"id": "q1", "question": "What rose?", "is_impossible": False,
         "answers": [{"text": "Sales", "answer_start": 0}]},
        {"id": "q2", "question": "Who left?", "is_impossible": True, "answers": [], "plausible_answers": []},
    ]}]}],
}  # fmt: skip
PICTURE: Record = {
    "id": "p1", "kind": "invoice", "image": "images/p1.png", "width": 100, "height": 200, "language": "en-GB",
    "currency": "GBP", "source": "drawn for this set",
    "fields": [{"name": "total", "value": "£12.40", "box": [0, 10, 100, 200]}],
    "questions": [{"id": "p1-q1", "question": "What is due?", "answers": ["£12.40", "12.40"], "evidence": ["total"]}],
}  # fmt: skip
GOOD: dict[str, Record] = {"utterance": UTTERANCE, "dialogue": DIALOGUE, "qa": QA, "picture": PICTURE}


def changed(record: Record, path: str, value: Any) -> Record:
    """A copy with the value at `path` ("data/0/title") replaced, added, or dropped where `value` is `...`."""
    made = copy.deepcopy(record)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    node: Any = made
    for step in steps:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return made


def write(folder: Path, content: Record | str | bytes, name: str) -> Path:
    file = folder / name
    text = json.dumps(content, ensure_ascii=False) + "\n" if isinstance(content, dict) else content
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return file


def seen(problems: list[Problem]) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.field, problem.rule) for problem in problems]


def spec_of(kind: str) -> str:
    return "picture" if kind == "picture" else "text"


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_of_each_kind_passes(tmp_path: Path, kind: str) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/p1.png").write_bytes(b"no picture, but a file")
    for suffix in ("json", "jsonl", "txt"):
        assert check_file(write(tmp_path, GOOD[kind], f"good.{suffix}"), spec_of(kind)) == []


def test_an_indented_squad_file_and_version_1_1_without_is_impossible_pass(tmp_path: Path) -> None:
    old = changed(changed(QA, "version", "1.1"), "data/0/paragraphs/0/qas", [
        {"id": "q1", "question": "What rose?", "answers": [{"text": "Sales", "answer_start": 0}]},
    ])  # fmt: skip
    assert check_file(write(tmp_path, json.dumps(QA, indent=2), "new.json"), "text") == []
    assert check_file(write(tmp_path, json.dumps(old, indent=2), "old.json"), "text") == []
    assert check_file(write(tmp_path, changed(old, "version", "2024-03"), "old.json"), "text") == []


Q = "data/0/paragraphs/0/qas/0"
F = "data[0].paragraphs[0].qas[0]"
BAD_FIELDS: list[tuple[str, str, Any, str, str]] = [  # kind, path, new value, field, rule
    ("qa", "version", ..., "version", "required"),
    ("qa", "data", [], "data", "count"),
    ("qa", "data", {}, "data", "type"),
    ("qa", "data/0/title", ..., "data[0].title", "required"),
    ("qa", "data/0/genre", 3, "data[0].genre", "type"),
    ("qa", "data/0/paragraphs/0", "text", "data[0].paragraphs[0]", "type"),
    ("qa", f"{Q}/id", 7, f"{F}.id", "type"),
    ("qa", f"{Q}/id", "q2", "data[0].paragraphs[0].qas[1].id", "unique-id"),
    ("qa", f"{Q}/question", " \t", f"{F}.question", "empty-text"),
    ("qa", f"{Q}/is_impossible", ..., f"{F}.is_impossible", "required"),
    ("qa", f"{Q}/is_impossible", "no", f"{F}.is_impossible", "type"),
    ("qa", f"{Q}/is_impossible", True, f"{F}.is_impossible", "impossible-iff-no-answer"),
    ("qa", f"{Q}/answers", [], f"{F}.answers", "impossible-iff-no-answer"),
    ("qa", f"{Q}/answers/0/text", "", f"{F}.answers[0].text", "empty-text"),
    ("qa", f"{Q}/answers/0/text", "sales", f"{F}.answers[0].answer_start", "answer-offset"),
    ("qa", f"{Q}/answers/0/answer_start", 1, f"{F}.answers[0].answer_start", "answer-offset"),
    ("qa", f"{Q}/answers/0/answer_start", 10**30, f"{F}.answers[0].answer_start", "answer-offset"),
    ("qa", f"{Q}/answers/0/answer_start", -1, f"{F}.answers[0].answer_start", "range"),
    ("qa", f"{Q}/answers/0/answer_start", 0.0, f"{F}.answers[0].answer_start", "type"),
    ("qa", f"{Q}/answers/0/answer_start", False, f"{F}.answers[0].answer_start", "type"),
    ("qa", f"{Q}/answers/0/answer_start", "0", f"{F}.answers[0].answer_start", "type"),
    ("utterance", "arousal", -0.1, "arousal", "range"),
    ("utterance", "arousal", 1.01, "arousal", "range"),
    ("utterance", "valence", -1.5, "valence", "range"),
    ("utterance", "valence", None, "valence", "type"),
    ("utterance", "valence", True, "valence", "type"),
    ("utterance", "emotion", "hapy", "emotion", "enum"),
    ("utterance", "emotion", ["anger"], "emotion", "enum"),
    ("utterance", "turn", -1, "turn", "range"),
    ("utterance", "turn", "1", "turn", "type"),
    ("utterance", "text", "", "text", "empty-text"),
    ("utterance", "valance", 0.1, "valance", "unknown-field"),
    ("utterance", "split", "dev", "split", "enum"),
    ("dialogue", "turns", [], "turns", "count"),
    ("dialogue", "turns", [{"speaker": "agent", "text": "So."}], "turns[0].speaker", "alternate-speakers"),
    ("dialogue", "turns/0/speaker", "bank", "turns[0].speaker", "enum"),
    ("dialogue", "turns/2", {"speaker": "agent", "text": "So."}, "turns[2].speaker", "alternate-speakers"),
    ("dialogue", "turns/0/references", ["a", "b"], "turns[0].references", "references"),
    ("dialogue", "turns/1/references", ["a"], "turns[1].references", "references"),
    ("dialogue", "turns/1/references", ["a", "a"], "turns[1].references", "references"),
    ("dialogue", "turns/1/references", "a", "turns[1].references", "type"),
    ("dialogue", "turns/1/references/0", 4, "turns[1].references[0]", "type"),
    ("dialogue", "turns/1/refrences", ["a", "b"], "turns[1].refrences", "unknown-field"),
    ("dialogue", "my key", 1, '["my key"]', "unknown-field"),
    ("picture", "kind", "letter", "kind", "enum"),
    ("picture", "width", 0, "width", "range"),
    ("picture", "currency", "£", "currency", "pattern"),
    ("picture", "currency", "GBP\n", "currency", "pattern"),
    ("picture", "language", "English", "language", "pattern"),
    ("picture", "image", "../p1.png", "image", "image-path"),
    ("picture", "image", "/p1.png", "image", "image-path"),
    ("picture", "image", "images\\p1.png", "image", "image-path"),
    ("picture", "image", "images/none.png", "image", "image-missing"),
    ("picture", "image", "images", "image", "image-missing"),
    ("picture", "fields/0/value", 12.4, "fields[0].value", "type"),
    ("picture", "fields/0/box", [0, 0, 101, 9], "fields[0].box", "box-inside-page"),
    ("picture", "fields/0/box", [0, 0, 9, 201], "fields[0].box", "box-inside-page"),
    ("picture", "fields/0/box", [9, 0, 9, 9], "fields[0].box", "box-inside-page"),
    ("picture", "fields/0/box", [-1, 0, 9, 9], "fields[0].box", "box-inside-page"),
    ("picture", "fields/0/box", [0, 0, 9], "fields[0].box", "count"),
    ("picture", "fields/0/box", [0, 0, 9, 9, 9], "fields[0].box", "count"),
    ("picture", "fields/0/box/2", 9.5, "fields[0].box[2]", "type"),
    ("picture", "questions/0/answers", [], "questions[0].answers", "count"),
    ("picture", "questions/0/answers", "£12.40", "questions[0].answers", "type"),
    ("picture", "questions/0/evidence", ["sum"], "questions[0].evidence[0]", "evidence-known"),
    ("picture", "fields/1", {"name": "total", "value": "1", "box": [0, 0, 1, 1]}, "questions[0].evidence[0]",
     "evidence-known"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "where", "rule"), BAD_FIELDS)
def test_a_wrong_field_is_named_with_line_path_and_rule(
    tmp_path: Path, kind: str, path: str, value: Any, where: str, rule: str
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/p1.png").write_bytes(b"no picture, but a file")
    bad = json.loads(json.dumps(GOOD[kind]))
    if path.endswith(("turns/2", "fields/1")):
        bad = changed(bad, path.split("/")[0], [*bad[path.split("/")[0]], None])
    bad = changed(bad, path, value)
    first = "" if kind == "qa" else json.dumps(changed(changed(GOOD[kind], "id", "z"), "x_note", 1)) + "\n"
    first = first.replace('"p1-q1"', '"z-q1"')
    problems = check_file(write(tmp_path, first + json.dumps(bad) + "\n", "bad.jsonl"), spec_of(kind))
    assert seen(problems) == [(1 if kind == "qa" else 2, where, rule)]
    assert "\n" not in format_problem(problems[0])
    assert " allowed" in problems[0].message or rule == "required"


def test_a_wrong_offset_is_told_the_right_one(tmp_path: Path) -> None:
    (problem,) = check_file(write(tmp_path, changed(QA, f"{Q}/answers/0/answer_start", 3), "a.json"), "text")
    assert problem.message == "found the text 'es ro' at 3 instead of the text 'Sales'; 0 is allowed"


def test_all_problems_of_a_record_are_found_at_once(tmp_path: Path) -> None:
    bad = changed(changed(changed(PICTURE, "currency", ...), "fields/0/box", [0, 0, 999, 9]), "width", "100")
    found = {rule for _, _, rule in seen(check_file(write(tmp_path, bad, "a.jsonl"), "picture"))}
    assert found == {"required", "type", "image-missing"}  # the box is only judged by a width that is a number
    bad = changed(bad, "width", 100)
    found = {rule for _, _, rule in seen(check_file(write(tmp_path, bad, "a.jsonl"), "picture", check_images=False))}
    assert found == {"required", "box-inside-page"}


def test_a_record_of_another_kind_is_refused(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(record) for record in (UTTERANCE, DIALOGUE, QA))
    problems = check_file(write(tmp_path, lines, "a.jsonl"), "text")
    assert seen(problems) == [(2, "(record)", "kind"), (3, "(record)", "kind")]


def test_a_question_id_is_unique_over_all_pictures(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(changed(PICTURE, "id", name)) for name in "ab")
    problems = check_file(write(tmp_path, lines, "a.jsonl"), "picture", check_images=False)
    assert seen(problems) == [(2, "questions[0].id", "unique-id")]
    assert "line 1" in problems[0].message


@pytest.mark.parametrize("spec", KINDS)
def test_each_specification_has_a_valid_schema_and_a_text_that_names_every_field_and_kind(spec: str) -> None:
    Draft202012Validator.check_schema(load(spec))
    text = (SPECS / f"{spec}.md").read_text(encoding="utf-8")
    for name, definition in load(spec)["$defs"].items():
        for key in definition.get("properties", ()):
            assert f"`{key}`" in text, f"{spec}.md does not explain {key} of {name}"
    assert {kind.name for kind in KINDS[spec]} <= load(spec)["$defs"].keys()


@pytest.mark.parametrize(("spec", "n_examples"), [("text", 3), ("picture", 1), ("voice", 1), ("video", 1)])
def test_the_examples_in_the_specifications_pass(tmp_path: Path, spec: str, n_examples: int) -> None:
    text = (SPECS / f"{spec}.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
    assert len(examples) == n_examples
    for example in examples:
        file = write(tmp_path, json.loads(example), "example.data")
        assert check_file(file, spec, check_images=False) == []


def test_a_picture_of_no_bytes_is_none(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/p1.png").touch()
    assert seen(check_file(write(tmp_path, PICTURE, "a.jsonl"), "picture")) == [(1, "image", "image-empty")]
