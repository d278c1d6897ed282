"""Public sets of pages: order on a page, damaged and missing files, and what a row that reads nothing is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_data import built, write
from small_pages import FILES, entity

from bench.models.reference import Majority
from bench.scoring.measure import score

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
