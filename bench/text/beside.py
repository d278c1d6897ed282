"""What stands beside the digits of a number in a folded text (`bench.text.numerals`) and says that they are not all of it."""

from __future__ import annotations

import re
import unicodedata

MONEY = "$€£¥₹₽₩₺₫₪₱₦"
_STANDS_BEFORE = frozenset("([{<>\"'“”‘’«»„:=~≈#•`\n " + MONEY)  # what a number may stand right behind
_JOINS = frozenset("/^*±∓√≠<≤≥÷×¬")  # also with a space between
_TAGS = r"(?:<[^<>]{0,20}>){1,3}"
# what follows the first part of more than a number: a sign and a digit, a power, a sign that hangs behind it, a tag or a macro
_GOES_ON = re.compile(
    r"[^\w\s=]{1,3}\d| ?[-/^*]{1,2} ?[$€£¥(]*\d| [^\w\s(\[{\"'“‘«#~≈$€£¥₹+<>=:-]\d|\^|-(?!\w)"
    rf"|{_TAGS}\d|<su[bp]\b|\\[A-Za-z]"
)
_BEGUN = re.compile(rf"\d(?:[^\w\s=:]{{1,3}}|{_TAGS})$")
_MINUS_APART = re.compile(  # a minus before something else than digits
    r"(?<![^\W_])-(?:[(\[{<\"'“”‘’«„~≈#`$€£¥₹]{1,4} ?|[^\W\d_]{1,3}\.? ?)$"
    r"|\b(?:minus|negative)\W{1,3}(?:(?:about|around|approximately|roughly|some|of)\W{1,2})?$",
    re.IGNORECASE,
)
_STRUCK = re.compile(r"(?:~~|<(?:s|del|strike)>)$", re.IGNORECASE)
_UNKNOWN_SCALE = re.compile(
    r" ?(?:(?:hundred|dozen|lakh|crore|quadrillion|quintillion|zillion)s?|ppm|per ?mille?|mille|squared|cubed)\b| ?[‰‱½¼¾⅓⅔⅛⅜⅝⅞]"
    r"| (?:point|dot|comma) (?:\d|(?:one|two|three|four|five|six|seven|eight|nine|zero)\b)"
    r"| and (?:a|one|three)[ -](?:half|third|quarter)s?\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r" (?:and )?\d")  # 1 million 200 thousand


def begun_before(before: str) -> bool:
    """Whether the text before a number ends in a part of it: digits and a sign, a sign that is not understood, a minus apart.

    >>> begun_before("1|"), begun_before("-["), begun_before("a loss of ")
    (True, True, False)
    """
    last = before[-1:]
    return bool(
        (last and not last.isalnum() and last not in _STANDS_BEFORE)
        or before.rpartition("\n")[2].rstrip(" ")[-1:] in _JOINS
        or unicodedata.category(last or " ") in ("No", "Nl")
        or _BEGUN.search(before)
        or _MINUS_APART.search(before)
        or _STRUCK.search(before)
    )


def goes_on(behind: str, *, scaled: bool, percent: bool) -> bool:
    """Whether a number goes on in the text behind it; a dash behind one with a scale word or a per cent is only a dash.

    >>> goes_on("|577", scaled=False, percent=False), goes_on(" - 3 % more", scaled=True, percent=False)
    (True, False)
    """
    found = _GOES_ON.match(behind)
    return bool(
        (found and not (found[0][:1] == " " and (scaled or percent)))
        or unicodedata.category(behind[:1] or " ") in ("No", "Nl")
        or _UNKNOWN_SCALE.match(behind)
        or (scaled and _PARTS.match(behind))
        or behind[:1].isalnum()
    )
