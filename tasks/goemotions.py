"""GoEmotions: which of 28 emotions (neutral is one) a comment expresses; several may be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none, beside, read_text
from bench.data.submissions import number, table
from bench.errors import BenchError
from bench.metrics.classification import ACCURACY, AVERAGES, averaged
from bench.metrics.metric import AnyMetric
from bench.task import Card, Malformed
from bench.text.rows import rows
from bench.types import Example, Json
from tasks.labels import LabelTask
from tasks.slices import band

LABELS = tuple(  # a label's number in the data is its place here
    """
    admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval disgust
    embarrassment excitement fear gratitude grief joy love nervousness optimism pride realization relief remorse sadness
    surprise neutral
    """.split()
)
SENTIMENTS = {  # as the authors group the emotions (sentiment_mapping.json)
    "positive": "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief".split(),
    "negative": "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse sadness".split(),
    "ambiguous": "confusion curiosity realization surprise".split(),
    "neutral": ["neutral"],
}
OFFICIAL_THRESHOLD = 0.3  # calculate_metrics.py gives a label that has more than this


class GoEmotions(LabelTask):
    """Emotions of Reddit comments, multi-label."""

    name, version, labels, several = "goemotions", 1, LABELS, True
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        averaged("f1", LABELS),
        *(averaged(score, LABELS) for score in ("precision", "recall")),
        *(averaged(score, LABELS, average) for average in AVERAGES[1:] for score in ("precision", "recall", "f1")),
        ACCURACY,
    )
    instruction = "Say which emotions the comment expresses."
    card = Card(
        title="GoEmotions",
        source="https://github.com/google-research/google-research (goemotions/data)",
        revision="pinned in bench.lock at the first fetch",
        licence="Apache-2.0",
        split="test (test.tsv; ids are comment ids)",
        n_examples=5_427,
        language="en",
        chance=(0.06, 0.08),
        gives_away={"all_labels": 0.075},
        scenario="operations",
        cluster="comment",
        citation="Demszky et al. 2020, GoEmotions: A Dataset of Fine-Grained Emotions (ACL)",
        references={"BERT (paper)": 0.46},
    )

    def examples(self) -> Sequence[Example]:
        """The comments of test.tsv in the order of the file."""
        return self.data.read(comments)

    def training(self) -> Sequence[Example]:
        """The comments of train.tsv, or of dev.tsv, whichever lies beside test.tsv."""
        test = self.data.here()
        path = beside(test, "train.tsv") or beside(test, "dev.tsv")
        return comments(path) if path else ()

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the comment, how many emotions are right, and their sentiment."""
        found = dict(super().slices(example))
        if example.target is not None:
            kinds = [kind for kind, labels in SENTIMENTS.items() if set(labels) & set(example.target)]
            found["labels"] = band(len(example.target), (1, 2), "label")
            found["sentiment"] = kinds[0] if len(kinds) == 1 else "mixed"
        return found

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """As the official script reads it, a TSV of probabilities with a column an emotion and a row a comment of
        test.tsv, in its order; or a list of labels by comment id, in CSV or JSON.
        """
        if path.suffix.lower() != ".tsv":
            yield from super().submitted(path, examples)
            return
        for row, (_, cells) in enumerate(table(path, LABELS, delimiter="\t", quoted=False)):
            yield examples[row].id if row < len(examples) else f"row {row}", _above_threshold(cells)


def _above_threshold(cells: dict[str, str]) -> Json:
    try:
        return {"labels": [x for x in LABELS if number(cells[x], 0.0, 1.0) > OFFICIAL_THRESHOLD]}
    except ValueError as error:
        return Malformed(str(error))


def comments(path: Path) -> list[Example]:
    """The rows of text, label numbers (none where they are held out) and comment id; a quotation mark means nothing."""
    found = []
    for n, line in enumerate(rows(read_text(path)), start=1):
        cells = line.split("\t")
        if cells == [""]:
            continue
        if len(cells) != 3 or not cells[0].strip() or not cells[2].strip():
            raise BenchError(f"{path} line {n}: found {line[:60]!r}, expected text, label numbers and id between tabs")
        numbers = cells[1].split(",") if cells[1] else []
        if wrong := [x for x in numbers if not (x.isascii() and x.isdigit() and len(x) < 9 and int(x) < len(LABELS))]:
            raise BenchError(
                f"{path} line {n}: label {wrong[0]!r} is not a number from 0 to {len(LABELS) - 1}; correct it"
            )
        target = [LABELS[i] for i in sorted(set(map(int, numbers)))] or None
        found.append(Example(cells[2].strip(), {"text": cells[0].strip()}, target, cells[2].strip()))
    return all_or_none(found, str(path))
