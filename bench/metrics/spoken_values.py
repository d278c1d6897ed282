"""Whether the amounts, dates and numbers that are spoken stand in a transcript, in words or digits: what a wrong transfer costs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from bench.metrics.metric import Array, Metric, Row, lacking

KINDS = ("amount", "date", "account", "number")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\.?"
)
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/((?:19|20)\d\d)")
_VALUE = re.compile(r"(?P<sign>-?)(?P<currency>[$€£¥]?)(?P<digits>\d+(?:\.\d+)?)(?P<percent>%?)(?:st|nd|rd|th|s)?")
_GROUPS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_A_DATE = "slasheddate"
_BETWEEN = re.compile(r"(?<![\w-])\d+(?:-\d+)+(?![\w-])")  # digits that hyphens part, as of an account
_ONE_BY_ONE = re.compile(r"(?<![\w.,$€£¥-])\d(?: \d){2,}(?![\w.,%-])")
_CODES = {"eur": ("€", "euros"), "usd": ("$", "dollars"), "gbp": ("£", "pounds")}
_CODE_BEFORE = re.compile(rf"\b({'|'.join(_CODES)})\s?(?=\d)")
_CODE_BEHIND = re.compile(rf"(?<=\d)\s?({'|'.join(_CODES)})\b")
_SIGN_BEHIND = re.compile(r"(?<![$€£¥\w.])(\d+(?:[.,]\d+)*)\s?([$€£¥])(?!\d)")
_LETTERS = re.compile(r"[b-hj-z]|[bcdfghjklmnpqrstvwxz]{2,3}")  # of a reference, as no word is spelled
_REFERENCE = re.compile(r"(?P<letters>[a-z]{1,3})-?(?P<digits>\d+)")
_ONE = re.compile(r"(?<=[\d.$€£¥])one\b|\bone(?=\.\d|%)")  # the normaliser writes a 1 between signs so
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LEADING_ZERO = re.compile(r"(?<![\w.-])0\d+(?![\w.-])")  # which the normaliser takes for a number and shortens
_FIRST = re.compile(
    rf"(\b(?:{_MONTH.pattern}|twenty|thirty)\s+(?:the\s+)?)?\b(?:first|second)\b(\s+of\b|(?=\s+{_MONTH.pattern}))?"
)  # else "at first"
_PENCE = re.compile(r"\b(?:pence|penny|cent)\b")
_MOST = 20_000  # words of a transcript that are looked at
_LONGEST = 40  # letters of a word that may be a value


@dataclass(frozen=True)
class Value:
    """What is said, apart from how: a date as (month, day, year or 0), else a number with its unit, a currency or per cent.

    A number with letters before it, as a reference has, is another one than that without. `either` is a date with month and day
    the other way round, where nobody can tell.
    """

    kind: str
    what: tuple[str, ...]
    unit: str = ""
    either: tuple[str, ...] = ()

    def same(self, other: Value) -> bool:
        """Equal, a unit counting only where both have one."""
        unlike = self.unit and other.unit and self.unit != other.unit
        mine = {self.what, self.either or self.what}
        return self.kind == other.kind and bool(mine & {other.what, other.either or other.what}) and not unlike


def values(text: str) -> tuple[Value, ...]:
    """The values of a text in their order: digits that follow each other are one number, as accounts are read out.

    So are digits between hyphens, and letters that are no word right before them are part of it. Numbers in words are read by
    Whisper's normaliser of English numbers (Radford et al. 2022).

    >>> [value.what for value in values("pay twelve hundred dollars by the third of May to 4111 2233")]
    [('1200',), ('5', '3', '0'), ('41112233',)]
    """
    words = _normalised(" ".join(word for word in text.split()[:_MOST] if len(word) <= _LONGEST))
    found: list[Value] = []
    at = 0
    while at < len(words):
        value, used = _date(words, at)
        if value is None:
            value, used = _number(words, at)
        if value is not None:
            found.append(value)
        at += max(used, 1)
    return tuple(found)


def _number(words: Sequence[str], at: int) -> tuple[Value | None, int]:
    """The number that begins here, with the letters before it, and how many words it takes; None and 0 where none does."""
    letters, start = "", at
    while start < len(words) and start - at < 3 and _LETTERS.fullmatch(words[start]):
        letters, start = letters + words[start], start + 1
    if start == len(words):
        return None, 0
    if (one := _REFERENCE.fullmatch(words[start])) and _LETTERS.fullmatch(one["letters"]):
        letters, digits, used = letters + one["letters"], one["digits"], 1
        if more := _digits(words, start + 1):
            digits, used = digits + "".join(words[start + 1 : start + 1 + more]), 1 + more
        return Value("number", (letters + digits,)), start - at + used
    if (one := _VALUE.fullmatch(words[start])) is None:
        return None, 0
    whole = one["digits"].isdigit() and not (one["currency"] or one["sign"] or one["percent"])
    if start > at and (not whole or len(letters) < 2):
        return None, 0
    used = _digits(words, start) if one["digits"].isdigit() and not one["currency"] else 1
    digits = "".join(words[start : start + used]) if used > 1 else one["digits"]
    said = letters + one["sign"] + _plain(digits)
    return Value("number", (said,), one["currency"] or one["percent"]), start - at + max(used, 1)


def _plain(digits: str) -> str:
    """Without zeros at the end of a fraction; leading ones stay, for an account may begin with them."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


