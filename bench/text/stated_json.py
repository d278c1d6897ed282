"""JSON in a reply: the values that it gives under the names of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.types import Json

NAMES = frozenset(
    {
        "answer", "answers", "final_answer", "label", "labels", "sentiment", "emotion", "emotions", "intent", "category", "class",
        "classification", "prediction", "output", "result",
    }
)  # fmt: skip
_TRIES = 40  # brackets that are tried as the beginning of JSON
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
    """The JSON objects of a text that are in no other, each as its pairs, so that a key that comes twice is seen."""
    place = 0
    for _ in range(_TRIES):
        if (place := text.find("{", place)) < 0:
            return
        try:
            found, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            place += 1
            continue
        yield found


def _values(found: Json) -> Iterator[str]:
    """The texts of a list, and of an object those under the names of an answer."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):
        for one in found:
            yield from _values(one)
    elif isinstance(found, tuple):
        for name, value in found:
            if str(name).lower() in NAMES:
                yield from _values(value)
