"""Numbers as people and reports write them: read out of text, and compared with a gold number.

Read are digits in the forms of `bench.text.numerals`, a sign (a hyphen, dash or minus right before them, "minus", "negative",
or brackets around the number alone, as accounts have it), a currency, and behind them per cent, basis points or a scale
("million", "bn", "$5M"). A number in another form is none, and is never read in part: 1,57 and 1.2.3, ranges and quotients
("5-7", "3/4"), powers and footnotes (10²), "--5", "3 hundred". Passed over are dates and digits of a word ("FY2018", "10-K").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.metrics.metric import Metric, Row
from bench.text.numerals import DIGITS, folded, size

FACTORS = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6,
    "b": 1e9, "bn": 1e9, "billion": 1e9, "t": 1e12, "tn": 1e12, "trillion": 1e12,
}  # fmt: skip
_BASIS_POINT = 1e-4
_CURRENCY = r"(?:(?:US|C|A|HK)?[$€£¥]|\b(?:USD|EUR|GBP|CHF|JPY|CNY|INR))"
_NUMBER = re.compile(
    rf"(?P<open>\( ?)?(?P<sign>[-+]{{1,3}} ?|\b(?:minus|negative) )?(?P<currency>{_CURRENCY} ?)?(?P<inner_sign>[-+]{{1,3}} ?)?"
    rf"(?P<inner_open>\( ?)?(?P<digits>{DIGITS})(?P<close> ?\))?"
    rf"(?: ?(?P<percent>%|(?:percent|per ?cent|pct|percentage points?)\b)| ?(?P<points>bps?|basis points?)\b"
    rf"| ?(?P<word>thousand|million|billion|trillion|mln|mn|mm|bn|tn)s?\b|(?P<letter>[kmbt])\b|x\b)?(?: ?[$€£¥](?!\d))?"
    rf"(?P<late_close> ?\))?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:19|20)\d\d[-/](?:(?:19|20)?\d\d)(?:[-/]\d\d)?|\d{1,2}[/.-]\d{1,2}[/.-](?:\d\d|\d{4})|\d{1,2}:\d\d"
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\.?"
)
_BEHIND_MONTH = re.compile(rf"\b{_MONTH} $", re.IGNORECASE)
_GOES_ON = re.compile(r"[-/^*_.,:']{1,3}\d| ?[-/^*]{1,2} ?[$€£¥(]*\d")  # of what is more than a number
_UNKNOWN_SCALE = re.compile(r" ?(?:hundred|dozen|lakh|crore|quadrillion|quintillion)s?\b", re.IGNORECASE)
_PARTS = re.compile(r" (?:and )?\d")  # 1 million 200 thousand


@dataclass(frozen=True)
class Number:
    """A number as written: `mantissa` with its sign, the `factor` of its scale word (None if it has none), per cent.

    `text` is what was read.
    """

    mantissa: float
    factor: float | None = None
    percent: bool = False
    text: str = ""

    @property
    def value(self) -> float:
        """The number itself: 1.2 million is 1,200,000 and 14.8 % is 0.148."""
        return self.mantissa * (self.factor or 1.0) * (0.01 if self.percent else 1.0)

    def within(self, factor: float | None) -> Number:
        """The number in the unit that was asked for ("in USD millions"), where it says none itself."""
        return self if self.factor or self.percent else replace(self, factor=factor)


def read_numbers(text: str) -> list[Number]:
    """All the numbers of a text that are understood, in order.

    >>> [number.value for number in read_numbers("a loss of $(1,452.4) million, or −3.5 %, in FY2018")]
    [-1452400000.0, -0.035]
    """
    return [number for number in _readings(folded(text)) if number is not None]


def n_unread(text: str) -> int:
    """How many numbers of a text are in a form that is not understood.

    >>> n_unread("1,57 or 12")
    1
    """
    return sum(number is None for number in _readings(folded(text)))


def sole_number(text: str) -> Number | None:
    """The number that is the whole text, but for a full stop at its end; None where there is more or nothing.

    >>> sole_number("$1577.00").value, sole_number("36% of it")
    (1577.0, None)
    """
    whole = folded(text).removesuffix(".")
    match = _NUMBER.fullmatch(whole)
    return _number(match, whole) if match else None


def answer_number(text: str) -> Number | None:
    """The number that a text gives as its answer, None if there is none.

    The first one after the last "=" that is neither a year nor a whole number with a letter (the company 3M, Form 10K); if
    there are only such, the first of them. One before it that is not understood may be the answer: then there is none.
    """
    if (whole := sole_number(text)) is not None:
        return whole
    plain = folded(text)
    _, equals, result = plain.rpartition("=")
    numbers = list(_readings(equals + result)) or list(_readings(plain))
    chosen = next((number for number in numbers if number is None or not _is_label(number.text)), None)
    return chosen or (numbers[0] if numbers and None not in numbers else None)


def is_misread(text: str) -> bool:
    """Whether a text that begins like a number is in a form that is not understood, so that no part of it may be taken for one.

    >>> is_misread("1,57"), is_misread("1,577 stores"), is_misread("fees of 1,57")
    (True, False, False)
    """
    plain = folded(text)
    match = _NUMBER.match(plain)
    return match is not None and not _is_date(match, plain) and _number(match, plain) is None


def _readings(text: str) -> Iterator[Number | None]:
    """The numbers of a folded text in order, None for each that is not understood."""
    for match in _NUMBER.finditer(text):
        before, behind = text[: match.start()][-1:], text[match.end() :][:1]
        in_a_word = (before.isalnum() and not match["open"]) or before == "_" or behind.isalpha()
        if (
            not in_a_word
            and not re.match(r"-[^\W\d]", text[match.end() : match.end() + 2])
            and not _is_date(match, text)
        ):
            yield _number(match, text)


def agrees(found: Number, gold: Number, tolerance: float = 0.01) -> bool:
    """Whether two numbers are the same within a share `tolerance` of the gold one; the sign counts.

    A number without scale and per cent may also be meant in the gold's: 65.4 and 0.654 agree with 65.4 %, and 1577 with 1577
    million. A stated scale is taken at its word.
    """
    readings = [found.value]
    if found.factor is None and not found.percent:
        readings.append(replace(gold, mantissa=found.mantissa).value)
    slack = tolerance * abs(gold.value) * (1 + 1e-9)  # the bound itself agrees, whatever its last bit
    return any(abs(reading - gold.value) <= slack for reading in readings)


def _number(match: re.Match[str], text: str) -> Number | None:
    """The number of a match in its folded text, None where it is not understood."""
    signs = ((match["sign"] or "") + (match["inner_sign"] or "")).strip()
    value = size(match["digits"])
    if value is None or _is_part(match, text):
        return None
    if signs.count("-") + signs.count("+") > (0 if signs[:1].isalpha() else 1):
        return None
    called = text[: match.start()][-1:].isalnum()  # f(5)
    opened, closed = match["inner_open"] or (match["open"] and not called), match["close"] or match["late_close"]
    negative = bool(signs.strip("+")) or bool(opened and closed)
    word = (match["word"] or match["letter"] or "").lower()
    factor = _BASIS_POINT if match["points"] else FACTORS.get(word)
    return Number(-value if negative else value, factor, bool(match["percent"]), match[0].strip())


def _is_part(match: re.Match[str], text: str) -> bool:
    """Whether what stands beside the match says that it is not the whole number."""
    start, end = match.start(), match.end()
    before, behind = text[:start], text[end:]
    scaled = bool(match["word"] or match["letter"])
    last = before.rpartition("\n")[2].rstrip(" ")[-1:]
    # A hyphen and a space are a bullet, a dash or a difference, but for "= - 5".
    spaced = any(
        (match[name] or "").endswith(" ") for name in ("sign", "inner_sign") if (match[name] or " ")[0] in "-+"
    )
    goes_on = _GOES_ON.match(behind)
    return bool(
        (spaced and last not in ("=", ":", "("))
        or before[-1:] in [*".,%_±√"]
        or last in [*"/^*"]
        or (goes_on and not (goes_on[0][:1] == " " and (scaled or match["percent"])))
        or unicodedata.category(behind[:1] or " ") in ("No", "Nl")
        or unicodedata.category(before[-1:] or " ") in ("No", "Nl")
        or _UNKNOWN_SCALE.match(behind)
        or (scaled and _PARTS.match(behind))
        or behind[:1].isalnum()
    )


def _is_date(match: re.Match[str], text: str) -> bool:
    """Whether it reads as a date, a time or years; a number beside the name of a month is a day or a year."""
    near = _BEHIND_MONTH.search(text[max(0, match.start() - 12) : match.start()])
    follows = re.match(rf" {_MONTH}(?!\w)", text[match.end() : match.end() + 12], re.IGNORECASE)
    return bool(_DATE.fullmatch(match["digits"]) or near or follows)


def _is_label(text: str) -> bool:
    """Whether it reads as a year or as a name rather than as a quantity."""
    return re.fullmatch(r"\(?(?:19|20)\d\d\)?|\d+[A-Za-z]", text) is not None


def _gold(target: Mapping[str, Any]) -> Number | None:
    """The gold answer where it is a number and nothing else, in the unit that the question asks for."""
    number = sole_number(target["text"])
    return number and number.within(target["factor"])


def _numeric_match(target: Mapping[str, Any], answer: str) -> Row:
    """(match, 1) where the gold answer is a number, (0, 0) where it is a sentence."""
    gold, found = _gold(target), answer_number(answer)
    return (float(gold is not None and found is not None and agrees(found, gold)), float(gold is not None))


# target {"text", "factor": of the unit that the question asks for, or None}, answer text; over the numeric targets alone
NUMERIC_MATCH = Metric(
    "numeric_match",
    measure=_numeric_match,
    summarise=lambda totals, n: totals[..., 0] / totals[..., 1].clip(min=1),
    worst=lambda target: (0.0, float(_gold(target) is not None)),
    best=lambda target: (float(_gold(target) is not None),) * 2,
    signature="answers that are one number, 1 % tolerance",
)
