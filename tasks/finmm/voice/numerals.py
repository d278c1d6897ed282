"""Numbers as people say them in English; hyphens are left out, so that every word stands alone."""

from __future__ import annotations

SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
MONTHS = ("January February March April May June July August September October November December").split()
_ODD = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def cardinal(n: int, link: str = "and") -> str:
    """A whole number from 0 to below 10^12; `link` stands before the last two digits, as the British say it.

    >>> cardinal(1249), cardinal(1249, "")
    ('one thousand two hundred and forty nine', 'one thousand two hundred forty nine')
    """
    for name in ("billion", "million", "thousand"):
        if n >= (scale := SCALES[name]):
            rest = n % scale
            between = f" {link}" if link and 0 < rest < 100 else ""
            return f"{cardinal(n // scale, link)} {name}" + (f"{between} {cardinal(rest, link)}" if rest else "")
    if n >= 100:
        between = f" {link}" if link else ""
        return f"{SMALL[n // 100]} hundred" + (f"{between} {cardinal(n % 100)}" if n % 100 else "")
    if n >= 20:
        return TENS[n // 10] + (f" {SMALL[n % 10]}" if n % 10 else "")
    return SMALL[n]


def ordinal(n: int) -> str:
    """The place in an order: 23 is "twenty third"."""
    *before, last = cardinal(n).split()
    changed = _ODD.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join((*before, changed))


def decimal(text: str, link: str = "and") -> str:
    """A number as written, with or without decimals: "4.25" is "four point two five"."""
    whole, _, part = text.replace(",", "").partition(".")
    return cardinal(int(whole), link) + (f" point {digits(part)}" if part else "")


def digits(text: str) -> str:
    """Signs one by one: "QK07" is "Q K zero seven"."""
    return " ".join(SMALL[int(sign)] if sign.isdigit() else sign for sign in text)


def year(n: int) -> str:
    """A year from 1901 to 2099 as it is mostly said."""
    if 2000 <= n < 2010:
        return "two thousand" + (f" and {SMALL[n - 2000]}" if n > 2000 else "")
    return f"{cardinal(n // 100)} " + (f"oh {SMALL[n % 100]}" if n % 100 < 10 else cardinal(n % 100))
