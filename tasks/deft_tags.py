"""DeftEval subtask 2: which words of a sentence are a term, which its definition?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.data import deft_format as deft
from bench.data.shapes import a_list, a_text, short
from bench.metrics.labelling import SLOTS, Item, set_metric
from bench.metrics.metric import AnyMetric
from bench.task import Malformed, Unparsed
from bench.types import Example, Json, Prediction, Request, Tag, Text
from tasks.deft import Deft, deft_card
from tasks.mentions import as_json, lines, number_of, says_none
from tasks.prompts import worked
from tasks.slices import SENTENCE, band
from tasks.tagging import phrases, tagged_pieces, token_places

_NAMES = {name.lower(): name for name in deft.EVALUATED}
_LINE = re.compile(
    r"^[\"'{]*(?P<begin>[BI]-)?(?P<name>(?:alias|referential)[ _-](?:term|definition)|term|definition|qualifier)s?\b"
    r"[\"']?\s*[:=–—|-]+\s*(?P<phrase>\S.*)$",
    re.IGNORECASE,
)
_NONE = re.compile(r"^\W*(?:none|n/?a|null|no(?:ne)? (?:term|definition|alias|qualifier)s?)?\W*$", re.IGNORECASE)
_SYSTEM = (
    "Find the term and its definition in the sentence of a textbook. Write a line for each, LABEL: words copied from the "
    "sentence. The labels are Term, Definition, Alias-Term (another name of the term), Referential-Term and "
    "Referential-Definition (words such as 'this process' that stand for a term or definition of another sentence) and "
    "Qualifier (a condition under which the definition holds). If nothing is defined, write: none"
)
_LONGEST = 5_000  # characters of a phrase
_SHOTS = (
    (
        "A levee , also called a dike , is a wall of earth that keeps a river within its bed .",
        "Term: A levee\nAlias-Term: a dike\nDefinition: a wall of earth that keeps a river within its bed",
    ),
    ("The two towns lie forty kilometers apart .", "none"),
)


def _wanted(target: Mapping[str, Any]) -> list[Item]:
    return list(enumerate(target["tags"]))


def _found(target: Mapping[str, Any], answer: Sequence[Any]) -> list[Item]:
    """(place of the token, tag): from a list of tags, or from phrases [label, words, number of the place]."""
    told = all(isinstance(one, str) for one in answer)
    if told and answer and len(answer) != len(target["tokens"]):
        raise ValueError(f"found {len(answer)} tags, expected {len(target['tokens'])}, one for each token")
    return list(enumerate(answer if told else tagged(target["tokens"], answer)))


def tagged(tokens: Sequence[str], phrases: Sequence[Sequence[Any]]) -> list[str]:
    """The tag of each token; phrases [label, words, number] in turn take the first free place, or that of the number.

    White space does not count, and capitals only where that leaves no place. A label that begins with I- continues a
    phrase of the sentence before.
    """
    tags = ["O"] * len(tokens)
    for label, words, number in phrases:
        name, continued = label.removeprefix("I-"), label.startswith("I-")
        found = token_places(tokens, words)
        chosen = found[number - 1 : number] if number else found
        for first, after in chosen:
            if set(tags[first:after]) == {"O"}:
                tags[first:after] = [f"I-{name}"] * (after - first)
                tags[first] = tags[first] if continued else f"B-{name}"
                break
    return tags


class DeftTags(Deft):
    """Sentences of textbooks, each word tagged as part of a term, a definition or what refers to them."""

    name, version, output, subtask = "deft_tags", 1, Tag, 2
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        set_metric("macro_f1", deft.TAGS, _wanted, _found, macro=True, signature="12 tags, as evaluation_sub2.py"),
        set_metric("micro_f1", deft.TAGS, _wanted, _found, signature="12 tags"),
    )
    card = deft_card("DeftEval 2: terms and definitions, word by word", 1_189, 2, (0.0, 0.01), 0.8471)

    def of_file(self, path: Path) -> Iterator[tuple[dict[str, Json], Json]]:
        """A sentence is an example; the target holds its tokens too, in which phrases are looked up."""
        return self._sentences(path, full=False)

    def of_dev_file(self, path: Path) -> Iterator[tuple[dict[str, Json], Json]]:
        """As in a test file."""
        return self._sentences(path, full=True)

    def _sentences(self, path: Path, *, full: bool) -> Iterator[tuple[dict[str, Json], Json]]:
        for passage in deft.passages(path, full=full):
            for sentence in passage:
                tokens = [token.text for token in sentence]
                yield {"tokens": tokens}, {"tokens": tokens, "tags": [token.tag for token in sentence]}

    def request(self, example: Example) -> Request:
        """Two worked examples, then the tokens with spaces between them."""
        *others, last = example.inputs["tokens"]
        pieces = (*(f"{token} " for token in others), last)
        output = Tag(160, stop=("Sentence:",), pieces=pieces, labels=deft.EVALUATED)
        parts = (Text(_SYSTEM, "system"), *worked("Sentence: ", _SHOTS), Text(f"Sentence: {''.join(pieces)}"))
        return Request(example.id, parts, output)

    def answer(self, prediction: Prediction) -> Json:
        """The phrases [label, words, number of the place or 0 for the first free one] of the lines, of JSON or a tagger."""
        text = prediction.text or ""
        if of_tagger := tagged_pieces(as_json(text)):
            pieces, tags = of_tagger
            return _told(["".join(piece.split()) for piece in pieces], tags)
        said = [f"{label}: {words}" for label, words in _of_json(as_json(text))] or list(lines(text))
        found, none = [], says_none(text)
        for match in filter(None, map(_LINE.match, said)):
            words, number = number_of(match["phrase"])
            name = _NAMES.get(re.sub(r"[ _]", "-", match["name"].lower()))
            if name is not None and not _NONE.match(words):
                found.append([("I-" if (match["begin"] or "").upper() == "I-" else "") + name, words, number])
            none = none or name is not None
        return found if found or none else Unparsed([])

    def checked(self, example: Example, answer: Json) -> Json:
        """A tag for each token, or phrases [label, words, number], as the parser gives them."""
        if answer == [] or not isinstance(answer, list) or all(isinstance(one, str) for one in answer):
            return self.of_json(answer, example) if answer != [] else []
        return short(a_list(answer, _phrase, SLOTS))

    def ideal(self, example: Example) -> Prediction:
        """A line for each phrase, with the number of its place where an earlier one is free."""
        tokens = example.target["tokens"]
        told = _told(tokens, example.target["tags"])
        short = [[label, words, 0] for label, words, _ in told]
        if tagged(tokens, short) == tagged(tokens, told):
            told = short
        text = "\n".join(f"{label}: {words}" + (f" #{number}" if number else "") for label, words, number in told)
        return Prediction(example.id, text=text or "none")

    def slices(self, example: Example) -> Mapping[str, str]:
        """The subject, the length of the sentence, and whether a term and a definition are in it."""
        found = {**super().slices(example), "length": band(len(example.inputs["tokens"]), SENTENCE, "token")}
        if example.target is not None:
            begun = {tag[2:] for tag in example.target["tags"]}
            found["holds"] = " and ".join(name.lower() for name in ("Term", "Definition") if name in begun) or "neither"
        return found

    def of_submitted_file(self, path: Path, golds: Sequence[Example]) -> Iterator[Json]:
        """The tag column; all sentences of the file must be there, token for token."""
        for tokens in deft.same_tokens(path, [gold.inputs["tokens"] for gold in golds], full=False):
            wrong = next((token for token in tokens if not deft.KNOWN_TAG.fullmatch(token.tag)), None)
            if wrong is None:
                yield [token.tag for token in tokens]
            else:
                yield Malformed(f"line {wrong.line}: found the tag {wrong.tag!r}, expected O or a tag such as B-Term")

    def of_json(self, answer: Json, example: Example) -> Json:
        """A list of tags, one for each token."""
        n = len(example.inputs["tokens"])
        if not isinstance(answer, list) or len(answer) != n:
            return Malformed(f"found {str(answer)[:60]!r}, expected a list of {n} tags, one for each token")
        wrong = next((tag for tag in answer if not isinstance(tag, str) or not deft.KNOWN_TAG.fullmatch(tag)), None)
        return answer if wrong is None else Malformed(f"found the tag {wrong!r}, expected O or a tag such as B-Term")

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The line of scores.txt."""
        return {"subtask_2_f1-score_macro": values["macro_f1"]}


