"""Amounts and dates as they are written, and read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

CURRENCIES: dict[str, tuple[str, int, float]] = {
    # code: (symbol, digits after the point, units for one US dollar)
    "USD": ("$", 2, 1),
    "EUR": ("€", 2, 1),
    "GBP": ("£", 2, 0.8),
    "CHF": ("CHF", 2, 1),
    "SEK": ("kr", 2, 10),
    "PLN": ("zł", 2, 4),
    "TRY": ("₺", 2, 30),
    "CAD": ("$", 2, 1.4),
    "BRL": ("R$", 2, 5),
    "MXN": ("$", 2, 18),
    "ARS": ("$", 2, 400),
    "INR": ("₹", 2, 80),
    "JPY": ("¥", 0, 140),
    "SGD": ("S$", 2, 1.4),
    "AUD": ("$", 2, 1.5),
    "ZAR": ("R", 2, 18),
    "NGN": ("₦", 2, 700),
    "KES": ("KSh", 2, 130),
    "AED": ("AED", 2, 3.7),
    "PHP": ("₱", 2, 55),
}
NAMES: dict[str, tuple[str, str]] = {
    "USD": ("dollars", "cents"),
    "EUR": ("euros", "cents"),
    "GBP": ("pounds", "pence"),
    "CHF": ("francs", "centimes"),
    "SEK": ("kronor", "ore"),
    "PLN": ("zlotys", "groszy"),
    "TRY": ("lira", "kurus"),
    "CAD": ("dollars", "cents"),
    "BRL": ("reais", "centavos"),
    "MXN": ("pesos", "centavos"),
    "ARS": ("pesos", "centavos"),
    "INR": ("rupees", "paise"),
    "JPY": ("yen", "sen"),
    "SGD": ("dollars", "cents"),
    "AUD": ("dollars", "cents"),
    "ZAR": ("rand", "cents"),
    "NGN": ("naira", "kobo"),
    "KES": ("shillings", "cents"),
    "AED": ("dirhams", "fils"),
    "PHP": ("pesos", "centavos"),
}
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MARKS = {"1,234.56": (",", "."), "1.234,56": (".", ","), "1 234,56": (" ", ","), "1'234.56": ("'", "."),
          "1,23,456.78": (",", ".")}  # fmt: skip
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WESTERN = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_INDIAN = ((10_000_000, "crore"), (100_000, "lakh"), (1_000, "thousand"), (100, "hundred"))


def marks(number_format: str) -> tuple[str, str]:
    """The mark between groups of digits and the decimal sign."""
    return _MARKS[number_format]


def decimals(currency: str) -> int:
    """Digits after the point."""
    return CURRENCIES[currency][1]


def write_amount(minor: int, currency: str, number_format: str) -> str:
    """An amount of minor units with grouping, without a symbol.

    >>> write_amount(12345678, "INR", "1,23,456.78")
    '1,23,456.78'
    >>> write_amount(-123456, "EUR", "1.234,56")
    '-1.234,56'
    """
    group, point = _MARKS[number_format]
    digits = decimals(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    text = _grouped(str(whole), group, 2 if number_format == "1,23,456.78" else 3)
    return f"{'-' if minor < 0 else ''}{text}{f'{point}{rest:0{digits}d}' if digits else ''}"


def _grouped(digits: str, mark: str, step: int) -> str:
    head, parts = digits[:-3], [digits[-3:]]
    while head:
        head, part = head[:-step], head[-step:]
        parts.append(part)
    return mark.join(reversed(parts))


def read_amount(text: str, currency: str, number_format: str) -> int:
    """Minor units of a printed amount, whatever stands around the digits.

    >>> read_amount("1 234,50 kr", "SEK", "1 234,56")
    123450
    """
    point = _MARKS[number_format][1]
    digits = "".join(mark for mark in text if mark.isdigit() or mark == point).strip(point)
    whole, _, rest = digits.partition(point)
    places = decimals(currency)
    value = int(whole) * int(10**places) + (int(rest.ljust(places, "0")) if places and rest else 0)
    return -value if "-" in text or text.startswith("(") else value


def write_date(day: date, pattern: str) -> str:
    """A date in a strftime pattern, in English whatever the locale is.

    >>> write_date(date(2024, 3, 5), "%-d %b %Y")
    '5 Mar 2024'
    """
    month = MONTHS[day.month - 1]
    marks = {"%-d": str(day.day), "%d": f"{day.day:02d}", "%m": f"{day.month:02d}", "%Y": f"{day.year}", "%B": month}
    for mark, text in {**marks, "%b": month[:3]}.items():
        pattern = pattern.replace(mark, text)
    return pattern


def words(number: int, indian: bool = False) -> str:
    """A whole number in English words, with lakh and crore when Indian.

    >>> words(1234)
    'one thousand two hundred thirty-four'
    >>> words(250000, indian=True)
    'two lakh fifty thousand'
    """
    if number < 20:
        return _SMALL[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_SMALL[number % 10]}" if number % 10 else "")
    size, name = next(step for step in (_INDIAN if indian else _WESTERN) if number >= step[0])
    rest = f" {words(number % size, indian)}" if number % size else ""
    return f"{words(number // size, indian)} {name}{rest}"


def amount_in_words(minor: int, currency: str, cents: str) -> str:
    """An amount as a cheque writes it; `cents` is "words", "fraction" or "only".

    >>> amount_in_words(123456, "USD", "fraction")
    'one thousand two hundred thirty-four and 56/100 dollars'
    """
    digits = decimals(currency)
    whole, rest = divmod(minor, 10**digits)
    unit, small = NAMES[currency]
    text = words(whole, currency == "INR")
    if not digits:
        return f"{text} {unit} only"
    styles: dict[str, Callable[[], str]] = {
        "fraction": lambda: f"{text} and {rest:02d}/100 {unit}",
        "words": lambda: f"{text} {unit} and {words(rest)} {small}",
        "only": lambda: f"{text} {unit} {f'and {words(rest)} {small} ' if rest else ''}only",
    }
    return styles[cents]()
