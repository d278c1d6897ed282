"""Text as it is scored: what looks the same counts the same, and what cannot be seen counts for nothing.

The one rule for every task, on both sides of a comparison. In this order:

1. Signs that cannot be seen are taken out: zero-width signs and joiners, soft hyphens, marks of direction, variation
   selectors, tags, control characters, halves of surrogate pairs, code points that no character has.
2. White space of any kind, and signs that are blank (Hangul fillers, the braille blank), is one blank.
3. NFKC: full-width digits and letters, ligatures, "…" and the like are the signs that they stand for. A sign that is no
   digit never turns into one: 10² is not 102, and 3½ not 31⁄2.
4. Of marks on one letter the first 30 count, as in Unicode's stream-safe texts.
5. Runs of blanks are one, and none is left at the ends.

Letters that look alike in two alphabets stay different (a Cyrillic "а" is no Latin "a"), and so do dashes and quotes.
"""

from __future__ import annotations

import copy
import re
import unicodedata

from bench.types import Json

_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u180e\U0001d159")
_UNSEEN = frozenset(
    "\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f"
)  # marks that say how their letter is drawn, or nothing
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0000, 0xE1000))
_UNSEEN_KINDS = frozenset({"Cc", "Cf", "Cs", "Cn"})
_MARKS = 30
_DIGIT = re.compile("[0-9]")


class _Signs(dict[int, str]):
    """What `str.translate` puts for a code point, found once for each that occurs."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if sign.isspace() or sign in _BLANKS:
            found = " "
        elif sign in _UNSEEN or any(code in part for part in _SELECTORS):
            found = ""
        else:
            found = "" if unicodedata.category(sign) in _UNSEEN_KINDS else sign
        self[code] = found
        return found


class _Stays(dict[str, bool]):
    """Whether NFKC would make a digit of a sign that is none."""

    def __missing__(self, sign: str) -> bool:
        made = unicodedata.normalize("NFKC", sign)
        found = not sign.isdecimal() and _DIGIT.search(made) is not None
        self[sign] = found
        return found


class _Moves(dict[str, bool]):
    """Whether a sign alone is another once it is seen, or a mark that is counted."""

    def __missing__(self, sign: str) -> bool:
        found = sign.translate(_SEEN) != sign or unicodedata.combining(sign) != 0
        self[sign] = found
        return found


_SEEN, _STAYS, _MOVES = _Signs(), _Stays(), _Moves()


def normalised(text: str) -> str:
    """The text as it is scored; the same again for what it gives.

    >>> normalised("  １２.５０\\u3000USD\\u200b "), normalised("ﬁnd 3½"), normalised("x" + "\\u2003" * 2000 + "y")
    ('12.50 USD', 'find 3½', 'x y')
    """
    if not (text.isascii() and text.isprintable()) and not _is_plain(text):
        text = _few_marks(_compatible(_few_marks(text.translate(_SEEN))).translate(_SEEN))
    return " ".join(text.split())


def _is_plain(text: str) -> bool:
    """Whether nothing of the text but its blanks is ever written otherwise: most texts with a letter beyond ASCII."""
    return not any(map(_MOVES.__getitem__, set(text))) and unicodedata.is_normalized("NFKC", text)


def by_line(text: str, *, tabs: bool = False) -> str:
    """A reply as parsers read it: each line normalised, but for the number of its blanks; lines end at CR and LF.

    With `tabs` a tab stays one, where it parts the cells of a row.

    >>> by_line("Answer\\uff1a\\u3164\\uff11\\uff12\\u200b"), by_line("a\\tb", tabs=True)
    ('Answer: 12', 'a\\tb')
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    if tabs:
        return "\n".join("\t".join(map(by_line, line.split("\t"))) for line in re.split("\r\n?|\n", text))
    lines = re.split("\r\n?|\n", text)
    return "\n".join(_few_marks(_compatible(_few_marks(line.translate(_SEEN))).translate(_SEEN)) for line in lines)


def _compatible(text: str) -> str:
    """NFKC, but for the signs that stay."""
    if not (kept := "".join(sign for sign in set(text) if _STAYS[sign])):
        return unicodedata.normalize("NFKC", text)
    pieces = re.split(f"([{re.escape(kept)}])", text)
    return "".join(piece if i % 2 else unicodedata.normalize("NFKC", piece) for i, piece in enumerate(pieces))


def _few_marks(text: str) -> str:
    """The text with at most `_MARKS` combining marks in a row, of which more would take NFKC time by the square."""
    if text.isascii() or not any(map(unicodedata.combining, set(text))):
        return text
    kept, marks = [], 0
    for sign in text:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= _MARKS:
            kept.append(sign)
    return "".join(kept)


def scored(value: Json) -> Json:
    """An answer or a target with every text in it normalised; the keys of objects stay. The value itself where none changes."""
    if isinstance(value, str):
        found = normalised(value)
        return value if found == value else found
    if type(value) is dict:
        changed = {key: scored(one) for key, one in value.items()}
        return changed if any(changed[key] is not value[key] for key in value) else value
    if type(value) in (list, tuple):
        inner = [scored(one) for one in value]
        if all(a is b for a, b in zip(inner, value, strict=True)):
            return value
        if isinstance(value, tuple):
            return tuple(inner)
        made = copy.copy(value)  # a list may know more than its items
        made[:] = inner
        return made
    return value
