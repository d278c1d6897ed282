"""FinEntity: the financial entities that a piece of news names, each with the sentiment of what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

from bench.data.shapes import a_list, a_text, short
from bench.data.submissions import pairs
from bench.metrics.labelling import Item, label_accuracy, set_metric
from bench.metrics.metric import AnyMetric
from bench.task import Card, DataTask, Malformed, Unparsed
from bench.types import Example, Json, Prediction, Request, Tag, Text
from tasks.finentity_file import SENTIMENTS, read, spans
from tasks.mentions import apart, as_json, lines, number_of, says_none, unquoted
from tasks.prompts import worked
from tasks.slices import band, words
from tasks.tagging import phrases, tagged_pieces

_LABEL = re.compile(r"(?:positive|negative|neutral)\b", re.IGNORECASE)
_BETWEEN = ":([|=>–—-"  # signs between a phrase and its label
_MOST, _LONGEST = 200, 1_000  # mentions in one answer, and characters of a phrase
_PIECE = re.compile(r"\s*(?:\w+|[^\w\s])\s*")  # a word or a sign with the white space around it
_SYSTEM = (
    "List each company, index, commodity or other financial entity that the news names, one a line, copied word for "
    "word, with the sentiment of what is said of it, as in: Acme Corp: Positive. The sentiment is Positive, Negative or "
    "Neutral. Where the sentiment differs from place to place, number the places: Acme Corp #1: Positive."
)
_SHOTS = (
    (
        "Shares of Norvex Mining slid 4% after it cut its forecast, while rival Talus Gold gained 2%.",
        "Norvex Mining: Negative\nTalus Gold: Positive",
    ),
    ("Bravia Bank will report its results on Tuesday.", "Bravia Bank: Neutral"),
)


def _accepted(target: Mapping[str, Any]) -> dict[tuple[int, int], list[str]]:
    """The sentiments that annotators gave each span: one of them but for a span on which they differ."""
    found: dict[tuple[int, int], list[str]] = {}
    for start, end, label in target["entities"]:
        found.setdefault((start, end), []).append(label)
    return found


def _wanted(target: Mapping[str, Any]) -> list[Item]:
    return [tuple(entity) for entity in target["entities"]]


def _found(target: Mapping[str, Any], answer: Sequence[Sequence[Any]]) -> set[Item]:
    """Spans [start, end, label] as they are; mentions [phrase, number, label] at their places in the text.

    A place has one sentiment: that of a mention with its number, else the first. Where the offsets of a gold span do not fit
    the text, a mention at the place of its words is that span. Where annotators differ on a span, each of them is right.
    """
    said: dict[tuple[int, int], str] = {(a, b): label for a, b, label in answer if not isinstance(a, str)}
    mentions = [(phrase, number, label) for phrase, number, label in answer if isinstance(phrase, str)]
    gold = {(start, end): (a, b) for start, end, a, b in target["moved"]}
    where = apart((phrase for phrase, _, _ in mentions), target["text"])
    for phrase, number, label in sorted(mentions, key=lambda mention: not mention[1]):
        for place in where[phrase][number - 1 : number] if number else where[phrase]:
            said.setdefault(gold.get(place, place), label)
    accepted = _accepted(target)
    right = {span: labels for span, labels in accepted.items() if said.get(span) in labels}
    return {(*span, one) for span, label in said.items() for one in right.get(span, [label])}


def _bare(items: Iterable[Item]) -> set[Item]:
    return {(start, end, "entity") for start, end, _ in items}


class FinEntity(DataTask):
    """Financial news with entities to find and to judge: positive, negative or neutral."""

    name, version, output = "finentity", 1, Tag
    normalises = False  # spans are places in the text as it stands
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        set_metric("f1", SENTIMENTS, _wanted, _found, signature="exact span and sentiment, micro"),
        set_metric(
            "span_f1",
            ("entity",),
            lambda target: _bare(_wanted(target)),
            lambda target, answer: _bare(_found(target, answer)),
            signature="exact span, micro",
        ),
        label_accuracy("sentiment_accuracy", _wanted, _found, signature="of the spans found"),
    )
    card = Card(
        title="FinEntity",
        source="hub:yixuantt/FinEntity",
        revision="pinned in bench.lock at the first fetch",
        licence="ODC-BY 1.0",
        split="all 979 texts (the authors publish no split; theirs was random)",
        n_examples=979,
        language="en",
        chance=(0.0, 0.01),
        scenario="market",
        cluster="text",
        citation="Tang et al. 2023, FinEntity: Entity-level Sentiment Classification for Financial Texts (EMNLP)",
    )

    def examples(self) -> Sequence[Example]:
        """The texts in the order of the file, called by their place in it from 0."""
        return self.data.read(read)

    def request(self, example: Example) -> Request:
        """Two worked examples, then the text."""
        text = example.inputs["text"]
        output = Tag(160, stop=("News:",), pieces=tuple(_PIECE.findall(text)), labels=SENTIMENTS)
        return Request(example.id, (Text(_SYSTEM, "system"), *worked("News: ", _SHOTS), Text(f"News: {text}")), output)

    def answer(self, prediction: Prediction) -> Json:
        """The mentions [phrase, number of its place or 0 for all, sentiment] of the lines, of JSON or a tagger."""
        text = prediction.text or ""
        if of_tagger := tagged_pieces(as_json(text)):
            return _mentions(*of_tagger)
        said = list(_of_json(as_json(text))) or [found for line in lines(text) if (found := _parted(line))]
        kept: dict[tuple[str, int], str] = {}  # of two sentiments for the same places the first counts
        for phrase, label in said:
            bare, number = number_of(unquoted(phrase))
            if unquoted(bare):
                kept.setdefault((unquoted(bare), number), label.capitalize())
        if not kept and not says_none(text):
            return Unparsed([])
        return [[phrase, number, label] for (phrase, number), label in kept.items()][:_MOST]

    def checked(self, example: Example, answer: Json) -> Json:
        """Spans as in a submission, or mentions as the parser gives them; one sentiment for each."""
        told = isinstance(answer, list) and all(
            isinstance(one, list) and one and isinstance(one[0], str) for one in answer
        )
        found = short(a_list(answer, _mention, _MOST)) if told else spans(a_list(answer, lambda one: one))
        said = {(first, second): [first, second, label] for first, second, label in found}
        if len(said) != len({tuple(one) for one in found}):
            raise ValueError("found two sentiments for one span, expected one")
        return list(said.values())

    def ideal(self, example: Example) -> Prediction:
        """A line for each entity and sentiment, with numbers where only some of its places have it."""
        text = example.target["text"]
        true = {(*gold,): (start, end) for start, end, *gold in example.target["moved"]}
        said: dict[tuple[str, str], set[tuple[int, int]]] = {}
        for (start, end), (label, *_) in _accepted(example.target).items():
            place = true.get((start, end), (start, end))
            said.setdefault((text[slice(*place)], label), set()).add(place)
        where = apart((phrase for phrase, _ in said), text)
        told = []
        for (phrase, label), chosen in said.items():
            some = chosen != set(where[phrase])
            found = where[phrase]  # without a place inside a longer phrase's, which nobody can tell from that
            numbers = [f" #{found.index(place) + 1}" for place in sorted(chosen) if place in found] if some else [""]
            told += [f"{phrase}{number}: {label}" for number in numbers]
        return Prediction(example.id, text="\n".join(told))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the text, how many entities it names, and their sentiment."""
        found = {"length": words(example.inputs["text"], (20, 40))}
        if example.target is not None:
            sentiments = {label.lower() for _, _, label in example.target["entities"]}
            found["entities"] = band(len(example.target["entities"]), (1, 2, 4), "mention")
            found["sentiment"] = "none" if not sentiments else sentiments.pop() if len(sentiments) == 1 else "mixed"
        return found

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """An object {id: [[start, end, label], …]}, or with objects of start, end and label as in the data."""
        for key, found in pairs(path):
            try:
                yield key, spans(found)
            except ValueError as error:
                yield key, Malformed(str(error))


