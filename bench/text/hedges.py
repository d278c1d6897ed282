"""Whether the words around a number give it as an answer: not where it is denied, asked, or one of several.

All texts are folded (`bench.text.numerals`). The words looked at are those of the clause, at most `NEAR` signs of it.
"""

from __future__ import annotations

import re

NEAR = 60  # signs
_DENIES = (
    r"(?:\b(?:not|never|neither|nor|cannot|(?:other|rather|different) (?:than|from)|instead of|anything but|far from|nowhere near"
    r"|false that|untrue that"
    r"|no longer|unlike|excluding|doubt)\b|n['’]t\b)"
)
_BEFORE = re.compile(
    rf"(?:{_DENIES}[^.,;:!?\n=]*|\b(?:not|wrong|incorrect)\W{{0,3}}"
    rf"|\b(?:between|either)\W{{0,3}}(?:(?:about|around|approximately|roughly) )?)$",
    re.IGNORECASE,
)
_IS = r"(?:is|was|are|were|seems|looks|(?:would|may|might|must|can|could|should|will)(?: be)?)"
_BEHIND = re.compile(
    rf" ?\?| ?[,;(]? ?(?:(?:which|that|but it) )?(?:{_IS}(?: ?not\b|n['’]t\b)"
    rf"|{_IS} (?:\w+ )?(?:wrong|incorrect|false|untrue|impossible|mistaken)\b)"
    r"| ?[-.,;:!]+ (?:wait|scratch that|correction|i mean|make that|or rather|no(?= wait\b| \d|[-,.;:!?]| ?$))\b"
    r"| ?[(:-]? ?(?:wrong|incorrect|false|not)\b(?! \d)",
    re.IGNORECASE,
)
_FEW_WORDS = (
    r"(?:(?:about|around|approximately|roughly|maybe|perhaps|possibly|even|else|at|up|to|as|much|is|it|was) ){0,3}"
)
_AMOUNT = r"[~≈ ]{0,2}(?P<other>[-+($€£¥₹]{0,4}\d)"
_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|zero|none|nothing|hundreds?|thousands?|not|no|less|more"
    r"|fewer|greater|higher|lower|above|below)\b"
)
_CHOICE = re.compile(
    rf" ?,? ?[(/]? ?(?:and/or|(?:\w+ )?or|nor|vs\.?|versus|(?:but )?(?:maybe|perhaps|possibly)) {_FEW_WORDS}(?:{_AMOUNT}|{_WORD})",
    re.IGNORECASE,
)
_SPAN = re.compile(
    rf" ?,? ?\(?(?:(?:up )?to|through|thru|till|until|and|as well as|plus|minus|times|over|divided by|multiplied by|out of"
    rf"|(?P<multiplied>x)) {_FEW_WORDS}{_AMOUNT}",
    re.IGNORECASE,
)
_SIGN = re.compile(rf"(?: [^\w\s,;:.!?()\[\]\"'“”‘’«»<=>$€£¥₹#≈*-]{{1,3}}| ?~) ?{_AMOUNT}")
_UNIT = r"(?: ?(?:%|(?:percent|thousand|million|billion|trillion|bn|[kmb])\b))?"
_LISTED = re.compile(rf" ?[-,;&/|] ?{_AMOUNT}[\d.,]*{_UNIT}(?=\W*$| ?[,;/|&]| (?:or|and)\b)", re.IGNORECASE)
_CUT = re.compile(r" ?[.,;] ?\d{3}(?!\d)| [.,;] ?\d")
_YEAR = re.compile(r"\D*(?:19|20)\d\d(?![\d,.]*\d)")
_TIME = re.compile(r"\D*\d+ (?:fiscal |calendar )?(?:years?|months?|quarters?|weeks?|days?)\b", re.IGNORECASE)
_RATIO = re.compile(r" ?to 1(?![\d.,]*\d)")
_ITEM = re.compile(r"[.)]? ?[-+($€£¥]{0,3}\d")


def denied(before: str, behind: str) -> bool:
    """Whether the words beside a number deny or ask it, take it back, or begin a choice.

    >>> denied("it is not ", ""), denied("not in 2018, but ", ""), denied("", " is wrong")
    (True, False, True)
    """
    return _BEFORE.search(before[-NEAR:]) is not None or _BEHIND.match(behind[:NEAR]) is not None


def other_place(behind: str) -> int | None:
    """Where in the text behind a number another one begins that may as well be meant, 0 for a word; None without one.

    A year or a time behind "to", "and" or "over" is none, nor is the one of a ratio.

    >>> other_place(" or 999"), other_place(" to 5"), other_place(" from 2018 to 2019"), other_place(" to 1")
    (4, 4, None, None)
    """
    behind = behind[: 2 * NEAR]
    if found := _CHOICE.match(behind):
        return max(found.start("other"), 0)
    if (found := _SPAN.match(behind)) and not _RATIO.match(behind):
        rest = behind[found.start("other") :]
        return None if _YEAR.match(rest) or _TIME.match(rest) else found.start("other")
    for pattern in (_SIGN, _LISTED):
        if found := pattern.match(behind):
            place = found.start("other")
            return None if _YEAR.match(behind[place:]) else place
    return 0 if _CUT.match(behind) and not _YEAR.match(behind) else None


def numbers_an_item(before: str, written: str, behind: str) -> bool:
    """Whether digits at the beginning count an item rather than being the answer: "1. 577" or "1) 577"."""
    counts = written.isdecimal() or (written.endswith(")") and "(" not in written)
    return not before.strip() and counts and behind[:1] in (".", " ") and _ITEM.match(behind) is not None
