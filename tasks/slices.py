"""What the slices of several tasks have in common: the word a question asks with, and lengths in bands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bench.types import Example, Json

_ASKS = re.compile(r"\b(who|what|when|where|which|how|why)(?:m|se|['’]?s)?\b", re.IGNORECASE)
SENTENCE = (10, 20, 30)  # words of a sentence or a short text


def question_word(question: str) -> str:
    """The first word of a question that asks ("To whom" asks who), "other" where none does.

    >>> question_word("In what year?"), question_word("Name the river.")
    ('what', 'other')
    """
    found = _ASKS.search(question)
    return found[1].lower() if found else "other"


def band(n: int, ends: Sequence[int], unit: str) -> str:
    """The band that `n` lies in: each goes to one of the rising `ends`, the last one on from there.

    >>> [band(n, (1, 3), "word") for n in (0, 1, 2, 4)]
    ['no words', '1 word', '2-3 words', '4+ words']
    """
    if n < 1:
        return f"no {unit}s"
    for low, high in zip((1, *(end + 1 for end in ends)), ends, strict=False):
        if n <= high:
            return f"{low}-{high} {unit}s" if low < high else f"{high} {unit}{'s' if high > 1 else ''}"
    return f"{ends[-1] + 1}+ {unit}s"


def words(text: str, ends: Sequence[int] = SENTENCE) -> str:
    """The band of a text's number of words."""
    return band(len(text.split()), ends, "word")


def of_short_answer(example: Example) -> dict[str, str]:
    """Slices of a question whose target is a list of short answers, which may be empty or held out."""
    asked = {"question word": question_word(example.inputs["question"])}
    return asked | ({"answer length": words(example.target[0], (1, 3))} if example.target else {})


def stated(name: str, record: Mapping[str, Json], *keys: str) -> dict[str, str]:
    """`name` with the text at `keys` of a record of the data; nothing where the file has none there."""
    value: Json = record
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return {name: value} if isinstance(value, str) and value else {}
