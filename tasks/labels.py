"""What the classification tasks share: a request to choose, how a label is read, and submissions of labels."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from bench.data.shapes import a_list, an_object
from bench.data.submissions import kind, number, pairs, table
from bench.metrics.published import READINGS, label_figures
from bench.task import DataTask, Malformed, Unparsed
from bench.text.apart import label_form
from bench.text.normal import normalised
from bench.text.reply import labels_said
from bench.types import Choose, Example, Json, Prediction, Request, Text
from tasks.label_files import TABLES, Brought, replies
from tasks.slices import words

FEW = 12  # labels that a table of slices has room for
_LONGEST = 200  # characters of a label
SURE = 0.5  # where several labels may be right: the probability from which one is given


class LabelTask(DataTask):
    """Texts with a label each out of the fixed list `labels`, or with `several`."""

    output = Choose
    labels: ClassVar[tuple[str, ...]]
    several: ClassVar[bool] = False
    codes: ClassVar[Mapping[str, str]] = MappingProxyType({})  # what stands for a label in the files of the data
    instruction: ClassVar[str]
    paper_reads: ClassVar[str] = (
        ""  # how published outputs are read for their own figures, of `bench.metrics.published.READINGS`
    )

    def request(self, example: Example) -> Request:
        """The instruction with all the labels, then what is to be judged."""
        names = tuple(readable(label) for label in self.labels)
        system = Text(f"{self.instruction} {'Any' if self.several else 'One'} of: {', '.join(names)}.", "system")
        return Request(example.id, (system, Text(example.inputs["text"])), Choose(names, self.several))

    def answer(self, prediction: Prediction) -> Json:
        """The best label with its probability, if it has one; of several those from `SURE` on, else the best.

        Of a text, the label that it gives (see `bench.text.reply`); one that gives none, or more than one, is no label's.
        """
        if not prediction.label_scores:
            found = labels_said(prediction.text or "", self.labels, several=self.several)
            answer = {"labels": found} if self.several else {"label": found[0] if found else "", "confidence": None}
            return answer if found or prediction.label_scores is not None else Unparsed(answer)
        asked = _as_asked(self.labels)  # what nearly every name is, at no cost
        given = {
            asked.get(name) or label_called(name, self.labels): score for name, score in prediction.label_scores.items()
        }
        scores = {label: given[label] for label in self.labels if label in given}
        best = max(scores, key=scores.__getitem__, default="")
        probable = all(0.0 <= score <= 1.0 for score in scores.values())
        if self.several:
            return {"labels": [x for x in scores if probable and scores[x] >= SURE] or [best]}
        sums_to_one = probable and abs(sum(scores.values()) - 1.0) <= 1e-3
        return {"label": best, "confidence": scores[best] if sums_to_one else None}

    def checked(self, example: Example, answer: Json) -> Json:
        """{"label", "confidence"} or {"labels"}, or as in a submission a label or a list; "" where the parser found none."""
        if self.several:
            labels = an_object(answer, ("labels",))["labels"] if isinstance(answer, dict) else answer
            return self._submitted([x for x in a_list(labels, str) if x] if _are_texts(labels) else labels, None)
        found = an_object(answer, ("label",), ("confidence",)) if isinstance(answer, dict) else {"label": answer}
        confidence = found.get("confidence")
        if isinstance(confidence, bool):
            raise ValueError(f"confidence: found {kind(confidence)}, expected a number from 0 to 1")
        if found["label"] != "":
            return self._submitted(found["label"], confidence)
        return {"label": "", "confidence": None if confidence is None else number(confidence, 0.0, 1.0)}

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """Nothing where `official_of` tells it."""
        return {} if self.paper_reads else values

    def official_of(self, path: Path, examples: Sequence[Example]) -> Mapping[str, Json]:
        """The papers' figures, of raw outputs by the papers' own reading of them."""
        if not self.paper_reads:
            return {}
        read, given = READINGS[self.paper_reads], {}
        for key, answer in self.submitted(path, examples):
            text = answer.text if isinstance(answer, Prediction) else None
            label = answer.get("label", "") if isinstance(answer, dict) else ""
            given[key] = label if text is None else read(text, self.labels)
        targets = [self.label_of(one) for one in examples]
        return label_figures(targets, [given.get(one.id, "") for one in examples], self.labels)

    def label_of(self, example: Example) -> str:
        """The label of an example whose target is here."""
        return str(example.target)

    def ideal(self, example: Example) -> Prediction:
        """Certainty of the target."""
        targets = example.target if self.several else [self.label_of(example)]
        return Prediction(example.id, label_scores={readable(x): float(x in targets) for x in self.labels})

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the text, and the label where there are few."""
        found = {"length": words(example.inputs["text"])}
        if example.target is not None and len(self.labels) <= FEW:
            found["label"] = readable(self.label_of(example))
        return found

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """CSV or TSV `id,label` with an optional column `confidence`, or a JSON object {id: label}.

        Where several may be right, a list of labels, in CSV separated by commas or semicolons (and no confidence). In JSON
        {"label", "confidence"} may stand in place of a label. Where papers publish raw outputs, rows of replies
        (see `tasks.label_files`).
        """
        if self.paper_reads and (rows := replies(path)) is not None:
            yield from (
                replied(rows) if rows[0].is_reply else ((row.id, self._submitted(row.said, None)) for row in rows)
            )
            return
        if path.suffix.lower() in TABLES:
            for _, row in table(path, ("id", "label"), delimiter=TABLES[path.suffix.lower()]):
                label: Json = row["label"].strip()
                if self.several:
                    label = [x.strip() for x in re.split("[,;]", label) if x.strip()]
                yield row["id"].strip(), self._submitted(label, row.get("confidence", "").strip() or None)
            return
        for key, value in pairs(path):
            if isinstance(value, dict) and "label" in value and not self.several:
                yield key, self._submitted(value["label"], value.get("confidence"))
            else:
                yield key, self._submitted(value, None)

    def _decoded(self, given: Json) -> Json:
        """The label that a value of the data's own files stands for; any other value as it is."""
        if isinstance(given, str) and label_called(given, self.labels) is not None:
            return given
        return {code(one): label for one, label in self.codes.items()}.get(code(given), given)

    def _submitted(self, value: Json, confidence: Json) -> Json:
        """The final answer, Malformed where a label is not in the list or the confidence is no probability."""
        if self.several != isinstance(value, list):
            return Malformed(f"found {kind(value)}, expected {'a list of labels' if self.several else 'a label'}")
        found = []
        for given in value if self.several else [value]:
            name = self._decoded(given)
            if not isinstance(name, str):
                return Malformed(f"found {kind(name)}, expected a label")
            if len(name) > _LONGEST:
                return Malformed(f"found a text of {len(name):,} characters, which is no label")
            if (label := label_called(name, self.labels)) is None:
                return Malformed(_unknown(name, self.labels))
            found.append(label)
        if self.several:
            return {"labels": [label for label in self.labels if label in found]}
        try:
            sure = None if confidence is None else number(confidence, 0.0, 1.0)
        except ValueError as error:
            return Malformed(f"confidence: {error}")
        return {"label": found[0], "confidence": sure}


