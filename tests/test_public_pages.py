"""Public sets of pages: order on a page, damaged and missing files, and what a row that reads nothing is worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small_data import built, write
from small_pages import FILES, PAGES, RECEIPTS, entity

from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.pictures import decoded
from bench.models.reference import Majority
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.scoring.measure import score
from bench.submissions.reading import read
from bench.types import Generate, Image, Prediction, Request

ANNOTATIONS = "funsd/testing_data/annotations"


def form(*entities: dict[str, Any]) -> str:
    """A form's file."""
    return json.dumps({"form": list(entities)})


def at(number: int, text: str, left: int, top: int, *, height: int = 10, question: int = 0) -> dict[str, Any]:
    """An answer to a question, with its box."""
    found = entity(number, "answer", text, top, [(question, number)])
    return found | {"box": [left, top, left + 90, top + height]}


def question(text: str, *answers: int) -> dict[str, Any]:
    """Question 0 with its answers."""
    return entity(0, "question", text, 0, [(0, number) for number in answers])


class Looks(Model):
    """Looks at each page, and says nothing of it."""

    parts, outputs, revision = frozenset({"text", "image"}), (Generate,), "1"

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        for request in batch:
            [decoded(part) for part in request.parts if isinstance(part, Image)]
        return [Prediction(request.id, text="{}") for request in batch]


def test_majority_reads_no_form_whose_questions_are_its_own(tmp_path: Path) -> None:
    names = {"a": ["Name:", "Fax:"], "b": ["Phone:", "Fax:"], "c": ["Brand", "Fax:"]}
    for form_name, (own, shared) in names.items():
        said = [entity(0, "question", own, 0, [(0, 1)]), entity(1, "answer", f"{form_name} 12", 0, [(0, 1)])]
        fax = [
            entity(2, "question", shared, 20, [(2, 3)]),
            entity(3, "answer", "see letter" if form_name < "c" else "7", 20),
        ]
        write(tmp_path, {f"{ANNOTATIONS}/{form_name}.json": form(*said, *fax)})
        write(tmp_path, {f"funsd/testing_data/images/{form_name}.png": FILES["funsd/testing_data/images/83594639.png"]})
    task, model = built("funsd", tmp_path), Majority()
    examples = task.examples()
    model.reveal({one.id: task.ideal(one) for one in examples})
    said = [model.one(task.request(one)) for one in examples]
    assert [json.loads(one.text or "")["Fax:"] for one in said] == ["see letter"] * 3
    found = {one.metric: one.value for one in score(task, examples, said, resamples=0, seed=0)}
    assert (found["precision"], found["recall"]) == (pytest.approx(2 / 3), pytest.approx(2 / 6))


@pytest.mark.parametrize(
    ("answers", "read"),
    [
        ([("12 Main", 150, 61), ("Street", 300, 60)], "12 Main Street"),  # one line, a pixel apart
        ([("12 Main", 150, 60), ("Street", 300, 64)], "12 Main Street"),
        ([("Street", 20, 70), ("12 Main", 150, 60)], "12 Main Street"),  # two lines
        ([("c", 10, 72), ("b", 200, 59), ("a", 10, 60), ("d", 200, 71)], "a b c d"),
        ([("stair", 10, 60), ("of", 110, 66), ("words", 210, 72)], "stair of words"),
        ([("", 10, 60), ("alone", 0, 60)], "alone"),
    ],
)
def test_answers_are_put_together_as_they_are_read_line_by_line(
    tmp_path: Path, answers: list[tuple[str, int, int]], read: str
) -> None:
    boxes = [at(number, *answer) for number, answer in enumerate(answers, start=1)]
    write(tmp_path, {f"{ANNOTATIONS}/a.json": form(question("Address:", *range(1, len(boxes) + 1)), *boxes)})
    assert built("funsd", tmp_path).examples()[0].target[0]["texts"] == [read]


