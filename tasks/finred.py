"""FinRED: which relations between companies, people, products and places does a sentence of financial news tell?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.data.files import all_or_none, read_text
from bench.data.shapes import a_list, a_text, short
from bench.data.submissions import pairs
from bench.errors import BenchError
from bench.metrics.labelling import SLOTS, Item, precision, recall, set_metric
from bench.metrics.metric import AnyMetric
from bench.task import Card, DataTask, Unparsed
from bench.text.rows import rows
from bench.types import Example, Generate, Json, Prediction, Request, Text
from tasks.label_files import replies
from tasks.labels import replied
from tasks.mentions import as_json, lines, says_none, unquoted
from tasks.prompts import worked
from tasks.slices import band, words

RELATIONS = (
    "product/material produced", "manufacturer", "distributed by", "industry", "position held", "original broadcaster",
    "owned by", "founded by", "distribution format", "headquarters location", "stock exchange", "currency",
    "parent organization", "chief executive officer", "director/manager", "owner of", "operator", "member of", "employer",
    "chairperson", "platform", "subsidiary", "legal form", "publisher", "developer", "brand", "business division",
    "location of formation", "creator",
)  # fmt: skip
_OBTAIN = (
    "take the test file of FinRED (https://github.com/soummyaah/FinRED), lines of 'sentence | subject ; object ; relation | …', "
    "to finance/finred/test.txt of the data directory"
)
_LONGEST = 1_000  # characters of a subject or object
_SIGNS = (" ; ", ";", "|", "\t", "->", "→", ",")  # what may stand between the parts of a relation, the surest first
_SYSTEM = (
    "List the relations that a sentence of financial news tells, a line for each, SUBJECT ; OBJECT ; RELATION, with subject and "
    f"object copied from the sentence. The relations are: {', '.join(RELATIONS)}. As in: Acme ; Ann Lee ; founded by, where Ann "
    "Lee founded Acme. If there is none, write: none"
)
_SHOTS = (
    (
        "Mara Quill, chief executive of Tessel Bank, spoke in Port Sable, where the lender has its head office.",
        "Tessel Bank ; Mara Quill ; chief executive officer\nTessel Bank ; Port Sable ; headquarters location",
    ),
    ("Norvex Mining bought the Brisk brand of engines last year.", "Brisk ; Norvex Mining ; owned by"),
)


def _key(name: str) -> str:
    """A relation's name without capitals, signs and the word "or", which the files have in place of a stroke."""
    return "".join(word for word in re.findall(r"[a-z]+", name.lower()) if word != "or")


_KNOWN = {_key(name): name for name in RELATIONS} | {
    "parentorganisation": "parent organization", "ceo": "chief executive officer",
}  # fmt: skip


def relation_of(name: str) -> str:
    """The relation of a name in any case of letters, with blanks, strokes or underscores; "" for another.

    >>> relation_of("Product_or_material_produced"), relation_of("DIRECTOR_/_MANAGER"), relation_of("owns")
    ('product/material produced', 'director/manager', '')
    """
    return _KNOWN.get(_key(name), "")


def _form(phrase: str) -> str:
    """A subject or object as it is compared: without capitals and white space."""
    return "".join(phrase.split()).casefold()


def _items(triples: Iterable[Sequence[str]]) -> set[Item]:
    return {(_form(subject), _form(thing), relation) for subject, thing, relation in triples}


def _pairs_of(triples: Iterable[Sequence[str]]) -> set[Item]:
    return {(subject, thing, "pair") for subject, thing, _ in _items(triples)}


def _found(target: Any, answer: Sequence[Sequence[str]]) -> set[Item]:
    return _items(answer)


_EXACT = "subject, object and relation, in a sentence"