def _parted(line: str) -> tuple[str, str] | None:
    """Phrase and label of a line such as "Acme Corp: Positive" or "Acme Corp is positive"; None where it is none.

    >>> _parted("Acme - Corp : **Positive** today"), _parted("Acme is neutral."), _parted("positive news")
    (('Acme - Corp', 'Positive'), ('Acme', 'neutral'), None)
    """
    for label in _LABEL.finditer(line):
        before = line[: label.start()]
        bare = before.rstrip(" \t\"'*")
        if bare and bare[-1] in _BETWEEN:
            phrase = bare.rstrip(_BETWEEN).rstrip()
        else:
            words = before.rstrip()
            named = words != before and re.search(r"\S\s+is$", words[-40:])
            phrase = words[:-2].rstrip() if named else ""
        if phrase:
            return phrase, label[0]
    return None


def _mention(found: Json) -> list[Json]:
    parts = a_list(found, lambda part: part, 3)
    if len(parts) != 3 or type(parts[1]) is not int or parts[1] < 0 or parts[2] not in SENTIMENTS:
        raise ValueError(f"found {str(found)[:60]!r}, expected [phrase, number of its place or 0, sentiment]")
    return [a_text(parts[0], _LONGEST), parts[1], parts[2]]


def _mentions(pieces: Sequence[str], tags: Sequence[str]) -> list[list[Any]]:
    """The mentions [phrase, number of its place, sentiment] of tagged pieces.

    A phrase inside a place of a longer tagged one, such as the Apple of another "Apple Bank", has no number and is left out.
    """
    text, ends = "".join(pieces), list(accumulate(map(len, pieces), initial=0))
    placed = []
    for first, after, tag in phrases(tags):
        raw = text[ends[first] : ends[after]]
        start = ends[first] + len(raw) - len(raw.lstrip())
        if (label := tag[2:].capitalize()) in SENTIMENTS:
            placed.append((start, start + len(raw.strip()), label))
    where = apart((text[start:end] for start, end, _ in placed), text)
    return [
        [text[start:end], where[text[start:end]].index((start, end)) + 1, label]
        for start, end, label in placed
        if (start, end) in where[text[start:end]]
    ]


def _of_json(found: Json) -> Iterator[tuple[str, str]]:
    """(phrase, sentiment) of {phrase: sentiment}, or of objects that name the sentiment under a key of that kind."""
    for one in found if isinstance(found, list) else [found]:
        if not isinstance(one, dict):
            continue
        texts = {key: value for key, value in one.items() if isinstance(value, str)}
        named = next((key for key in texts if key.lower() in ("sentiment", "label", "tag")), None)
        if named is not None:
            label = texts.pop(named)
            texts = dict.fromkeys(list(texts.values())[:1], label)
        yield from ((phrase, label) for phrase, label in texts.items() if label.capitalize() in SENTIMENTS)