def code(value: Json) -> str:
    """A value of a file as it is compared: 1, "1" and 1.0, "Rise" and " rise " alike."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().casefold() if not isinstance(value, bool) else f"truth value {value}"


def replied(rows: Sequence[Brought]) -> Iterator[tuple[str, Json]]:
    """The replies that others published, each to be read as a model's own."""
    for row in rows:
        yield row.id, Malformed(row.fault) if row.said is None else Prediction(row.id, text=row.said)


def _are_texts(found: Json) -> bool:
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


def readable(label: str) -> str:
    """A label as words: what a model is asked to choose from.

    >>> readable("card_arrival")
    'card arrival'
    """
    return label.replace("_", " ")


@lru_cache(maxsize=4096)
def _normal(name: str) -> str:
    """Lower-cased words with single spaces: no underscore, punctuation or formatting."""
    return " ".join(re.findall(r"\w+", name.lower().replace("_", " ")))


@cache
def _by_name(labels: tuple[str, ...]) -> dict[str, str]:
    """The labels by their words alone, but for those that have none ("+") or the same as another ("C", "C++")."""
    every = Counter(map(_normal, labels))
    return {name: label for label in labels if every[name := _normal(label)] == 1 and name}


@cache
def _as_asked(labels: tuple[str, ...]) -> dict[str, str]:
    return {readable(label): label for label in labels}


@cache
def _by_form(labels: tuple[str, ...]) -> dict[str, str]:
    return {label_form(label): label for label in labels}


def label_called(name: str, labels: tuple[str, ...]) -> str | None:
    """The label that is called so, sign by sign or else by its words alone, as long as these are no other's; None for no label.

    >>> label_called("c++", ("C", "C++")), label_called("Card-arrival!", ("card_arrival", "+")), label_called("*", ("+", "-"))
    ('C++', 'card_arrival', None)
    """
    found = _by_form(labels).get(label_form(name))
    return _by_name(labels).get(_normal(normalised(name))) if found is None else found


def _unknown(name: str, labels: tuple[str, ...]) -> str:
    known = _by_name(labels)
    near = difflib.get_close_matches(_normal(name), known, 1, cutoff=0.4)
    if near:
        return f"found {name!r}, which is no label; the nearest allowed one is {known[near[0]]!r}"
    shown = ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
    return f"found {name!r}, which is no label; allowed are {shown}"


def mixed(examples: Sequence[Example]) -> list[Example]:
    """In a fixed order that has nothing to do with the labels: a file sorted by label would make `limit=` meaningless."""
    return sorted(examples, key=lambda example: hashlib.sha256(example.id.encode()).digest())
