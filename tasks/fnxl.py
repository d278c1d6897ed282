"""FNXL: which XBRL tag does a number in a filing bear? One of eight candidates, out of thousands that there are."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none
from bench.data.submissions import table
from bench.errors import BenchError
from bench.metrics.classification import ACCURACY, AURC, calibration_error
from bench.metrics.metric import AnyMetric
from bench.task import Card, Unparsed
from bench.text.choices_said import choices_said
from bench.types import Choose, Example, Json, Prediction, Request, Text
from tasks.labels import LabelTask
from tasks.slices import words

_OBTAIN = (
    "take FLaME's sample of the test file (https://github.com/gtfintechlab/FLaME), a CSV with the columns sentence, numerals-tags "
    "and company, to finance/fnxl/test_sample.csv of the data directory"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Fnxl(LabelTask):
    """Numbers in sentences of annual reports, each with eight XBRL tags of which it bears one.

    The other seven are the tags of other rows, drawn at random (so that frequent tags are offered in vain as often as they are
    right) by the row's number: they depend on the whole file and nothing else. Which numbers bear a tag at all is told.
    Tags drawn at random are easy to tell from the right one: who takes the candidate that shares most words with the sentence has
    0.605, so that only what is above that tells of reading. The most and the least frequent candidate have 0.122 and 0.124.
    """

    name, version, output = "fnxl", 1, Choose
    labels: ClassVar[tuple[str, ...]] = tuple("ABCDEFGH")
    instruction = (
        "Numbers in annual reports bear tags that say what they mean. Say which of the tags the number in the sentence bears, "
        "by its letter."
    )
    metrics: ClassVar[tuple[AnyMetric, ...]] = (ACCURACY, calibration_error(), AURC)
    card = Card(
        title="FNXL, what a number in a filing means (eight candidates)",
        source="https://github.com/gtfintechlab/FLaME (a sample of the test file of FNXL)",
        revision="test_sample.csv with 988 sentences (2024)",
        licence="not stated (PIXIU says: public); FLaME's copy is CC BY-NC 4.0",
        split="FLaME's sample of the test file; the candidates are ours, so that no published F1 over all "
        "tags compares with it; matching words has 0.605",
        n_examples=988,
        language="en",
        chance=(0.09, 0.16),
        scenario="reading",
        cluster="company",
        citation="Sharma et al. 2023, Financial Numeric Extreme Labelling: A dataset and benchmarking (Findings of ACL)",
        obtain=_OBTAIN,
    )

    def examples(self) -> Sequence[Example]:
        """The tagged numbers in the order of the file, called by their row from 0."""
        return self.data.read(lambda path: all_or_none(self._read(path), str(path)))

    def _read(self, path: Path) -> Iterator[Example]:
        told = [
            one for where, row in table(path, ("sentence", "numerals-tags", "company")) for one in _tagged(row, where)
        ]
        every = [tag for _, tag, _, _ in told]
        if len(set(every)) < len(self.labels):
            raise BenchError(
                f"{path}: {len(set(every))} tags, expected at least {len(self.labels)}; give the whole file"
            )
        for i, (numbers, tag, sentence, company) in enumerate(told):
            draw = random.Random(f"fnxl {i}")
            offered = {tag: None}
            while len(offered) < len(self.labels):
                offered[draw.choice(every)] = None
            order = draw.sample(list(offered), len(offered))
            inputs = {"text": sentence, "numbers": numbers, "candidates": order}
            yield Example(str(i), inputs, self.labels[order.index(tag)], company)

    def request(self, example: Example) -> Request:
        """The instruction, then the sentence, the number and the candidates, a line each."""
        told = example.inputs
        options = "\n".join(
            f"{letter}. {in_words(tag)}" for letter, tag in zip(self.labels, told["candidates"], strict=True)
        )
        asked = f"Sentence: {told['text']}\nNumber: {' and '.join(told['numbers'])}\n{options}"
        return Request(example.id, (Text(self.instruction, "system"), Text(asked)), Choose(self.labels))  # fmt: skip

    def answer(self, prediction: Prediction) -> Json:
        """The likeliest letter, or the one that a reply chooses (`bench.text.choices_said`)."""
        if prediction.label_scores is not None:
            return super().answer(prediction)
        letters = choices_said(prediction.text or "")
        nothing = Unparsed({"label": "", "confidence": None})
        return {"label": letters, "confidence": None} if len(letters) == 1 else nothing

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the sentence, and whether the tag is for one number or more."""
        several = "several" if len(example.inputs["numbers"]) > 1 else "one"
        return {"length": words(example.inputs["text"]), "numbers": several}

    def official_of(self, path: Path, examples: Sequence[Example]) -> Mapping[str, Json]:
        """Nothing: no script knows these candidates."""
        return {}

    def ideal(self, example: Example) -> Prediction:
        """Certainty of the right letter."""
        return Prediction(example.id, label_scores={x: float(x == example.target) for x in self.labels})


def in_words(tag: str) -> str:
    """A tag's name as words, without the taxonomy it is of.

    >>> in_words("us-gaap:InterestPaidNet"), in_words("us-gaap:IPOCosts2019Net")
    ('Interest Paid Net', 'IPO Costs2019 Net')
    """
    return _CAMEL.sub(" ", tag.rpartition(":")[2])


def _tagged(row: Mapping[str, str], where: str) -> Iterator[tuple[list[str], str, str, str]]:
    """(numbers, their tag, sentence, company) of each tag in a row."""
    try:
        found = ast.literal_eval(row["numerals-tags"])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found or not all(isinstance(x, list) and x for x in found.values()):
        said = row["numerals-tags"][:60]
        raise BenchError(f"{where}: numerals-tags is {said!r}, expected {{'tag': ['1.0']}}; bring the file again")
    for tag, numbers in found.items():
        yield list(dict.fromkeys(map(str, numbers))), str(tag), row["sentence"].strip(), row["company"].strip() or where
