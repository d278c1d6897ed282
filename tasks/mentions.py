"""Phrases that a model copies out of a text, one a line: how the lines are read and where the phrases stand.

`Apple: Positive` is about every place of "Apple"; `Apple #2: Positive` about the second one only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from bench.text.rows import rows
from bench.types import Json

_FENCE = re.compile(r"^\s*```[\w+#-]*\s*$", re.MULTILINE)
_BULLET = re.compile(r"^\s*(?:[-*•–]\s+|\(?\d{1,2}[.)]\s+)?")
_PLACE = re.compile(r"^(?P<phrase>.*\S)\s*#(?P<number>\d{1,3})$", re.DOTALL)
_NONE = re.compile(
    r"^\W*(?:none(?: of [\w ]{1,40})?|n/?\.?a|null|nothing(?: is defined)?"
    r"|(?:there are )?no (?:financial |such |terms? or )?(?:terms?|definitions?|relations?|entit(?:y|ies)|mentions?|phrases?)"
    r"(?: (?:is|are|was|were) \w+)?)\W*$",
    re.IGNORECASE,
)
_QUOTES = "\"'“”‘’`"


def lines(text: str) -> Iterator[str]:
    """The lines that say something, without code fences, bullets, numbers and bold type."""
    for line in rows(_FENCE.sub("", text)):
        if found := _BULLET.sub("", line).replace("**", "").strip():
            yield found


def as_json(text: str) -> Json:
    """The object or list that a text is, in a code fence or not; None where it is none."""
    bare = _FENCE.sub("", text).strip()
    if not bare.startswith(("{", "[")):
        return None
    try:
        return json.loads(bare)
    except (ValueError, RecursionError):
        return None


def says_none(text: str) -> bool:
    """Whether a reply says that there is nothing to list: in a line of its own, or as JSON that holds nothing.

    >>> says_none("None."), says_none('{"Term": []}'), says_none(""), says_none("I can't help with that.")
    (True, True, False, False)
    """
    given = as_json(text)
    if isinstance(given, dict | list):
        return not any(given.values() if isinstance(given, dict) else given)
    return any(map(_NONE.match, lines(text)))


def unquoted(phrase: str) -> str:
    """The phrase without white space and quotes around it."""
    return phrase.strip().strip(_QUOTES).strip()


def number_of(phrase: str) -> tuple[str, int]:
    """The phrase and the number of its place, 0 where none is said.

    >>> number_of("Apple #2"), number_of("Apple")
    (('Apple', 2), ('Apple', 0))
    """
    match = _PLACE.match(phrase)
    return (match["phrase"], int(match["number"])) if match else (phrase, 0)


def places(phrase: str, text: str) -> list[tuple[int, int]]:
    """(start, end) of every place of the phrase in the text, by rising start.

    Places that are not inside a longer word are taken if there are any, else all; where there is none at all, those with
    other capitals or other white space.

    >>> places("Meta", "Metals fell as Meta rose"), places("meta", "Metals")
    ([(15, 19)], [(0, 4)])
    """
    parts = phrase.split()
    if not parts:
        return []
    loose = r"\s+".join(map(re.escape, parts))
    for pattern, flags in ((re.escape(phrase), 0), (loose, re.IGNORECASE)):
        for form in (rf"(?<!\w){pattern}(?!\w)", pattern):
            if found := [match.span() for match in re.finditer(form, text, flags)]:
                return found
    return []


def apart(phrases: Iterable[str], text: str) -> dict[str, list[tuple[int, int]]]:
    """The places of each phrase that are not inside a place of a longer one.

    >>> apart(["Apple", "Apple Bank"], "Apple Bank sued Apple")
    {'Apple Bank': [(0, 10)], 'Apple': [(16, 21)]}
    """
    found: dict[str, list[tuple[int, int]]] = {}
    held: list[tuple[int, int]] = []
    for phrase in sorted(set(phrases), key=lambda one: (-len(one), one)):
        found[phrase] = [p for p in places(phrase, text) if not any(a < p[1] and p[0] < b for a, b in held)]
        held += found[phrase]
    return found