@lru_cache(maxsize=4096)
def _normalised(text: str) -> tuple[str, ...]:
    plain = _GROUPS.sub("", text.lower().replace("’", "'"))
    slashed = ["/".join(one) for one in _SLASHED.findall(plain)]  # which the normaliser would take apart
    plain = _SLASHED.sub(f" {_A_DATE} ", plain)
    plain = _CODE_BEFORE.sub(lambda match: _CODES[match[1]][0], _SIGN_BEHIND.sub(r"\2\1", plain))
    plain = _CODE_BEHIND.sub(lambda match: f" {_CODES[match[1]][1]}", plain)
    plain = re.sub(r"[^\w\s.$€£¥%-]|\.(?!\d)|(?<!\w)-(?!\d)", " ", plain)
    plain = re.sub(r"(?<=[a-z])-(?=[a-z\d])", " ", plain)
    plain = _BETWEEN.sub(lambda match: match[0] if _ISO.fullmatch(match[0]) else match[0].replace("-", ""), plain)
    plain = _ONE_BY_ONE.sub(lambda match: match[0].replace(" ", ""), " ".join(plain.split()))
    plain = _FIRST.sub(lambda match: match[0] if match[1] or match[2] is not None else "early", plain)
    plain = _PENCE.sub("cents", _LEADING_ZERO.sub(lambda match: " ".join(_DIGITS[int(one)] for one in match[0]), plain))
    words = _ONE.sub("1", str(_normaliser()(plain))).split()
    _lone_ones(words)
    return tuple(slashed.pop(0) if word == _A_DATE and slashed else word for word in words)


def _lone_ones(words: list[str]) -> None:
    """A 1 by itself, which the normaliser writes out, is one of the digits that it stands beside."""
    for order in (range(len(words)), reversed(range(len(words)))):
        for i in order:
            if words[i] == "one" and any(one.isdigit() for one in (*words[max(0, i - 1) : i], *words[i + 1 : i + 2])):
                words[i] = "1"


@cache
def _normaliser() -> Any:
    from transformers.models.whisper.english_normalizer import EnglishNumberNormalizer

    return EnglishNumberNormalizer()


def _digits(words: Sequence[str], at: int) -> int:
    """How many words from here on are digits alone, as of a number that is read out in groups."""
    n = 0
    while at + n < len(words) and words[at + n].isdigit() and _date(words, at + n)[0] is None:
        n += 1
    return n