def test_a_line_beside_a_box_of_two_lines_keeps_its_order(tmp_path: Path) -> None:
    boxes = [at(1, "two lines", 10, 60, height=22), at(2, "right above", 200, 60), at(3, "right below", 200, 72)]
    write(tmp_path, {f"{ANNOTATIONS}/a.json": form(question("Q:", 1, 2, 3), *boxes)})
    assert built("funsd", tmp_path).examples()[0].target[0]["texts"] == ["two lines right above right below"]


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ([question("Q:") | {"linking": [["a", {}]]}], r"a\.json: form\[0\]: linking: found .*, expected pairs of ids; correct"),
        ([question("Q:") | {"linking": [[0, True]]}], r"a\.json: form\[0\]: linking: found .*, expected pairs of ids"),
        ([question("Q:", 1), at(1, "x", 0, 0), question("R:", 1)], r"a\.json: form\[2\]: the id 0 comes twice; bring"),
    ],
)  # fmt: skip
def test_a_form_whose_ids_tell_nothing_apart_is_refused_with_its_place(
    tmp_path: Path, entities: list[dict[str, Any]], message: str
) -> None:
    write(tmp_path, {f"{ANNOTATIONS}/a.json": form(*entities)})
    with pytest.raises(BenchError, match=message):
        built("funsd", tmp_path).examples()


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_its_picture_fails_alone_and_its_error_names_the_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, {path: content for path, content in FILES.items() if path.startswith(f"{name}/")})
    picture = sorted(path for path in FILES if path.startswith(name) and path.endswith((".jpg", ".png")))[0]
    (tmp_path / picture).unlink()
    task = built(name, tmp_path)
    run, folder = evaluate(
        task, Looks(), "looks", Device("cpu", "none", 1), Settings(runs_dir=tmp_path / "r", resamples=9)
    )
    assert run.scores[0].n_failed == 1
    error = next(one.error for one in folder.predictions() if one.error)
    assert f"{Path(picture).stem}.jpg: the picture" in error
    assert "put the file there" in error
    assert f"have no picture, the first is {Path(picture).stem}" in list(task.problems())[-1]


@pytest.mark.parametrize("name", PAGES)
def test_a_set_without_any_picture_is_refused_before_a_model_runs(tmp_path: Path, name: str) -> None:
    write(tmp_path, {path: text for path, text in FILES.items() if path.endswith(".json")})
    images = tmp_path / ("sroie/img" if name == "sroie" else "funsd/testing_data/images")
    images.mkdir(parents=True)
    task = built(name, tmp_path)
    with pytest.raises(BenchError, match=r"holds no picture \*\.jpg or \*\.jpeg or \*\.png; "):
        task.request(task.examples()[0])
    assert "holds no picture" in list(task.problems())[-1]


def test_a_suffix_in_capitals_is_found_and_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    receipt = json.dumps(RECEIPTS["X00016469670"])
    write(
        tmp_path,
        {"sroie/key/A.json": receipt, "sroie/key/C.TXT": receipt, "sroie/img/C.JPG": b"", "sroie/img/A.jpg": b""},
    )
    task = built("sroie", tmp_path)
    first, second = task.examples()
    assert [first.id, second.id] == ["A", "C"]
    write(tmp_path, {"sroie/img/A.png": b""})
    assert task.request(second)
    with pytest.raises(BenchError, match="two pictures called A; keep one of them"):
        task.request(first)


def test_a_damaged_file_of_a_submission_costs_no_other_receipt(tmp_path: Path) -> None:
    names = list(RECEIPTS)
    write(tmp_path, {path: content for path, content in FILES.items() if path.startswith("sroie/")})
    sent = json.dumps(RECEIPTS[names[1]])
    write(tmp_path / "sent", {f"{names[0]}.txt": "[", f"{names[1]}.TXT": sent, f"{names[1]}.json": sent})
    task = built("sroie", tmp_path)
    found = read(task, tmp_path / "sent", task.examples())
    assert (found.malformed, found.missing, found.duplicated) == ((names[0],), (names[2],), (names[1],))
    assert [one.error is None for one in found.predictions] == [False, True]
    assert (found.predictions[0].error or "").startswith(f"malformed: {names[0]}.txt is not JSON: line 1 column 2")
