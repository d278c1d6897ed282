"""Entities of a segment: amounts, dates and numbers stand in the words, in the text, and in a normal form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from bench.data.located_json import Finding, JsonPath
from bench.data.spec_rules import Record, members, whole
from bench.data.spec_schema import show

_DECIMAL = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?"
_PUNCTUATION = ".,;:!?\"'()“”‘’…"
# What a value of each kind looks like, and the words for it.
_FORMS = {
    "amount": (re.compile(rf"{_DECIMAL} [A-Z]{{3}}"), "a decimal number, a space and an ISO 4217 code ('12.50 GBP')"),
    "date": (re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?|--[0-9]{2}-[0-9]{2}"), "a date of ISO 8601 ('2024-03-03')"),
    "time": (re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"), "hours and minutes ('15:30')"),
    "percentage": (re.compile(_DECIMAL), "a decimal number ('4.25')"),
    "number": (re.compile(_DECIMAL), "a decimal number ('4.25')"),
}
_OTHER = (re.compile(r"\S+"), "characters without spaces ('0712345678')")


def entity_findings(segment: Record, path: JsonPath) -> Iterator[Finding]:
    """Entities are words of their segment that no other entity has, pieces of its text, and well written."""
    words = segment.get("words", [])
    used: set[int] = set()
    for place, entity in members(segment, path, "entities"):
        if isinstance(words, list):
            yield from _words(entity, place, words, used)
        written, text = entity.get("written"), segment.get("text")
        if isinstance(written, str) and written.strip() and isinstance(text, str) and written not in text:
            message = f"found {show(written)}; a piece of the segment's text, character for character, is allowed"
            yield Finding((*place, "written"), "entity-written", message)
        kind, value = entity.get("kind"), entity.get("value")
        if isinstance(kind, str) and isinstance(value, str) and value.strip():
            form, allowed = _FORMS.get(kind, _OTHER)
            if not form.fullmatch(value) or (kind == "date" and not _is_date(value)):
                yield Finding((*place, "value"), "entity-value", f"found {show(value)}; {allowed} is allowed")


def _words(entity: Record, path: JsonPath, words: list[object], used: set[int]) -> Iterator[Finding]:
    first, last = entity.get("first_word"), entity.get("last_word")
    if not (isinstance(first, int) and whole(first) and isinstance(last, int) and whole(last)) or min(first, last) < 0:
        return
    if not first <= last < len(words):
        found = f"found words {show(first)} to {show(last)}".replace("the number ", "")
        if not words:
            message = f"{found} of a segment without words; the words that are spoken are needed for an entity"
        else:
            message = f"{found}; places from 0 to {len(words) - 1}, the first not after the last, are allowed"
        yield Finding((*path, "last_word"), "entity-words", message)
        return
    places = range(first, last + 1)
    if not used.isdisjoint(places):
        message = "found a word that another entity of the segment has; entities that share none are allowed"
        yield Finding((*path, "first_word"), "entity-words", message)
    used.update(places)
    said = [word.get("word") for word in words[first : last + 1] if isinstance(word, dict)]
    spoken = entity.get("spoken")
    if isinstance(spoken, str) and spoken.strip() and all(isinstance(word, str) for word in said):
        there = " ".join(map(str, said))
        if _plain(spoken) != _plain(there):
            yield Finding((*path, "spoken"), "entity-words", f"found {show(spoken)}; its words say {show(there)}")


def _plain(text: str) -> list[str]:
    bare = (word.strip(_PUNCTUATION).casefold() for word in text.split())
    return [word for word in bare if word]


def _is_date(value: str) -> bool:
    """Whether the day is in the calendar; one without a year may be the 29th of February."""
    full = f"2000{value[1:]}" if value.startswith("--") else value
    try:
        date.fromisoformat(full if len(full) == len("2024-03-03") else f"{full}-01")
    except ValueError:
        return False
    return True
