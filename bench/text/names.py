"""Names that strangers give themselves: which may stand on a board, and which would be taken for another.

Whoever wants to be taken for `fastgpt` writes one letter in another script, another case, or a sign that nobody sees. Two rules
answer that. A name has a plain form: one script a word, nothing invisible, nothing that a file system or terminal obeys
(`problem`). And two names that look alike are one name (`skeleton`): the second to come is refused.

The look-alikes are those of Latin letters, digits and dashes in Unicode's "confusables" (UTS 39), for the scripts that a reader of
Latin may take for it; letters that are Latin with a mark or in small capitals are told by their Unicode names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

LONGEST = 120  # characters of a name
_PATH_SIGNS = frozenset('/\\:*?"<>|')  # what a file system obeys
_DEVICES = re.compile(r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_BLANK = frozenset(
    "\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800\u00ad\u034f"
)  # letters by their category that show nothing
# Scripts that are written within one word, by the languages that do so; Latin looks like none of these.
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u02bc", "'"))
_TYPED = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-") | dict.fromkeys("\u2019\u2018\u02bc", "'")
_PLAIN_LATIN = re.compile(  # with or without a mark
    r"LATIN (?:(?:SMALL|CAPITAL) LETTER|LETTER SMALL CAPITAL) "
    r"(?:DOTLESS |SCRIPT |OPEN |LONG |TURNED |REVERSED )?([A-Z])(?: WITH .*)?"
)
# What each sign is taken for. Left: the Latin letter or digit; right: the letters of other scripts that look like it.
_LIKE = {
    "a": "аαⲁɑ⍺ΑАᎪꓮⲀ", "b": "ЬьвΒВᏴꓐбƅⲂ", "c": "сϲᴄⅽСᏟꓚⲥⲤϹ", "d": "ԁⅾᏧᎠꓓժ", "e": "еεєҽΕЕᎬꓰёЁⲈ",
    "f": "ϝꓝƒſϜ", "g": "ɡցᏀꓖԍԌ", "h": "һհᏂΗНᎻꓧնⲎԋ", "i": "іιӏΙІӀӀᎥꓲ∣ⲒւїЇⅰ", "j": "јϳյЈᎫꓙɈ", "k": "кκκΚКᏦꓗⲔҝқ",
    "l": "ⅼլⳐᏞꓡ", "m": "мΜМᎷꓟⲘʍ", "n": "ոηռпΝꓠⲚпń", "o": "оοσօΟОՕꓳⲟⲞסه০०੦૦௦౦೦൦๐໐၀ഠဝ〇", "p": "рρϱΡРᏢꓑⲣⲢ",
    "q": "ԛզգԚ", "r": "гᴦⲅᏒꓣŗř", "s": "ѕЅՏᏚꓢꜱ", "t": "тτΤТᎢꓔⲦ", "u": "υսՍʋꓴц", "v": "νѵѴᏙꓦⅴט", "w": "ԝѡωաᏔꓪԜɯ",
    "x": "хχΧХꓫⅹⲬ", "y": "уγүΥУҮꓬⲨყ", "z": "ΖᏃꓜ", "3": "ЗзƷȜӠᴣ", "6": "б", "4": "Ꮞ", "8": "ȣ",
}  # fmt: skip
# What is left is one more step: signs that are taken for each other within Latin.
_ALIKE = str.maketrans({"i": "l", "1": "l", "|": "l", "!": "l", "0": "o", "_": "-", " ": "-"})


@cache
def _table() -> dict[str, str]:
    return {sign: latin for latin, signs in _LIKE.items() for sign in signs}


def problem(name: str, *, path: bool = True) -> str:
    """What is wrong with a name, as the end of a sentence ("has …"), "" for nothing; a `path` is also a folder's name.

    >>> problem("fastgpt\u0430")
    "mixes Latin and Cyrillic letters in 'fastgpt\u0430'"
    >>> problem("\u042f\u043d\u0434\u0435\u043a\u0441")
    ''
    """
    if not name or len(name) > LONGEST:
        return f"has {len(name):,} characters; 1 to {LONGEST} are allowed"
    for sign in name:
        if said := _sign_problem(sign, path):
            return said
    if (plain := unicodedata.normalize("NFKC", name)) != name:
        return f"is not in its plain form (NFKC); write {plain!r}"
    if name != " ".join(name.split()):
        return "begins or ends with a space, or has two in a row"
    if path and (name[0] in ".-~" or name[-1] == "." or _DEVICES.fullmatch(name)):
        return (
            "begins with a dot, dash or tilde, ends with a dot, or is what a system calls a device: it can be no folder"
        )
    if not any(sign.isalnum() for sign in name):
        return "has no letter and no digit"
    return _script_problem(name)


def typed(name: str) -> str:
    """The name with the apostrophe of a keyboard where a text processor, or a language, has another.

    >>> typed("O\u2019Brien")
    "O'Brien"
    """
    return name.translate(_APOSTROPHES)


def _sign_problem(sign: str, path: bool) -> str:
    kind = unicodedata.category(sign)
    if sign in _BLANK or kind in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or (kind == "Zs" and sign != " "):
        return f"has the invisible or unknown sign U+{ord(sign):04X}"
    if path and sign in _PATH_SIGNS:
        return f"has {sign!r}, which can be in no folder's name"
    if (plain := _TYPED.get(sign)) is not None:
        return f"has {sign!r} (U+{ord(sign):04X}); write {plain}"
    if not sign.isascii() and kind[0] not in "LM" and kind != "Nd":
        return f"has {sign!r} (U+{ord(sign):04X}); letters, digits and the signs of ASCII are allowed"
    return ""


def _script_problem(name: str) -> str:
    """Words of several scripts, marks on letters that bear none, and a word of look-alikes among Latin ones."""
    words = re.findall(r"[^\W_]+", "".join(sign if unicodedata.category(sign)[0] != "M" else "" for sign in name))
    for before, sign in pairwise(name):
        if unicodedata.category(sign)[0] == "M" and _script(sign) not in ("", _script(before)):
            return f"has the mark U+{ord(sign):04X}, which {before!r} does not bear"
    if unicodedata.category(name[0])[0] == "M":
        return "begins with a mark"
    every: set[str] = set()
    for word in words:
        found = {script for letter in word if (script := _script(letter))}
        if len(found) > 1 and not any(found <= together for together in _TOGETHER):
            return f"mixes {' and '.join(sorted(map(_shown, found), key=_latin_first))} letters in {word!r}"
        every |= found
    for word in words:
        if "LATIN" in every and (script := lookalike(word)):
            return f"has the word {word!r} of {script} letters among Latin ones"
    return ""


def _latin_first(script: str) -> tuple[bool, str]:
    return script != "Latin", script


def _shown(script: str) -> str:
    return "Han" if script == "CJK" else script.title()


@cache
def _script(sign: str) -> str:
    """The script of a letter, mark or digit of its own, as Unicode names begin; "" for what all scripts share."""
    if sign.isascii() and not sign.isalpha():
        return ""
    first = unicodedata.name(sign, "").split(" ")[0]
    return "COMBINING" if first == "COMBINING" else first


def lookalike(name: str) -> str:
    """The script of a name that could be taken for a Latin one, every letter of it having a double there; "" for every other.

    >>> lookalike("\u0430\u0441\u0435"), lookalike("\u042f\u043d\u0434\u0435\u043a\u0441"), lookalike("ace")
    ('Cyrillic', '', '')
    """
    others = {script for sign in name if sign.isalpha() and (script := _script(sign)) != "LATIN"}
    return _shown(min(others)) if others and skeleton(name).isascii() else ""


def labelled(name: str) -> str:
    """The name as it is shown: with its script behind it where it could be taken for a Latin one."""
    return f"{name} ({script} letters)" if (script := lookalike(name)) else name


def skeleton(name: str) -> str:
    """What a name looks like: two names of one skeleton are taken for each other.

    Case, marks, dashes, white space and signs that nobody sees make no difference; nor do letters of other scripts that look
    Latin, l, I, i and 1, O and 0, or rn and m.

    >>> skeleton("Fast-GPT_1") == skeleton("f\u0430st gpt-l") != skeleton("fast-gpt-2")
    True
    """
    found = []
    for sign in unicodedata.normalize("NFKD", name):
        kind = unicodedata.category(sign)
        if kind[0] in "MC" or sign in _BLANK:
            continue
        found.append("-" if kind == "Pd" or sign in "\u2212\u02d7" else " " if kind[0] == "Z" else _latin(sign))
    text = "".join(found).translate(_ALIKE).replace("rn", "m").replace("vv", "w")
    return re.sub("-+", "-", text).strip("-. ")


@cache
def _latin(sign: str) -> str:
    """The small Latin letter or ASCII digit that a sign is taken for; itself, small, where it is taken for none."""
    if (like := _table().get(sign) or _table().get(sign.casefold())) is not None:
        return like
    if sign.isascii():
        return sign.lower()
    if unicodedata.category(sign) == "Nd":
        return str(unicodedata.digit(sign))
    if (found := _PLAIN_LATIN.fullmatch(unicodedata.name(sign, ""))) is not None:
        return found[1].lower()
    return sign.casefold()


def confusable(name: str, others: Iterable[str]) -> str:
    """The first of the others that the name would be taken for, "" for none; the very same name is none."""
    form = skeleton(name)
    return next((other for other in others if other != name and skeleton(other) == form), "")


def quoted(name: str) -> str:
    """A name that may be no good one, in a message: in quotes, short, with escapes for what is not plain."""
    text = name if len(name) <= LONGEST else f"{name[:LONGEST]}…"
    return repr(text) if text.isprintable() and not problem(text, path=False) else ascii(text)


def slug(name: str) -> str:
    """The name as a folder's: small letters and digits, with a dash for all between; "anonymous" where none are left."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "-", plain).strip("-")[:60] or "anonymous"
