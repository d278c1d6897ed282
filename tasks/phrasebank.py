"""Financial PhraseBank: what a sentence of financial news means for an investor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, read_text
from bench.errors import BenchError
from bench.metrics.classification import single_label
from bench.metrics.metric import AnyMetric
from bench.task import Card
from bench.text.rows import rows
from bench.types import Example
from tasks.labels import LabelTask, mixed

LABELS = ("negative", "neutral", "positive")


class PhraseBank(LabelTask):
    """Sentiment of sentences that at least half of the annotators agreed on."""

    name, version, labels = "phrasebank", 1, LABELS
    metrics: ClassVar[tuple[AnyMetric, ...]] = single_label(LABELS)
    instruction = "Say what the sentence from financial news means for an investor."
    card = Card(
        title="Financial PhraseBank, 50 % agreement",
        source="hub:takala/financial_phrasebank",
        revision="pinned in bench.lock at the first fetch",
        licence="CC BY-NC-SA 3.0",
        split="all sentences of Sentences_50Agree.txt (it has no official split; ids are row numbers from 0)",
        n_examples=4_846,
        language="en",
        chance=(0.31, 0.36),
        gives_away={"majority": 0.594},
        scenario="market",
        cluster="sentence",
        citation="Malo et al. 2014, Good Debt or Bad Debt: Detecting Semantic Orientations in Economic Texts (JASIST 65)",
    )

    def examples(self) -> Sequence[Example]:
        """The sentences in a fixed mixed order; a sentence that comes twice is one cluster."""
        return self.data.read(lambda path: mixed(sentences(path)))


def sentences(path: Path) -> list[Example]:
    """The rows `text@label` of a file in Latin-1, or in UTF-8 as some copies are; `text@` where the labels are held out."""
    try:
        text = read_text(path)  # Latin-1 text with an accent in it is hardly ever UTF-8
    except BenchError:
        text = read_text(path, "latin-1")
    found: list[Example] = []
    first: dict[str, str] = {}
    for number, line in enumerate(rows(text), start=1):
        if not line.strip():
            continue
        sentence, at, label = (part.strip() for part in line.rpartition("@"))
        if not at or not sentence:
            raise BenchError(f"{path} line {number}: found {line[:60]!r}, expected text@label; bring the official file")
        if label and label not in LABELS:
            raise BenchError(
                f"{path} line {number}: label {label!r} is not one of {', '.join(LABELS)}; correct the file"
            )
        name = str(len(found))
        found.append(Example(name, {"text": sentence}, label or None, first.setdefault(sentence, name)))
    return all_or_none(found, str(path))
