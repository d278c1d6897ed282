"""JSON in a reply: the values that it gives under the names of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from bench.types import Json

NAMES = frozenset(
    {
        "answer", "answers", "final_answer", "label", "labels", "sentiment", "emotion", "emotions", "intent", "category", "class",
        "classification", "prediction", "output", "result", "stance", "status", "decision", "creditworthiness", "credit_risk",
        "credit risk", "claim_status", "claim status", "movement", "predicted_label",
        "kind", "type", "document_type", "document type", "doc_type", "document_kind", "kind_of_document",
    }
)  # fmt: skip
_VERDICTS = frozenset({"yes", "no", "true", "false"})
_TRIES = 40  # brackets that are tried as the beginning of JSON
_SPACES = re.compile(r"[^\S\n]")
_OBJECT = re.compile(r"\{(?:[^{}]|\{[^{}]{0,2000}\}){0,2000}\}")  # with no more than one level of others in it
_SINGLE = re.compile(r"'([^'\"\\\n]{0,200})'")
_COMMA = re.compile(r",\s{0,20}([}\]])")
_DECODER = json.JSONDecoder(object_pairs_hook=lambda pairs: tuple(pairs))  # a key that comes twice says two things


def spelled_out(text: str) -> str:
    """The text, each JSON object or list in it as a line for each value of an answer; what else they hold is left out.

    >>> spelled_out('Sure: {"label": "up", "why": "no down"}')
    'Sure: \\nup\\n'
    """
    done, place = "", 0
    for _ in range(_TRIES):
        start = min((at for sign in "{[" if (at := text.find(sign, place)) >= 0), default=-1)
        if start < 0:
            break
        try:
            found, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            done, place = done + text[place : start + 1], start + 1
            continue
        values = list(_values(found))
        is_list = isinstance(found, list)
        said = "\n".join(["", *values, ""]) if values or not is_list else text[start:end]
        done, place = done + text[place:start] + said, end
    return done + text[place:]


def objects(text: str) -> Iterator[tuple[tuple[str, Json], ...]]:
    """The JSON objects of a text that are in no other, each as its pairs, so that a key that comes twice is seen.

    Single quotes, a comma too many, other minus signs and other spaces are taken for JSON's own.
    """
    text, place = _SPACES.sub(" ", text.replace("\u2212", "-")), 0
    for _ in range(_TRIES):
        if (place := text.find("{", place)) < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            found, end = _mended(text, place)
        place = end
        if found is not None:
            yield found


def _mended(text: str, place: int) -> tuple[tuple[tuple[str, Json], ...] | None, int]:
    """The object that begins at `place`, and its end, where only quotes and commas are not JSON's; else None."""
    if whole := _OBJECT.match(text, place):
        quoted = _SINGLE.sub(lambda one: json.dumps(one[1]), whole[0])
        try:
            return json.loads(_COMMA.sub(r"\1", quoted), object_pairs_hook=tuple), whole.end()
        except ValueError:
            pass
    return None, place + 1


def _values(found: Json) -> Iterator[str]:
    """The texts of a list, and of an object those under the names of an answer and what it says yes, no or a number to."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):
        for one in found:
            yield from _values(one)
    elif isinstance(found, tuple):
        for name, value in found:
            if str(name).lower() in NAMES:
                yield from _values(value)
            elif isinstance(value, int | float) or str(value).lower() in _VERDICTS:
                yield f"{name} = {'no' if value is False else 'yes' if value is True else value}"