class FinRed(DataTask):
    """Sentences of financial news with the relations that they tell, out of 29."""

    name, version, output = "finred", 1, Generate
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        set_metric("f1", RELATIONS, _items, _found, signature=f"{_EXACT}, micro"),
        set_metric("precision", RELATIONS, _items, _found, ratio=precision, signature=f"{_EXACT}, micro"),
        set_metric("recall", RELATIONS, _items, _found, ratio=recall, signature=f"{_EXACT}, micro"),
        set_metric("macro_f1", RELATIONS, _items, _found, macro=True, signature=f"{_EXACT}, mean over 29 relations"),
        set_metric(
            "pair_f1",
            ("pair",),
            _pairs_of,
            lambda target, answer: _pairs_of(answer),
            signature="subject and object, in a sentence",
        ),
    )
    card = Card(
        title="FinRED, relations in financial news",
        source="https://github.com/soummyaah/FinRED",
        revision="the test file as FLaME has it (2024)",
        licence="not stated (PIXIU says: public); FLaME's copy is CC BY-NC 4.0",
        split="test file",
        n_examples=1_068,
        language="en",
        chance=(0.0, 0.01),
        scenario="reading",
        cluster="sentence",
        citation="Sharma et al. 2022, FinRED: A Dataset for Relation Extraction in Financial Domain (WWW Companion)",
        obtain=_OBTAIN,
    )

    def examples(self) -> Sequence[Example]:
        """The sentences in the order of the file, called by their place in it from 0."""
        return self.data.read(lambda path: all_or_none(_examples(path), str(path)))

    def request(self, example: Example) -> Request:
        """The relations, two worked examples, then the sentence."""
        parts = (Text(_SYSTEM, "system"), *worked("Sentence: ", _SHOTS), Text(f"Sentence: {example.inputs['text']}"))
        return Request(example.id, parts, Generate(128, stop=("Sentence:",)))

    def answer(self, prediction: Prediction) -> Json:
        """[subject, object, relation] of each line, or of JSON: the relation last or, failing that, between the two."""
        text = prediction.text or ""
        given = as_json(text)
        said = _of_json(given) if given is not None else (one for line in lines(text) for one in _of_line(line))
        found = dict.fromkeys(one for parts in said if (one := _triple(parts)))
        return [list(one) for one in found][:SLOTS] if found or says_none(text) else Unparsed([])

    def checked(self, example: Example, answer: Json) -> Json:
        """A list of [subject, object, relation], whose relation may be in any case of letters and with underscores."""
        return short(a_list(answer, _checked, SLOTS))

    def ideal(self, example: Example) -> Prediction:
        """A line for each relation."""
        return Prediction(example.id, text="\n".join(" ; ".join(one) for one in example.target) or "none")

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the sentence, and how many relations it tells."""
        found = {"length": words(example.inputs["text"])}
        return found if example.target is None else found | {"relations": band(len(example.target), (1, 2), "relation")}

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """An object {id: [[subject, object, relation], …]}, or lines of {"id", "output"} with whole replies."""
        rows = replies(path)
        yield from pairs(path) if rows is None else replied(rows)


def _examples(path: Path) -> Iterator[Example]:
    clusters: dict[str, str] = {}
    for number, line in enumerate(line for line in rows(read_text(path)) if line.strip()):
        parts = line.split(" | ")  # a sentence may hold the sign too
        triples: list[list[str]] = []
        while len(parts) > 1 and (one := _triple(parts[-1].split(" ; "))):
            triples.insert(0, list(one))
            parts.pop()
        text, key = " | ".join(parts).strip(), str(number)
        if not text or (len(parts) > 1 and len(parts[-1].split(" ; ")) == 3):
            said = parts[-1][-60:]
            raise BenchError(
                f"{path} line {number + 1}: {said!r} is no 'subject ; object ; relation'; bring the file again"
            )
        yield Example(key, {"text": text}, triples or None, clusters.setdefault(_form(text), key))


def _triple(parts: Sequence[Json]) -> tuple[str, str, str] | None:
    """(subject, object, relation) of three texts of which the last or, failing that, the middle one is a relation."""
    if len(parts) != 3 or not all(isinstance(part, str) for part in parts):
        return None
    first, second = (unquoted(part.strip(" (<[")) for part in parts[:2])
    last = unquoted(parts[2].strip(" ()<>[]"))
    in_order = bool(relation_of(last))
    found = (first, second, relation_of(last)) if in_order else (first, last, relation_of(second))
    return found if all(found) and max(map(len, found)) <= _LONGEST else None


def _of_line(line: str) -> Iterator[Sequence[str]]:
    """The parts of the relations of a line: of several, each between upright strokes."""
    whole = next((parts for sign in _SIGNS if _triple(parts := line.split(sign))), None)
    if whole:
        yield whole
        return
    for piece in line.split("|"):
        yield next((parts for sign in _SIGNS if _triple(parts := piece.split(sign))), ())


def _of_json(found: Json) -> Iterator[Sequence[Json]]:
    """Lists of three, or objects with a subject, an object and a relation."""
    listed = found if isinstance(found, list) else [found]
    for one in listed if not _triple(listed) else [listed]:
        if isinstance(one, list):
            yield one
        elif isinstance(one, dict):
            named = {str(key).lower(): value for key, value in one.items()}
            yield [next((named[key] for key in keys if key in named), None) for keys in _KEYS]


_KEYS = (("subject", "head", "subj"), ("object", "tail", "obj"), ("relation", "predicate", "type", "label"))


def _checked(found: Json) -> list[str]:
    parts = a_list(found, lambda part: a_text(part, _LONGEST), 3)
    if len(parts) != 3 or not (relation := relation_of(parts[2])) or not parts[0].strip() or not parts[1].strip():
        raise ValueError(f"found {str(found)[:60]!r}, expected [subject, object, relation]")
    return [parts[0], parts[1], relation]
