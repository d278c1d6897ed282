"""Numbers as people and reports write them: read out of text, and compared with a gold number.

Read are digits with or without thousands commas and a decimal point, a sign ("-", "−", "–", "minus", "negative", or brackets
around the number alone, as accounts have it), a currency before it, and after it per cent or a scale ("million", "bn",
"$5M"). Not read are numbers in words ("twelve"), decimal commas and thousands spaces ("1 452,4"), exponents, fractions
("3/4"), dates, basis points, and digits that belong to a word ("FY2018", "10-K", "COVID-19").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.metrics.metric import Metric, Row

FACTORS = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6,
    "b": 1e9, "bn": 1e9, "billion": 1e9, "t": 1e12, "tn": 1e12, "trillion": 1e12,
}  # fmt: skip
_SIGN = r"[-+−–]"
_CURRENCY = r"(?:(?:US|C|A|HK)?[$€£¥]|\b(?:USD|EUR|GBP|CHF|JPY|CNY|INR))"
_NUMBER = re.compile(
    rf"(?<![\w.,%])(?<![\w%][-−–/])"  # not in the middle of a word, a longer number, a range or a date
    rf"(?P<open>\( ?)?(?P<sign>{_SIGN}|\b(?:minus|negative) )?"
    rf"(?P<currency>{_CURRENCY} ?)?(?P<inner_sign>{_SIGN})?(?P<inner_open>\( ?)?"
    rf"(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<close> ?\))?"
    rf"(?: ?(?P<percent>%|(?:percent|per ?cent|pct|percentage points?)\b)"
    rf"| ?(?P<word>thousand|million|billion|trillion|mln|mn|mm|bn|tn)s?\b|(?P<letter>[kmbt])\b|x\b)?"
    rf"(?P<late_close> ?\))?(?!\w|[.,]?\d|-[^\W\d])",
    re.IGNORECASE,
)
_LONGEST = 300  # digits that a float can hold


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
    """All the numbers of a text, in order.

    >>> [number.value for number in read_numbers("a loss of $(1,452.4) million, or −3.5 %, in FY2018")]
    [-1452400000.0, -0.035]
    """
    return [_number(match) for match in _NUMBER.finditer(_folded(text)) if len(match["digits"]) <= _LONGEST]


def sole_number(text: str) -> Number | None:
    """The number that is the whole text, but for a full stop at its end; None where there is more or nothing.

    >>> sole_number("$1577.00").value, sole_number("36% of it")
    (1577.0, None)
    """
    match = _NUMBER.fullmatch(_folded(text).removesuffix("."))
    return _number(match) if match and len(match["digits"]) <= _LONGEST else None


def answer_number(text: str) -> Number | None:
    """The number that a text gives as its answer, None if there is none.

    The first one after the last "=" that is neither a year nor a whole number with a letter (the company 3M, Form 10K); if
    there are only such, the first of them.
    """
    if (whole := sole_number(text)) is not None:
        return whole
    numbers = read_numbers(text.rpartition("=")[2]) or read_numbers(text)
    return next((number for number in numbers if not _is_label(number.text)), numbers[0] if numbers else None)


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


def _folded(text: str) -> str:
    """Single spaces only, so that the pattern has no runs of them to try."""
    return " ".join(text.split())


def _number(match: re.Match[str]) -> Number:
    signs = (match["sign"] or "") + (match["inner_sign"] or "")
    opened, closed = match["open"] or match["inner_open"], match["close"] or match["late_close"]
    negative = bool(signs.strip().strip("+")) or bool(opened and closed)
    size = float(match["digits"].replace(",", ""))
    word = (match["word"] or match["letter"] or "").lower()
    return Number(-size if negative else size, FACTORS.get(word), bool(match["percent"]), match[0].strip())


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
