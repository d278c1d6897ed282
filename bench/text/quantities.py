"""Numbers as people and reports write them, read out of text.

Read are digits in the forms of `bench.text.numerals`, a sign (a hyphen, dash or minus right before them, "minus", "negative",
or brackets around the number alone, as accounts have it), a currency, and behind them per cent, basis points or a scale
("million", "bn", "$5M"). A number in another form is none, and is never read in part: 1,57 and 1.2.3, ranges and quotients
("5-7", "3/4"), powers and footnotes (10²), "--5", "-(5)", "3 hundred", any other sign
between digits. Passed over are dates and digits of a word ("FY2018", "10-K").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.text.beside import MONEY, begun_before, goes_on
from bench.text.hedges import denied, numbers_an_item, other_place
from bench.text.numerals import DIGITS, folded, size

FACTORS = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "mln": 1e6, "million": 1e6,
    "b": 1e9, "bn": 1e9, "billion": 1e9, "t": 1e12, "tn": 1e12, "trillion": 1e12,
}  # fmt: skip
_BASIS_POINT = 1e-4
_CURRENCY = (
    rf"(?:(?:US|C|CA|A|AU|HK|S|NZ|R)?[{MONEY}]|\b(?:USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|CAD|AUD|NZD|HKD|SGD|SEK|NOK|DKK|KRW|BRL|MXN"
    r"|ZAR))"
)
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
    def unscaled(self) -> float:
        """The number without its scale word, which per cent and basis points are not: 1.2 million is 1.2, 14.8 % is 0.148."""
        return self.value if self.percent or self.factor == _BASIS_POINT else self.mantissa

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
    return _sole(folded(text))


def _sole(plain: str) -> Number | None:
    """The same of a folded text."""
    whole = plain.removesuffix(".")
    match = _NUMBER.fullmatch(whole)
    return _number(match, whole) if match else None


def answer_number(text: str) -> Number | None:
    """The number that a text gives as its answer, None if there is none.

    The first one after the last "=" that is neither a year nor a whole number with a letter (the company 3M, Form 10K); if
    there are only such, the first of them. One before it that is not understood may be the answer: then there is none. Nor is
    there one where the text denies it or gives another beside it ("not 5", "5 or 7", "5 to 7", "5 + 7"; `bench.text.hedges`).
    """
    plain = folded(text)
    if (whole := _sole(plain)) is not None:
        return whole
    before, equals, result = plain.rpartition("=")
    chosen = _first_quantity(equals + result)
    if chosen and before[-1:] in tuple("!<>/≠"):
        return None
    if chosen:
        plain = equals + result
    else:
        chosen = _first_quantity(plain)
    return chosen[1] if chosen and chosen[1] and _is_given(chosen[0], chosen[1], plain) else None


def _first_quantity(text: str) -> tuple[re.Match[str], Number | None] | None:
    """The first number of a folded text that is no label, or is not understood; the first of its labels where it has no other."""
    first = None
    for one in placed(text):
        if one[1] is None or not reads_as_label(one[1].text):
            return one
        first = first or one
    return first


def _is_given(match: re.Match[str], number: Number, text: str) -> bool:
    """Whether the folded text gives the number as its answer: neither denied nor one of several that differ."""
    before, behind = text[max(0, match.start() - 64) : match.start()], text[match.end() : match.end() + 128]
    if denied(before, behind) or (match.start() < 2 and numbers_an_item(before, match[0].strip(), behind)):
        return False
    place = other_place(behind)
    if place is None:
        return True
    found = _NUMBER.match(text, match.end() + place)
    other = _number(found, text) if found else None
    return other is not None and abs(other.value - number.value) <= 0.01 * abs(number.value)


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
    return (number for _, number in placed(text))


def placed(text: str) -> Iterator[tuple[re.Match[str], Number | None]]:
    """The numbers of a folded text with where they stand, None for each that is not understood; dates are passed over."""
    for match in _NUMBER.finditer(text):
        before, behind = text[max(0, match.start() - 1) : match.start()], text[match.end() :][:1]
        in_a_word = (before.isalnum() and not match["open"]) or before == "_" or behind.isalpha()
        if (
            not in_a_word
            and not re.match(r"-[^\W\d]", text[match.end() : match.end() + 2])
            and not _is_date(match, text)
        ):
            yield match, _number(match, text)


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
    """Whether what stands beside the match, or a sign before brackets, says that it is not the whole number."""
    before, behind = text[max(0, match.start() - 64) : match.start()], text[match.end() : match.end() + 64]
    signs = [match[name] or "" for name in ("sign", "inner_sign")]
    last = before.rpartition("\n")[2].rstrip(" ")[-1:]
    # A hyphen and a space are a bullet, a dash or a difference, but for "= - 5".
    spaced = any(sign.endswith(" ") and sign[0] in "-+" for sign in signs)
    return bool(
        (spaced and last not in ("=", ":", "("))
        or (match["inner_open"] and any(signs))
        or (match["open"] and before[-1:].isdecimal())
        or begun_before(before)
        or goes_on(behind, scaled=bool(match["word"] or match["letter"]), percent=bool(match["percent"]))
    )


def _is_date(match: re.Match[str], text: str) -> bool:
    """Whether it reads as a date, a time or years; a number beside the name of a month is a day or a year."""
    near = _BEHIND_MONTH.search(text[max(0, match.start() - 12) : match.start()])
    follows = re.match(rf" {_MONTH}(?!\w)", text[match.end() : match.end() + 12], re.IGNORECASE)
    return bool(_DATE.fullmatch(match["digits"]) or near or follows)


def reads_as_label(text: str) -> bool:
    """Whether it reads as a year or as a name rather than as a quantity."""
    return re.fullmatch(r"\(?(?:19|20)\d\d\)?|\d+[A-Za-z]", text) is not None
