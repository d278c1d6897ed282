"""DeftEval subtask 3: how are the terms, definitions and references of a passage related?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.data import deft_format as deft
from bench.metrics.labelling import SLOTS, Item, pooled_macro_f1, set_metric
from bench.metrics.metric import AnyMetric
from bench.task import Malformed, Unparsed
from bench.types import Example, Generate, Json, Prediction, Request, Text
from tasks.deft import Deft, deft_card
from tasks.mentions import as_json, lines, says_none
from tasks.prompts import worked
from tasks.slices import band

_NAMES = {name.replace("-", "").lower(): name for name in deft.RELATIONS}
_RELATION = re.compile(
    r"\b(?:direct[ _-]?defines|indirect[ _-]?defines|aka|refers[ _-]?to|supplements)\b", re.IGNORECASE
)
_ID = re.compile(r"\bT\d+(?:-frag)?\b", re.IGNORECASE)
# The ids of the instructions are none of the corpus: ids of all files are pooled, so that an echo could be right.
_SYSTEM = (
    "Phrases of a passage are marked as terms and definitions. Say how they are related, one relation a line:\n"
    "T902 Direct-Defines T901 - T902 is the definition of the term T901\n"
    "T902 Indirect-Defines T901 - T902 is such a definition, but one of the two only refers to another phrase\n"
    "T902 AKA T901 - T902 is another name of T901\n"
    "T902 Refers-To T901 - T902 is a word or phrase that stands for T901\n"
    "T902 Supplements T901 - T902 adds to the definition or term T901\n"
    "If none are related, write: none"
)
_LONGEST = 100  # characters of an id
_SHOTS = (
    (
        "A levee , also called a dike , is a wall of earth along a river .\n"
        "T901 Term: A levee\nT902 Alias-Term: a dike\nT903 Definition: a wall of earth along a river",
        "T902 AKA T901\nT903 Direct-Defines T901",
    ),
)


def _wanted(target: Sequence[Sequence[str]]) -> list[Item]:
    return [tuple(relation) for relation in target]


def _found(target: Any, answer: Sequence[Sequence[str]]) -> list[Item]:
    if not all(len(relation) == 3 and all(isinstance(part, str) for part in relation) for relation in answer):
        raise ValueError("expected a list of [root id, tag id, relation]")
    return [tuple(relation) for relation in answer]


class DeftRelations(Deft):
    """Passages of textbooks with terms and definitions marked, to be related to each other."""

    name, version, output, subtask = "deft_relations", 1, Generate, 3
    # The official score pools the relations of all files, so that one said of another passage counts as found: the 247
    # triples of the development files, said of the first passages, have 16 %, where an honest guess has 11 %. It does not rank.
    metrics: ClassVar[tuple[AnyMetric, ...]] = (
        set_metric(
            "macro_f1_by_file",
            deft.RELATIONS,
            _wanted,
            _found,
            macro=True,
            signature="5 relations, ids of a file apart",
        ),
        pooled_macro_f1("macro_f1", deft.RELATIONS, _wanted, _found, signature="5 relations, as evaluation_sub3.py"),
        set_metric("micro_f1_by_file", deft.RELATIONS, _wanted, _found, signature="5 relations, ids of a file apart"),
    )
    card = deft_card(
        "DeftEval 3: relations of terms and definitions", 305, 3, (0.0, 0.01), gives_away={"every pair": 0.079}
    )

    def of_file(self, path: Path) -> Iterator[tuple[dict[str, Json], Json]]:
        """A passage is an example: no relation leaves one. The target is its relations [root id, tag id, relation]."""
        for passage in deft.passages(path, full=True):
            tokens = [token for sentence in passage for token in sentence]
            marked: dict[str, list[deft.Token]] = {}
            for token in tokens:
                if token.tag_id != "-1":
                    marked.setdefault(token.tag_id, []).append(token)
            phrases = [[key, own[0].tag[2:], " ".join(t.text for t in own)] for key, own in marked.items()]
            inputs = {"tokens": [token.text for token in tokens], "phrases": phrases}
            yield inputs, [relation for relation in _relations(tokens) if relation[2] in deft.RELATIONS]

    def request(self, example: Example) -> Request:
        """A worked example, then the passage and its phrases with their ids."""
        phrases = [f"{key} {name}: {words}" for key, name, words in example.inputs["phrases"]]
        asked = "\n".join([" ".join(example.inputs["tokens"]), *(phrases or ["(no phrases)"])])
        parts = (Text(_SYSTEM, "system"), *worked("Passage: ", _SHOTS), Text(f"Passage: {asked}"))
        return Request(example.id, parts, Generate(96, stop=("Passage:",)))

    def answer(self, prediction: Prediction) -> Json:
        """[root id, tag id, relation] of each line with two ids and a relation: the first id is the tag's.

        Of a JSON list, the items [root id, tag id, relation]. Two ids that are related in two ways are not related.
        """
        text = prediction.text or ""
        found: dict[tuple[str, str, str], None] = {}
        given = as_json(text)
        if isinstance(given, list) and all(isinstance(one, list) and len(one) == 3 for one in given):
            known = ((str(root), str(tag), _NAMES.get(_bare(str(name)))) for root, tag, name in given)
            found.update(((root, tag, name), None) for root, tag, name in known if name is not None)
        else:
            for line in lines(text):
                ids, named = _ID.findall(line), _RELATION.search(line)
                if named and len(ids) >= 2:
                    found[_id(ids[1]), _id(ids[0]), _NAMES[_bare(named[0])]] = None
        if not found and not says_none(text):
            return Unparsed([])
        pairs = Counter(frozenset(one[:2]) for one in found)  # who relates two phrases in two ways has not said which
        return [list(one) for one in found if pairs[frozenset(one[:2])] == 1][:SLOTS]

    def ideal(self, example: Example) -> Prediction:
        """A line for each relation."""
        told = [f"{tag} {relation} {root}" for root, tag, relation in example.target]
        return Prediction(example.id, text="\n".join(told) or "none")

    def slices(self, example: Example) -> Mapping[str, str]:
        """The subject, and how many phrases are to be related and relations to be found."""
        found = {**super().slices(example), "phrases": band(len(example.inputs["phrases"]), (1, 2, 4), "phrase")}
        return found if example.target is None else found | {"relations": band(len(example.target), (1, 2), "relation")}

    def of_submitted_file(self, path: Path, golds: Sequence[Example]) -> Iterator[Json]:
        """The last three columns of all rows with a relation; all tokens of the file must be there."""
        for tokens in deft.same_tokens(path, [gold.inputs["tokens"] for gold in golds], full=True):
            wrong = next((token for token in tokens if token.relation not in deft.KNOWN_RELATIONS), None)
            if wrong is None:
                yield _relations(tokens)
            else:
                allowed = ", ".join(("0", *deft.RELATIONS))
                yield Malformed(f"line {wrong.line}: found the relation {wrong.relation!r}, expected one of {allowed}")

    def of_json(self, answer: Json, example: Example) -> Json:
        """A list of [root id, tag id, relation]."""
        if not isinstance(answer, list) or len(answer) > SLOTS:
            return Malformed(
                f"found {str(answer)[:60]!r}, expected a list of at most {SLOTS} [root id, tag id, relation]"
            )
        for one in answer:
            if not (isinstance(one, list) and len(one) == 3 and all(isinstance(part, str) for part in one)):
                return Malformed(f"found {str(one)[:60]!r}, expected [root id, tag id, relation]")
            if len(one[0]) > _LONGEST or len(one[1]) > _LONGEST:
                return Malformed(f"found an id of more than {_LONGEST} characters")
            if one[2] not in deft.KNOWN_RELATIONS:
                return Malformed(f"found the relation {one[2]!r}, expected one of {', '.join(deft.RELATIONS)}")
        pairs = Counter(frozenset(one[:2]) for one in answer)
        if twice := next((pair for pair, n in pairs.items() if n > 1), None):
            return Malformed(f"found two relations between {' and '.join(sorted(twice))}, expected one")
        return answer

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """The line of scores.txt."""
        return {"subtask_3_f1-score_macro": values["macro_f1"]}


def _relations(tokens: Sequence[deft.Token]) -> list[list[str]]:
    """[root id, tag id, relation] of the tokens, each once, in order."""
    found = dict.fromkeys((token.root, token.tag_id, token.relation) for token in tokens if token.relation != "0")
    return [list(relation) for relation in found]


def _bare(name: str) -> str:
    return re.sub(r"[ _-]", "", name.lower())


def _id(text: str) -> str:
    """An id as the corpus writes it: T12, T12-frag."""
    return text[0].upper() + text[1:].lower()
