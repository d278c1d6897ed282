"""Questions with options: which option an answer means, read one way in the whole file: by text, by letter or by number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from bench.errors import BenchError
from bench.text.normal import normalised
from bench.text.shown import visible
from bench.types import Json

LETTERS = "ABCDEFGH"
ANSWERS = ("text", "letter", "number")  # what a user can say that they are
_NUMBER = re.compile(r"(\d{1,3})(?:\.0+)?")  # of an option; 1.0 is what pandas writes beside an empty cell
# Each reading: what it is called, and what a user says to have it.
_READINGS: Mapping[str, tuple[str, str]] = {
    "text": ("the text of an option", "--answers text"),
    "letter": ("the letter of an option", "--answers letter"),
    "0": ("the number of an option from 0", "--first-option 0"),
    "1": ("the number of an option from 1", "--first-option 1"),
}


@dataclass(frozen=True)
class Asked:
    """A question's options, its answer as a text, and whether that is the text of no option: a number of JSON beside texts."""

    where: str
    options: Sequence[str]
    answer: str
    is_no_text: bool = False

    def place(self, reading: str) -> int | None:
        """The place of the right option, None where the answer cannot be read so."""
        if reading == "text":
            return None if self.is_no_text else _of_text(self.answer, self.options)
        if reading == "letter":
            letter = self.answer.strip("().: ").upper()
            return LETTERS.index(letter) if len(letter) == 1 and letter in LETTERS[: len(self.options)] else None
        if (number := _NUMBER.fullmatch(self.answer)) is None:
            return None
        found = int(number[1]) - int(reading)
        return found if 0 <= found < len(self.options) else None

    def none(self, readings: Sequence[str]) -> BenchError:
        """That the answer can be read in none of these ways."""
        n = len(self.options)
        told = f"none of the options {', '.join(LETTERS[:n])}: {str(list(self.options))[:120]}"
        if len(readings) == 1:
            name, say = _READINGS[readings[0]]
            numbers = f" to {int(readings[0]) + n - 1}" if readings[0] in "01" else ""
            told = f"not {name}{numbers}, as {say} says; the options are {str(list(self.options))[:120]}"
        return BenchError(f"{self.where}: the answer {self.answer[:40]!r} is {told}")


def said(reading: str) -> str:
    """How answers were read, for a note."""
    others = [say for name, (_, say) in _READINGS.items() if name != reading]
    return f"each answer is read as {_READINGS[reading][0]} (other: {', '.join(others)})"


def options_of(given: Json, where: str, name: str) -> list[str]:
    """The options of a row without empty ones at the end; raises BenchError for what is none."""
    if isinstance(given, Mapping):
        given = given.get("text", list(given.values()))
    if not isinstance(given, list):
        raise BenchError(f"{where}: {name!r} is no list; give columns A, B, C …, or lists in JSON Lines")
    texts = [str(one if one is not None else "").strip() for one in given]
    while texts and not texts[-1]:
        texts.pop()
    if not 2 <= len(texts) <= len(LETTERS) or len(set(map(normalised, texts)) - {""}) < len(texts):
        raise BenchError(
            f"{where}: found the options {visible(str(texts))[:100]}, expected 2 to {len(LETTERS)}, each once (the width of "
            "letters, how accents are coded and signs that cannot be seen are no difference); correct the row"
        )
    for one in texts:
        refuse_control(one, name, where)
    return texts


def refuse_control(text: str, name: str, where: str) -> None:
    """Raise BenchError for a label or option with a sign of control, which nobody sees and a terminal obeys."""
    if sign := next((one for one in text if unicodedata.category(one) == "Cc" and not one.isspace()), ""):
        raise BenchError(
            f"{where}: {name!r} holds U+{ord(sign):04X}, a sign of control that is not seen ('{visible(text)[:60]}'); take it out"
        )


def reading_of(rows: Iterable[Asked], called: str, answers: str | None, first: int | None) -> str:
    """The one way in which all answers are read; `answers` and `first` are what a user says of it.

    Raises BenchError for an answer that no way reads, where none reads all, and where several do and differ.
    """
    seen = _Seen(_allowed(answers, first))
    for row in rows:
        seen.add(row)
    fitting = [one for one in seen.readings if one not in seen.misfits]
    if not fitting:
        why = ", ".join(f"as {_READINGS[one][0]} not {seen.misfits[one]}" for one in seen.readings if one in seen.used)
        raise BenchError(f"{called}: no one way reads every answer: {why}; write all of them in one way")
    for one, other in combinations(fitting, 2):
        if (one, other) in seen.apart:
            ways = [name for name in fitting if name in (one, other) or (one, name) in seen.apart]
            raise BenchError(
                f"{called}: the answers can be read as {' and as '.join(_READINGS[name][0] for name in ways)}, which differ "
                f"first in {seen.apart[one, other]}; say {' or '.join(_READINGS[name][1] for name in ways)}"
            )
    return fitting[0]


def _allowed(answers: str | None, first: int | None) -> tuple[str, ...]:
    if first is not None:
        if answers not in (None, "number"):
            raise BenchError(
                f"--first-option {first} says that answers are numbers, and --answers {answers}; leave one out"
            )
        return (str(first),)
    return {None: tuple(_READINGS), "number": ("0", "1")}.get(answers, (str(answers),))


@dataclass
class _Seen:
    """Of each reading, the first row that it does not read; of each two, the first in which they differ."""

    readings: tuple[str, ...]
    used: set[str] = field(default_factory=set)
    misfits: dict[str, str] = field(default_factory=dict)
    apart: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, row: Asked) -> None:
        """Look at one more; raises BenchError for one that nothing reads."""
        places = {one: row.place(one) for one in self.readings}
        here = f"{row.where[row.where.rfind(' ', 0, row.where.rfind(' ')) + 1 :]} ({row.answer[:40]!r})"
        if all(place is None for place in places.values()):
            raise row.none(self.readings)
        for one, place in places.items():
            if place is None:
                self.misfits.setdefault(one, here)
            else:
                self.used.add(one)
        for one, other in combinations(self.readings, 2):
            if places[one] != places[other]:
                self.apart.setdefault((one, other), here)


def _of_text(answer: str, options: Sequence[str]) -> int | None:
    if answer in options:
        return options.index(answer)
    said = normalised(answer)
    for form in (str, str.casefold):
        same = [i for i, one in enumerate(options) if form(normalised(one)) == form(said)]
        if len(same) == 1:
            return same[0]
    return None
