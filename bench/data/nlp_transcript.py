"""Reading transcripts in Rev's .nlp format (a word a line, columns parted by "|") and their .norm.json.

A reference is a list of slots: a word, or an entity {"label", "alternatives"} that may be said in several ways, each a list
of words. All words are lower-cased; punctuation has a column of its own and is left out. This is how fstalign reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.data.files import field, read_json, read_text
from bench.errors import BenchError
from bench.text.rows import rows
from bench.types import Json

_TAG = re.compile(r"\['([^':]+):([^']+)'.*\]")


class Token(NamedTuple):
    """A word of a transcript, with the number and class of the entity that it is part of, both "" outside of any."""

    word: str
    entity: str = ""
    label: str = ""


def read_nlp(path: Path) -> list[Token]:
    """The words of an .nlp file; raises BenchError with the line that is not in the format."""
    lines = rows(read_text(path)) or [""]
    header = [name.strip() for name in lines[0].split("|")]
    if "token" not in header:
        raise BenchError(f"{path} line 1: the column 'token' is missing; expected token|speaker|ts|endTs|punctuation|…")
    return [
        _token(line, header, f"{path} line {number}") for number, line in enumerate(lines[1:], start=2) if line.strip()
    ]


def _token(line: str, header: list[str], where: str) -> Token:
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) != len(header):
        raise BenchError(f"{where}: {len(cells)} columns, expected {len(header)} as in line 1; correct the line")
    row = dict(zip(header, cells, strict=True))
    tags = row.get("tags", "")
    if tags in ("", "[]"):
        return Token(row["token"].lower())
    match = _TAG.fullmatch(tags)
    if match is None:
        raise BenchError(f"{where}: the tag {tags!r} is not of the form ['0:MONEY']; bring the official file again")
    return Token(row["token"].lower(), match[1], match[2])


def read_reference(nlp: Path, norms: Path) -> list[Json]:
    """The slots of a reference: its words, and its entities as they may be said by the .norm.json, or as they stand.

    Neighbouring rows of one entity are one slot; an entity that comes in two places can be said as either stands.
    """
    tokens = read_nlp(nlp)
    if not tokens:
        raise BenchError(f"{nlp} holds no word; bring the official file again")
    spans = list(_spans(tokens))
    said = _alternatives(norms)
    for words, entity, label in spans:
        if label and words not in said.setdefault(entity, []):
            said[entity].append(words)
    slots: list[Json] = []
    for words, entity, label in spans:
        slots += [{"label": label, "alternatives": said[entity]}] if label else words
    return slots


def _spans(tokens: list[Token]) -> Iterator[tuple[list[str], str, str]]:
    """Neighbouring words of one entity together, those outside of entities one by one."""
    words: list[str] = []
    for token, after in zip(tokens, [*tokens[1:], Token("")], strict=True):
        words.append(token.word)
        if not token.label or token[1:] != after[1:]:
            yield words, token.entity, token.label
            words = []


def _alternatives(path: Path) -> dict[str, list[list[str]]]:
    """What each entity may be said as; one without words need not be said at all."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise BenchError(f"{path}: expected an object {{entity: {{candidates, class}}}}; bring the official file again")
    said: dict[str, list[list[str]]] = {}
    for key, entity in found.items():
        where = f"{path}: entity {key!r}"
        ways = [
            [str(word).lower() for word in field(candidate, "verbalization", list, where)]
            for candidate in field(entity, "candidates", list, where)
        ]
        said[key] = [way for i, way in enumerate(ways) if way not in ways[:i]]
    return said
