"""Prompts of the question tasks: worked examples, then what is asked, with the reply begun."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.types import Image, Part, Text
from tasks.prompts import page, passage


def words(parts: Sequence[Part]) -> list[tuple[str, str]]:
    return [(part.role, part.text) for part in parts if isinstance(part, Text)]


@pytest.mark.parametrize("may_be_unanswerable", [False, True])
def test_a_passage_comes_after_whole_worked_examples_and_before_its_question(may_be_unanswerable: bool) -> None:
    found = words(passage("The CONTEXT.", "The QUESTION?", may_be_unanswerable=may_be_unanswerable))
    assert [role for role, _ in found] == ["system", *["user", "assistant"] * (len(found) // 2)]
    assert len(found) >= 5  # the scene, a worked example at least, and what is asked with its begun reply
    assert found[-2:] == [
        ("user", "Passage: The CONTEXT.\nQuestion: The QUESTION?"),
        ("assistant", 'Answer: "'),
    ]


def test_a_worked_example_has_the_form_of_what_is_asked() -> None:
    found = words(passage("The CONTEXT.", "The QUESTION?", may_be_unanswerable=True))
    for (_, asked), (_, answered) in zip(found[1:-2:2], found[2:-2:2], strict=True):
        assert asked.startswith("Passage: ")
        assert asked.count("\nQuestion: ") == 1
        assert answered.startswith(found[-1][1])  # the reply goes on as the worked ones do
        assert answered.endswith('"')


def test_only_a_task_with_unanswerable_questions_speaks_of_them() -> None:
    for may_be, asked in ((True, passage("C", "Q", may_be_unanswerable=True)), (False, passage("C", "Q"))):
        assert any("unanswerable" in text for _, text in words(asked)) is may_be


def test_an_answer_of_a_worked_example_stands_in_its_passage() -> None:
    found = words(passage("C", "Q")) + words(page(Image(b"png"), "Q"))
    answered = [(found[i - 1][1], text) for i, (role, text) in enumerate(found) if role == "assistant"]
    for asked, answer in answered:
        source = asked.rpartition("\nQuestion: ")[0]
        assert answer.removeprefix('Answer: "').removesuffix('"') in source


def test_a_picture_is_shown_after_the_worked_examples_and_before_its_question() -> None:
    picture = Image(b"png")
    parts = page(picture, "Who signed?")
    assert parts[-3] is picture
    assert sum(isinstance(part, Image) for part in parts) == 1
    assert words(parts[-2:]) == [("user", "Question: Who signed?"), ("assistant", 'Answer: "')]