def _date(words: Sequence[str], at: int) -> tuple[Value | None, int]:
    """The date that begins here and how many words it takes; None and 0 where none does."""
    if iso := _ISO.fullmatch(words[at]):
        return Value("date", (str(int(iso[2])), str(int(iso[3])), iso[1])), 1
    if slashed := _SLASHED.fullmatch(words[at]):
        first, second = str(int(slashed[1])), str(int(slashed[2]))
        ways = [one for one in ((second, first), (first, second)) if int(one[0]) <= 12]
        if ways:
            return Value("date", (*ways[0], slashed[3]), either=(*ways[-1], slashed[3]) if len(ways) > 1 else ()), 1
    rest = [
        (i, "1" if word == "one" else word) for i, word in enumerate(words[at : at + 6]) if word not in ("the", "of")
    ]
    if len(rest) < 2 or rest[0][0] != 0:
        return None, 0
    first, second = rest[0][1], rest[1][1]
    if _MONTH.fullmatch(first) and (day := _DAY.fullmatch(second)):
        month = first
    elif _MONTH.fullmatch(second) and (day := _DAY.fullmatch(first)):
        month = second
    else:
        return None, 0
    used, year = rest[1][0] + 1, "0"
    if len(rest) > 2 and re.fullmatch(r"(?:19|20)\d\d", rest[2][1]):
        used, year = rest[2][0] + 1, rest[2][1]
    return Value("date", (str(_MONTHS.index(month[:3]) + 1), str(int(day[1])), year)), used


def right(entities: Sequence[Mapping[str, Any]], said: str) -> list[bool]:
    """Whether each entity {"kind", "spoken", "written"} stands in what was said, as a whole and each place counted once."""
    there = values(said)
    free = [True] * len(there)
    found = []
    for entity in entities:
        forms = [form for form in (values(entity["written"]), values(entity["spoken"])) if form]
        places = [
            range(i, i + len(form))
            for form in forms
            for i in range(len(there) - len(form) + 1)
            if all(free[i + j] and one.same(there[i + j]) for j, one in enumerate(form))
        ]
        for i in places[0] if places else ():
            free[i] = False
        found.append(bool(places))
    return found


def _accuracy(name: str, kind: str = "") -> Metric:
    """Of the entities of a target {"text", "entities"}, the share that is right, of one kind or of all (0 where there are none).

    Values beyond those of the text itself count as wrong ones, so that a list of numbers finds nothing.
    """

    def row(target: Mapping[str, Any], said: str) -> Row:
        entities = target["entities"]
        hits = right(entities, said)
        more = max(len(values(said)) - len(values(target["text"])), 0)
        of_kind = [hit for hit, entity in zip(hits, entities, strict=True) if kind in ("", entity["kind"])]
        return (float(sum(of_kind)), float(len(of_kind) + (more if of_kind else 0)))

    def ratio(totals: Array, n: Array) -> Array:
        return np.asarray(totals[..., 0] / np.where(totals[..., 1] > 0, totals[..., 1], 1.0))

    def fit(targets: Sequence[Mapping[str, Any]]) -> Metric:
        there = any(kind in ("", entity["kind"]) for target in targets for entity in target["entities"])
        reason = "" if there else f"no {kind or 'value'} is spoken in these examples"
        return replace(metric, fit=None, absent=lambda answers: reason)

    metric = Metric(
        name,
        row,
        fit=fit,
        summarise=ratio,
        worst=lambda target: row(target, ""),
        best=lambda target: row(target, target["text"]),
        signature="whole values in words or digits; more of them than were spoken count as wrong",
        undefined=lacking(f"no {kind or 'value'} is spoken in these examples", 1),
    )
    return metric


VALUES = (_accuracy("value_accuracy"), *(_accuracy(f"{kind}_accuracy", kind) for kind in KINDS))
