"""DeftEval subtask 1: does a sentence hold a definition?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar

from bench.data import deft_format as deft
from bench.errors import BenchError
from bench.metrics.labelling import f1, positive_class, precision, recall
from bench.metrics.metric import AnyMetric
from bench.task import Malformed, Unparsed
from bench.text.reply import labels_said
from bench.types import Choose, Example, Json, Prediction, Request, Text
from tasks import slices
from tasks.deft import Deft, deft_card, words

LABELS = ("no definition", "definition")
_SIGNATURE = "class 1, as evaluation_sub1.py"
_WORDS = {"yes": "1", "no": "0", "true": "1", "false": "0", "1": "1", "0": "0"} | {
    label: str(i) for i, label in enumerate(LABELS)
}
_ALIKE = {word: LABELS[int(sign)] for word, sign in _WORDS.items() if word not in LABELS}
_YES_OR_NO = re.compile(r"^(\W*(?:yes|no)\W*?),(?=\s+\w)", re.IGNORECASE)  # "Yes, it defines …" gives its reason
_SYSTEM = (
    "Each sentence is from a textbook. Say whether it holds a definition of a term, that is, whether it says what the "
    "term means. Answer: definition, or: no definition"
)


class DeftSentence(Deft):
    """Sentences of textbooks, with or without a definition."""

    name, version, output, subtask = "deft_sentence", 1, Choose, 1
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        positive_class("f1", f1, signature=_SIGNATURE),
        positive_class("precision", precision, signature=_SIGNATURE),
        positive_class("recall", recall, signature=_SIGNATURE),
    )
    card = deft_card("DeftEval 1: sentences with a definition", 859, 1, (0.33, 0.45), 0.8783, {"high": 0.490})

    def of_file(self, path: Path) -> Iterator[tuple[dict[str, Json], Json]]:
        """A row is an example; the target is its label."""
        for line, sentence, label in deft.sentence_rows(path):
            if label not in ("0", "1"):
                raise BenchError(f"{path} line {line}: the label {label!r} is not '0' or '1'; bring the file again")
            yield {"sentence": sentence}, label

    def of_dev_file(self, path: Path) -> Iterator[tuple[dict[str, Json], Json]]:
        """A sentence defines something if one of its tokens has a tag of Definition."""
        for passage in deft.passages(path, full=True):
            for sentence in deft.merged(passage):
                yield {"sentence": " ".join(token.text for token in sentence)}, str(int(deft.defines(sentence)))

    def request(self, example: Example) -> Request:
        """The question, then the sentence to judge."""
        return Request(example.id, (Text(_SYSTEM, "system"), Text(example.inputs["sentence"])), Choose(LABELS))

    def answer(self, prediction: Prediction) -> Json:
        """ "1" for the label that says so, else "0"; of a text, the label or yes or no that it gives ("Yes, it defines …")."""
        scores = prediction.label_scores
        if scores is not None:
            return str(LABELS.index(max(LABELS, key=lambda label: scores.get(label, float("-inf")))))
        said = labels_said(_YES_OR_NO.sub(r"\1: ", prediction.text or "", count=1), tuple(_WORDS), alike=_ALIKE)
        return _WORDS[said[0]] if said else Unparsed("0")

    def ideal(self, example: Example) -> Prediction:
        """All on the right label."""
        return Prediction(
            example.id, label_scores={label: float(i == int(example.target)) for i, label in enumerate(LABELS)}
        )

    def slices(self, example: Example) -> Mapping[str, str]:
        """The subject, the length of the sentence and whether it holds a definition."""
        found = {**super().slices(example), "length": slices.words(example.inputs["sentence"])}
        return found if example.target is None else found | {"definition": "yes" if example.target == "1" else "no"}

    def of_submitted_file(self, path: Path, golds: Sequence[Example]) -> Iterator[Json]:
        """The last column of each row, whose sentence must be the gold one."""
        for row, gold in zip_longest(deft.sentence_rows(path), golds):
            if row is None:
                raise BenchError(f"{path}: the row of {gold.id} is missing; a file has a row for each gold sentence")
            line, sentence, label = row
            if gold is None:
                raise BenchError(f"{path} line {line}: more rows than the {len(golds)} gold sentences; take them out")
            if words(sentence) != words(gold.inputs["sentence"]):
                raise BenchError(
                    f"{path} line {line}: found the sentence {sentence[:60]!r}, expected "
                    f"{gold.inputs['sentence'][:60]!r}; keep the official rows"
                )
            yield label if label in ("0", "1") else Malformed(f"line {line}: found {label!r}, expected '0' or '1'")

    def of_json(self, answer: Json, example: Example) -> Json:
        """Booleans, 0 and 1, "0" and "1"."""
        label = str(int(answer)) if isinstance(answer, bool | int) else answer
        return label if label in ("0", "1") else Malformed(f"found {answer!r}, expected '0' or '1'")

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The line of scores.txt."""
        return {"subtask_1_f1-score": values["f1"]}
