"""Nine yes/no questions about each headline on gold, and a split of our own, as the published one is not with the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.metrics.binary import mcc
from bench.metrics.classification import ACCURACY, averaged
from bench.metrics.groups import over_groups
from bench.metrics.lens import of_key
from bench.metrics.metric import AnyMetric
from bench.types import Choose, Example, Json, Request, Text
from tasks.labelled_text import LabelledText
from tasks.text_records import Records, alike, cell, records, text_of

QUESTIONS: Mapping[str, str] = {
    "PriceOrNot": "Is the headline about the price of gold?",
    "DirectionUp": "Does the headline say that the price of gold goes or went up?",
    "DirectionConstant": "Does the headline say that the price of gold stays or stayed the same?",
    "DirectionDown": "Does the headline say that the price of gold goes or went down?",
    "PastPrice": "Does the headline tell of a price of gold in the past?",
    "FuturePrice": "Does the headline tell of a price of gold in the future?",
    "PastNews": "Does the headline tell of something in the past that is not the price of gold?",
    "FutureNews": "Does the headline tell of something in the future that is not the price of gold?",
    "AssetComparision": "Does the headline compare gold with another asset?",
}  # the names are those of the file's columns
PARTS = 5  # one in so many headlines is evaluated


class HeadlinesGold(LabelledText):
    """Yes or no to each of nine questions about a headline; what ranks is the mean of the questions' weighted F1.

    Evaluated are the headlines the sha256 of whose text (small letters, single spaces) is divisible by 5, so that a headline which
    comes several times is on one side; the others are the training split.
    """

    about = ("instruction", "labels", "text")
    about_too = ()
    training_is = "the other four fifths of the headlines (the split of FinBen is not with the file)"

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """As of any labelled text; the columns of the labels are the questions."""
        return super().defined({**about, "label": "PriceOrNot"})

    @classmethod
    def scores(cls, labels: Sequence[str], ranks: str) -> tuple[AnyMetric, ...]:
        """The mean over the questions first; the others over all answers alike."""
        within = {"group": "question", "key": "label"}
        return (
            over_groups("f1_over_questions", averaged("f1", labels, "weighted"), tuple(QUESTIONS), **within),
            over_groups("mcc_over_questions", mcc(labels), tuple(QUESTIONS), **within),
            of_key(ACCURACY, "label"),
            of_key(averaged("f1", labels), "label"),
        )

    def request(self, example: Example) -> Request:
        """The headline, then the question."""
        names = self.labels
        system = Text(f"{self.instruction} One of: {', '.join(names)}.", "system")
        asked = f"{example.inputs['text']}\n{QUESTIONS[example.inputs['question']]}"
        return Request(example.id, (system, Text(asked)), Choose(names))

    def training(self) -> Sequence[Example]:
        """The questions about the headlines that are not evaluated."""
        place = self.data.here()
        return () if place is None else self.made(self._side(records(place), evaluated=False), "train-")

    def _of_path(self, place: Path) -> list[Example]:
        return self.made(self._side(records(place), evaluated=True), "")

    def _of_rows(self, rows: Iterable[Mapping[str, Json]]) -> list[Example]:
        raise BenchError(
            f"task '{self.name}' reads headlines.csv with a column for each question, and no rows of the Hub"
        )

    def _side(self, found: Records, *, evaluated: bool) -> Records:
        for number, (where, record) in enumerate(found):
            text = alike(text_of(record, self.told["text"], where))
            if (int(hashlib.sha256(text.encode()).hexdigest(), 16) % PARTS == 0) is evaluated:
                yield where, {**record, "row": str(number)}

    def of_record(self, where: str, record: Mapping[str, Json], number: str) -> Iterator[Example]:
        """An example for each question; ids are ROW-COLUMN, rows counted from 0."""
        text = text_of(record, self.told["text"], where)
        for question in QUESTIONS:
            label = self.read_label(cell(record, question, where), f"{where} {question}")
            target = {"label": label, "question": question}
            yield Example(f"{record['row']}-{question}", {"text": text, "question": question}, target, "")

    def label_of(self, example: Example) -> str:
        """Yes or no."""
        return str(example.target["label"])

    def slices(self, example: Example) -> Mapping[str, str]:
        """The question, beside what every labelled text has."""
        return {**super().slices(example), "question": example.inputs["question"]}
