"""Phrases of a text with a label each, a data set a file of conf/task: entities, or a cause and its effect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none
from bench.data.shapes import a_list, a_text, short
from bench.data.submissions import pairs
from bench.errors import BenchError
from bench.metrics.labelling import SLOTS, precision, recall, set_metric
from bench.task import ConfiguredTask, Malformed, Unparsed
from bench.text.apart import not_apart
from bench.text.normal import normalised
from bench.types import Example, Json, Prediction, Request, Tag, Text
from tasks.label_files import replies
from tasks.labels import replied
from tasks.mentions import as_json, lines, number_of, says_none, unquoted
from tasks.prompts import worked
from tasks.slices import SENTENCE, band
from tasks.span_files import READERS, Sentence, aligned, is_tagged, tags_of, wrong_tags
from tasks.span_items import as_tagger, by_token, found_items, of_tags, placed, wanted_items
from tasks.tagging import tagged_pieces, token_places
from tasks.token_lines import as_published, published_figures

_LONGEST = 5_000  # characters of a phrase
_BETWEEN = ":([|=,–—-"  # what may stand between a phrase and its label


class SpanTask(ConfiguredTask):
    """Phrases to be found in sentences of tokens, each with one of a few labels; exact phrases rank.

    `about` says `instruction`, the `labels` {code in the file: the word that a model says}, the `reader` (of
    tasks/span_files.py) and `shots`, worked examples [text, reply]; `noun` is what the text is called ("Sentence"), `also` {another
    word for a label: its code}, `tags` those that a file numbers
    from 0, in their order, and `train` the file of training sentences, which lies beside; `training_is` what these are.
    """

    output = Tag
    about: ClassVar[tuple[str, ...]] = ("instruction", "labels", "reader", "shots")
    about_too: ClassVar[tuple[str, ...]] = ("noun", "also", "tags", "train", "training_is")
    told: ClassVar[Mapping[str, Json]]
    words: ClassVar[Mapping[str, str]]  # code -> word
    known: ClassVar[Mapping[str, str]]  # code or word, in small letters -> code
    begins: ClassVar[re.Pattern[str]]  # "Person: Ann Lee"
    ends: ClassVar[re.Pattern[str]]  # what stands behind the phrase in "Ann Lee (Person)"

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """Labels, how lines are read, and metrics."""
        where, labels = "task.about", about["labels"]
        if not isinstance(labels, Mapping) or not labels or not all(isinstance(x, str) and x for x in labels.values()):
            raise BenchError(f"{where}.labels: found {labels!r}, expected {{code in the file: word}}")
        _refuse_alike(labels, f"{where}.labels")
        if about["reader"] not in READERS:
            raise BenchError(f"{where}.reader: found {about['reader']!r}, expected one of {', '.join(READERS)}")
        if not isinstance(about["shots"], list) or not all(isinstance(x, list) and len(x) == 2 for x in about["shots"]):
            raise BenchError(f"{where}.shots: found {str(about['shots'])[:60]!r}, expected a list of [text, reply]")
        words = {str(code): word for code, word in labels.items()}
        codes, both = tuple(words), "exact phrase and label, micro"
        if not isinstance(about.get("tags", []), list) or not isinstance(about.get("also") or {}, Mapping):
            raise BenchError(f"{where}: tags must be a list, and also {{word: code}}")
        if wrong := set(map(str, about.get("tags") or ())) ^ set(tags_of(tuple(words)) if "tags" in about else ()):
            raise BenchError(
                f"{where}.tags: found {about['tags']!r}, expected each of {', '.join(tags_of(tuple(words)))}: {wrong}"
            )
        known = {word.lower(): code for code, word in words.items()} | {code.lower(): code for code in words}
        known |= {str(word).lower(): str(code) for word, code in (about.get("also") or {}).items()}
        label = rf"(?P<label>{'|'.join(sorted(map(re.escape, known), key=len, reverse=True))})"
        begins = rf"^[\"']?{label}s?[\"']?\s*[:=–—-]+\s*(?P<phrase>\S.*)$"
        ends = rf"[{re.escape(_BETWEEN)}][\s\"'*]*{label}s?[\s\"')\].]*$"
        return {
            "told": about,
            "words": words,
            "known": known,
            "begins": re.compile(begins, re.IGNORECASE),
            "ends": re.compile(ends, re.IGNORECASE),
            "training_is": str(about.get("training_is") or ""),
            "metrics": (
                set_metric("f1", codes, wanted_items, found_items, signature=both),
                set_metric("precision", codes, wanted_items, found_items, ratio=precision, signature=both),
                set_metric("recall", codes, wanted_items, found_items, ratio=recall, signature=both),
                set_metric("macro_f1", codes, wanted_items, found_items, macro=True, signature="exact phrase, mean over labels"),
                set_metric(
                    "token_f1",
                    tuple(words),
                    lambda target: by_token(wanted_items(target)),
                    lambda target, answer: by_token(found_items(target, answer)),
                    signature="labels of tokens without O, micro",
                ),
            ),
        }  # fmt: skip

    def examples(self) -> Sequence[Example]:
        """The sentences in the order of the file, called by their place in it from 0."""
        return self.data.read(lambda path: all_or_none(self._made(self._sentences(path), ""), str(path)))

    def training(self) -> Sequence[Example]:
        """The sentences of the training file, where it is here, but for those that are evaluated too."""
        place = self.data.here()
        path = place.with_name(str(self.told["train"])) if place is not None and self.told.get("train") else None
        if path is None or not path.is_file() or path == place:
            return ()
        evaluated = {tuple(one.inputs["tokens"]) for one in self.examples()}
        found = self._made(self._sentences(path), "train-")
        return [one for one in found if tuple(one.inputs["tokens"]) not in evaluated]

    def _sentences(self, path: Path) -> Iterator[Sentence]:
        return READERS[self.told["reader"]](path, self.told.get("tags") or tags_of(tuple(self.words)))

    def _made(self, sentences: Iterable[Sentence], before: str) -> list[Example]:
        found = []
        first: dict[tuple[str, ...], str] = {}
        for i, (tokens, tags, cluster) in enumerate(sentences):
            own = cluster or first.setdefault(tuple(tokens), f"{before}{i}")
            target = None if tags is None else {"tokens": tokens, "tags": tags}
            found.append(Example(f"{before}{i}", {"tokens": tokens}, target, own))
        return found

    def request(self, example: Example) -> Request:
        """The instruction with the labels, the worked examples, then the tokens with blanks between them."""
        *others, last = example.inputs["tokens"]
        pieces, lead = (*(f"{token} " for token in others), last), f"{self.told.get('noun', 'Sentence')}: "
        output = Tag(160, stop=(lead.strip(),), pieces=pieces, labels=tuple(self.words))
        parts = (
            Text(self.told["instruction"], "system"),
            *worked(lead, self.told["shots"]),
            Text(lead + "".join(pieces)),
        )
        return Request(example.id, parts, output)  # fmt: skip

    def answer(self, prediction: Prediction) -> Json:
        """The mentions [phrase, number of its place or 0 for all, code] of the lines or of JSON; the tags of a tagger."""
        text = prediction.text or ""
        given = as_json(text)
        if of_tagger := tagged_pieces(given):
            return [f"{tag[:2]}{self.code(tag[2:])}" if self.code(tag[2:]) else "O" for tag in of_tagger[1]]
        said = list(self._of_json(given)) or list(filter(None, map(self._of_line, lines(text))))
        found: dict[tuple[str, int], str] = {}  # of two labels for the same places the first counts
        none = says_none(text)
        for label, phrase in said:
            bare, number = number_of(unquoted(phrase))
            if says_none(bare):
                none = True
            elif unquoted(bare):
                found.setdefault((unquoted(bare), number), self.code(label))
        if not found and not none:
            return Unparsed([])
        return [[phrase, number, label] for (phrase, number), label in found.items() if len(phrase) <= _LONGEST][:SLOTS]

    def code(self, said: str) -> str:
        """The code of a label that is said as its word or its code, "" for another."""
        name = " ".join(said.replace("_", " ").lower().split())
        return self.known.get(name) or self.known.get(name.removesuffix("s"), "")

    def _of_line(self, line: str) -> tuple[str, str] | None:
        """(label, phrase) of a line that gives both, in either order."""
        if first := self.begins.match(line):
            return first["label"], first["phrase"]
        last = self.ends.search(line)
        return (last["label"], line[: last.start()].rstrip(_BETWEEN + " \t")) if last else None

    def _of_json(self, found: Json) -> Iterator[tuple[str, str]]:
        """(label, phrase) of {label: phrase or phrases}, {phrase: label}, or of objects that name both under keys."""
        for one in found if isinstance(found, list) else [found]:
            if not isinstance(one, dict):
                continue
            named = next((key for key in one if key.lower() in ("label", "type", "tag", "entity_type")), None)
            if named is not None and isinstance(one[named], str):
                phrase = next((x for key, x in one.items() if key != named and isinstance(x, str)), None)
                one = {one[named]: phrase}
            for key, value in one.items():
                if self.code(key):
                    yield from ((key, x) for x in (value if isinstance(value, list) else [value]) if isinstance(x, str))
                elif isinstance(value, str) and self.code(value):
                    yield value, key

    def checked(self, example: Example, answer: Json) -> Json:
        """A tag for each token, or mentions [phrase, number of its place or 0, code], one label for each."""
        if isinstance(answer, list) and answer and isinstance(answer[0], str):
            wrong = wrong_tags(answer, example.inputs["tokens"], tags_of(tuple(self.words)))
            return Malformed(wrong) if wrong else answer
        found = short(a_list(answer, self._mention, SLOTS))
        said = {(phrase, number): [phrase, number, label] for phrase, number, label in found}
        if len(said) != len({tuple(one) for one in found}):
            raise ValueError("found two labels for one phrase, expected one")
        return list(said.values())

    def _mention(self, found: Json) -> list[Json]:
        parts = a_list(found, lambda part: part, 3)
        if len(parts) != 3 or type(parts[1]) is not int or parts[1] < 0 or parts[2] not in tuple(self.words):
            expected = f"[phrase, number of its place or 0, {' or '.join(self.words)}]"
            raise ValueError(f"found {str(found)[:60]!r}, expected {expected}")
        return [a_text(parts[0], _LONGEST), parts[1], parts[2]]

    def ideal(self, example: Example) -> Prediction:
        """A line for each phrase, with numbers where it has several places; as a tagger where lines cannot tell it."""
        tokens, tags = example.target["tokens"], example.target["tags"]
        told = []
        for first, after, label in sorted(of_tags(tags)):
            phrase = " ".join(tokens[first:after])
            where = token_places(tokens, phrase)
            number = f" #{where.index((first, after)) + 1}" if len(where) > 1 and (first, after) in where else ""
            told.append(f"{self.words[label]}: {phrase}{number}")
        said = Prediction(example.id, text="\n".join(told) or "none")
        answer = self.answer(said)
        if not isinstance(answer, Unparsed) and placed(tokens, answer) == of_tags(tags):
            return said
        return Prediction(example.id, text=as_tagger(tokens, tags))

    def slices(self, example: Example) -> Mapping[str, str]:
        """The length of the sentence, how many phrases it has, and of which labels."""
        found = {"length": band(len(example.inputs["tokens"]), SENTENCE, "token")}
        if example.target is not None:
            labels = {self.words[label].lower() for _, _, label in wanted_items(example.target)}
            found["entities"] = band(len(wanted_items(example.target)), (1, 2, 4), "phrase")
            found["labels"] = "none" if not labels else labels.pop() if len(labels) == 1 else "several"
        return found

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """An object {id: tags or mentions}, or lines of {"id", "output"}: replies, which may be lines of "token:Label"."""
        if (rows := replies(path)) is None:
            yield from pairs(path)
            return
        tokens = {one.id: one.inputs["tokens"] for one in examples}
        for row, (key, said) in zip(rows, replied(rows), strict=True):
            if key in tokens and is_tagged(row.said or "", self.code):
                yield key, [tag or "O" for tag in aligned(tokens[key], row.said or "", self.code)]
            else:
                yield key, said

    def official_of(self, path: Path, examples: Sequence[Example]) -> Mapping[str, Json]:
        """The figures that FiNER-ORD's authors print of replies of "token:Label" lines, as they read them."""
        said = {row.id: row.said or "" for row in replies(path) or ()}
        held_out = any(one.target is None for one in examples)
        if held_out or not any(is_tagged(text, self.code) for text in said.values()):
            return {}
        given = [as_published(one.inputs["tokens"], said.get(one.id, ""), self.words) for one in examples]
        return published_figures([one.target["tags"] for one in examples], given, tags_of(tuple(self.words)))


def _refuse_alike(labels: Mapping[str, str], where: str) -> None:
    """Raise BenchError for codes or words that are one when they are scored, and for a code that is scored as another text."""
    for names in (list(map(str, labels)), list(labels.values())):
        if len(set(names)) < len(names):
            raise BenchError(f"{where}: {max(names, key=names.count)!r} comes twice; give each code a word of its own")
        if alike := not_apart(names, in_replies=False):
            raise BenchError(f"{where}: {alike}")
    if odd := next((one for one in map(str, labels) if normalised(one) != one), None):
        raise BenchError(f"{where}: {odd!a} is scored as {normalised(odd)!a}; write it so here and in the data")
