"""Values as people write them, to be compared for what they mean: amounts, dates, numbers of accounts, names.

A value is read whole or not at all: two amounts, or an amount in a sentence, are no amount.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

KINDS = ("amount", "date", "number", "text")
LONGEST = 200  # characters of a text that is read as an amount or a date
_SIGN = r"[^\W\d]{0,4}\.?[$€£¥₹₦₺₱]?"  # a currency's sign or code
_CURRENCY = r"(?:\s+[^\W\d]{2,20}){1,3}"  # written out behind the digits, as South African rand
_AMOUNT = re.compile(
    rf"(?:\+|(?P<minus>[-(]?))\s*{_SIGN}\s*(?P<minus_too>-?)(?P<digits>\d[\d.,' ’]*?)\s*(?:%|{_SIGN}|{_CURRENCY})\s*\)?\s*\.?"
)
_HYPHENS = re.compile("[\u2010-\u2015\u2212]")
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+", re.IGNORECASE)
_BETWEEN = "; "  # of two values that a reply gives for one field
_GROUPS = re.compile(r"\d{1,3}(?:(?P<mark>[.,' ])\d{2,3})(?:(?P=mark)\d{2,3})*(?:(?P<point>[.,])\d{1,3})?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"  # noqa: E501
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_WORDED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_DAY}[\s.-]*(?:of\s+)?{_MONTH}[\s.,-]*(?P<year>\d{{4}}|\d\d)",
        rf"{_MONTH}[\s.-]*{_DAY}[\s,-]+(?P<year>\d{{4}}|\d\d)",
    )
)
_ISO = re.compile(r"(?P<year>\d{4})\s*[-/.]\s*(?P<month>\d{1,2})\s*[-/.]\s*(?P<day>\d{1,2})(?:[T ]00:00(?::00)?Z?)?")
_NUMERIC = re.compile(r"(?P<first>\d{1,2})\s*(?P<mark>[-/. ])\s*(?P<second>\d{1,2})\s*(?P=mark)\s*(?P<year>\d{4}|\d\d)")
_PIVOT = 69  # of years of two digits the first that is of the last century


def amounts(text: str) -> set[Decimal]:
    """What a text may say as one amount, without its currency; nothing where it is none.

    The last mark before one or two digits is the decimal sign; a single mark before three digits may be either.

    >>> sorted(amounts("R$1.234,50")), sorted(amounts("1,234")), amounts("12 or 13"), sorted(amounts("(5.00)"))
    ([Decimal('1234.50')], [Decimal('1.234'), Decimal('1234')], set(), [Decimal('-5.00')])
    """
    if len(text) > LONGEST or (found := _AMOUNT.fullmatch(_HYPHENS.sub("-", text.strip()))) is None:
        return set()
    sign = "-" if found["minus"] or found["minus_too"] else ""
    return {Decimal(f"{sign}{plain}") for plain in _plain(found["digits"].replace("’", "'"))}


def _plain(digits: str) -> set[str]:
    if digits.isdecimal():
        return {digits}
    found = set()
    if (one := re.fullmatch(r"(\d+)[.,](\d+)", digits)) is not None:
        found.add(f"{one[1]}.{one[2]}")
    grouped = _GROUPS.fullmatch(digits)
    if grouped and grouped["mark"] != grouped["point"]:
        head, _, rest = digits.rpartition(grouped["point"]) if grouped["point"] else (digits, "", "")
        parts = head.split(grouped["mark"])
        if len(parts[-1]) == 3 and (len(parts) < 3 or len({len(part) for part in parts[1:-1]}) == 1):
            found.add("".join(parts) + (f".{rest}" if rest else ""))
    return found


def dates(text: str, month_first: bool = False) -> set[str]:
    """What day a text may say, as ISO dates; nothing where it is no single day.

    Where only digits tell it the day comes first, or the month where pages of that country have it so.

    >>> dates("3rd July 2025"), dates("03/07/2025"), dates("03/07/2025", month_first=True), dates("2025-07-03")
    ({'2025-07-03'}, {'2025-07-03'}, {'2025-03-07'}, {'2025-07-03'})
    """
    if len(text) > LONGEST:
        return set()
    text = _WEEKDAY.sub("", _HYPHENS.sub("-", text.strip().rstrip(".,")), count=1)
    if found := _ISO.fullmatch(text):
        return _day(found["year"], int(found["month"]), found["day"])
    for pattern in _WORDED:
        if found := pattern.fullmatch(text):
            return _day(found["year"], _MONTHS.index(found["month"][:3].lower()) + 1, found["day"])
    if found := _NUMERIC.fullmatch(text):
        first, second = found["first"], found["second"]
        day, month = (second, first) if month_first else (first, second)
        if int(month) > 12:  # then it can only be the other way round
            day, month = month, day
        return _day(found["year"], int(month), day)
    return set()


def _day(year: str, month: int, day: str) -> set[str]:
    """The day in ISO's form; years of two digits are those from 1969 to 2068, as POSIX has them."""
    whole = int(year) + (0 if len(year) > 2 else 1900 if int(year) >= _PIVOT else 2000)
    try:
        return {date(whole, month, int(day)).isoformat()}
    except ValueError:
        return set()


def squashed(text: str) -> str:
    """A name without white space and case, which readers of pictures lose.

    >>> squashed("Atlas  Quay Ltd"), squashed("ATLASQUAY LTD")
    ('atlasquayltd', 'atlasquayltd')
    """
    return "".join(text.casefold().split())


def digits_and_letters(text: str) -> str:
    """The number of an account or a document without its blanks and marks.

    >>> digits_and_letters("NL51 LMCP-2425")
    'nl51lmcp2425'
    """
    return "".join(filter(str.isalnum, text.casefold()))


_COMPARED: Mapping[str, Callable[[str], str]] = {"text": squashed, "number": digits_and_letters}


def same_printed(field: Mapping[str, Any], said: str) -> bool:
    """Whether a value is the first of the field's texts, sign for sign but for runs of white space."""
    return " ".join(said.split()) == " ".join(str(field["texts"][0]).split())


def same_value(field: Mapping[str, Any], said: str) -> bool:
    """Whether a value means the field's: equal to one of its texts without case and blanks, or the same amount or day.

    `field` has "kind", one of `KINDS`, and "texts", all the ways to say it; an amount its "value" as plain decimal digits, a date
    as an ISO date with "month_first". Of several values that a reply gives all must mean it.
    """
    texts: Sequence[str] = field["texts"]
    compared = _COMPARED.get(field["kind"], squashed)
    if compared(said) and compared(said) in map(compared, texts):
        return True
    if len(parts := said[: 5 * LONGEST].split(_BETWEEN)) > 1:
        return all(same_value(field, part) for part in parts)
    if field["kind"] == "amount":
        return Decimal(field["value"]) in amounts(said)
    return field["kind"] == "date" and field["value"] in dates(said, field["month_first"])