def _phrase(found: Json) -> list[Json]:
    parts = a_list(found, lambda part: part, 3)
    if len(parts) != 3 or not isinstance(parts[0], str) or parts[0].removeprefix("I-") not in deft.EVALUATED:
        raise ValueError(f"found {str(found)[:60]!r}, expected [label, words, number of the place]")
    if type(parts[2]) is not int or parts[2] < 0:
        raise ValueError(f"found the number {str(parts[2])[:20]!r}, expected a whole number from 0")
    return [parts[0], a_text(parts[1], _LONGEST), parts[2]]


def _told(tokens: Sequence[str], tags: Sequence[str]) -> list[list[Any]]:
    """The evaluated phrases [label, words, number of the place] of tagged tokens, none of which is blank."""
    told: list[list[Any]] = []
    for first, after, tag in phrases(tags):
        if (name := tag[2:]) in deft.EVALUATED:
            words = " ".join(tokens[first:after])
            number = token_places(tokens, words).index((first, after)) + 1
            told.append([tag if tag.startswith("I-") else name, words, number])
    return told


def _of_json(found: Json) -> Iterator[tuple[str, str]]:
    """(label, words) of {label: words or list of words}, or of a list of such objects."""
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            for label, words in one.items():
                yield from ((label, word) for word in (words if isinstance(words, list) else [words]) if word)
