"""A task that is a file of conf/task alone, and rows of tables in requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from bench.engine.fitting import fits
from bench.errors import BenchError
from bench.metrics.classification import ACCURACY
from bench.models.reference import Constant, Lexical
from bench.runs.asked import request_digest
from bench.task import ConfiguredTask
from bench.types import Choose, Column, Example, Json, Prediction, Request, Row, Text

CARD: Mapping[str, Any] = {
    "title": "Small", "source": "here", "revision": 1, "licence": "CC0", "split": "all", "n_examples": 1, "language": "en",
    "chance": [0.0, 1.0], "scenario": "marketing", "cluster": "row",
}  # fmt: skip
ROW = Row("The age is 31.", columns=(Column("age", "number"),), values=(31.0,))


class Small(ConfiguredTask):
    """One row of a table."""

    metrics = (ACCURACY,)
    parts = frozenset({"row"})
    output = Choose
    about = ("labels",)
    labels: ClassVar[tuple[str, ...]]

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        return {"labels": tuple(about["labels"])}

    def examples(self) -> Sequence[Example]:
        return [Example("a", {}, self.labels[0], "a")]

    def request(self, example: Example) -> Request:
        return Request(example.id, (ROW,), Choose(self.labels))

    def answer(self, prediction: Prediction) -> Json:
        return {"label": prediction.text, "confidence": None}

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, label_scores={self.labels[0]: 1.0})


def made(**changes: Json) -> type[ConfiguredTask]:
    about = {"name": "small", "version": 2, "card": CARD, "labels": ["good", "bad"], **changes}
    found, rest = Small.configured({"_target_": "x", "about": about})
    assert rest == {"_target_": "x"}
    assert issubclass(found, Small)
    return found


def test_a_file_makes_a_class_of_its_own_with_name_version_and_card() -> None:
    found = made()
    assert (found.name, found.version, found.card.chance, found.card.revision) == ("small", 2, (0.0, 1.0), "1")
    assert found is made()
    assert found is not made(version=3)
    assert vars(found)["labels"] == ("good", "bad")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"card": {**CARD, "scenario": "fishing"}}, "task.about.card.scenario: found 'fishing', expected one of risk"),
        ({"card": {**CARD, "chance": [1, 0]}}, "task.about.card.chance"),
        ({"card": {**CARD, "n_examples": "many"}}, "task.about.card.n_examples: found 'many', expected a whole number"),
        ({"card": {**CARD, "colour": "red"}}, "task.about.card.colour is no key; known: title,"),
        ({"card": {}}, "task.about.card.title is missing"),
        ({"labels": None}, "task.about.labels is missing"),
        ({"size": 3}, "task.about.size is no key"),
        ({"name": "two words"}, "name must be a word"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_line(changes: dict[str, Json], said: str) -> None:
    with pytest.raises(BenchError, match=said.replace("[", r"\[")):
        made(**changes)


def test_a_row_is_a_text_to_those_who_read_and_its_values_are_part_of_what_is_asked() -> None:
    task: Any = type("T", (), {"parts": frozenset({"row"}), "output": Choose})()
    assert fits(task, Lexical())
    assert fits(task, Constant())
    asked = Request("a", (ROW,), Choose(("good", "bad")))
    other = Request("a", (Row(ROW.text, columns=ROW.columns, values=(31.5,)),), asked.output)
    plain = Request("a", (Text(ROW.text),), asked.output)
    assert len({request_digest(one, lambda path: "") for one in (asked, other, plain)}) == 3
