"""The digits of a number as people write them in one plain form; a form that is not understood is none.

A thousands sign is a comma, an apostrophe or a space (also a thin or a no-break one); the point is the decimal sign. A decimal
comma is read only where another sign groups the thousands (1.577,50 or 1 577,50), since 1,577 alone is one thousand.
"""

from __future__ import annotations

import html
import re
import unicodedata

from bench.text.rows import rows

MOST_DIGITS = 300  # that a float can hold
# hyphens, dashes and minus signs beside those that Unicode calls dashes; the last is a soft hyphen
_MINUS = "−－⁃⁻₋˗➖⎯─━﹣\u00ad"
_NO_MINUS = "〜〰゠⹀⸗"  # dashes that stand for "about" or look like an equals sign
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SIGNS = str.maketrans(
    dict.fromkeys(_MINUS, "-") | dict.fromkeys(_SPACES, " ") | dict.fromkeys("’‘ʼ＇", "'")
    | dict.fromkeys((*range(0xFE00, 0xFE10), 0x20E3))  # what says how the sign before it looks
    | {"⁄": "/", "∕": "/", "٫": ".", "٬": ",", "٪": "%", "×": "×", "✕": "×", "⋅": "·"}
)  # fmt: skip
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_POWER = re.compile(r"(?P<times>[×x*·]\s?10)(?P<power>[⁺-]?[⁰¹²³⁴-⁹]+)(?![⁰¹²³⁴-⁹])")
_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125, "⅜": 0.375, "⅝": 0.625, "⅞": 0.875}
_LATEX = (
    (re.compile(r"\{([,.])\} ?"), r"\1"),
    (re.compile(r"\\(?:thin|med|thick|nobreak|en)space(?![a-z])"), " "),
    (re.compile(r"\\(?:pm|mp)(?![a-z])"), "±"),
    (re.compile(r"\\(?:neq?|lnot|neg)(?![a-z])"), "≠"),
    (re.compile(r"\\sqrt(?![a-z])"), "√"),
    (re.compile(r"\\div(?![a-z])"), "÷"),
    (re.compile(r"\\[,;:! ](?=\d)|(?<=\d)~(?=\d)"), " "),
    (re.compile(r"\\([$%&#_])"), r"\1"),
    (re.compile(r"\\(?:times|cdot)(?![a-z])"), "×"),
    (re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}"), r"\1/\2"),
    (re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf|displaystyle|left|right)(?![a-z])|\\[()\[\]]"), " "),
    (re.compile(r"[{}]"), ""),
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z]\w{1,31});")
_WRAPPED = re.compile(r"^\$ ?(?P<inside>[^$]*\d[^$]*?) ?\$(?P<stop>\.?)$")  # mathematics, not a currency

_EXPONENT = r"(?:e[+-]?\d{1,3}(?!\d|[.,]\d)| ?[×x*·] ?10 ?(?:\^|\*\*) ?[+-]?\d{1,3}(?!\d|[.,]\d))"
DIGITS = (
    r"(?:(?:\d{1,3}(?:[ .,'/:^_*!-]\d+)*(?!\d)|\d{4,}(?:[.,'/:^_*!-]\d+)*|(?<!\d)\.\d+(?:[.,'/:^_*!-]\d+)*)"
    rf"(?:[½¼¾⅓⅔⅛⅜⅝⅞]|{_EXPONENT})?|[½¼¾⅓⅔⅛⅜⅝⅞])"
)
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_GROUPED = (
    re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?P<rest>\.\d+)?"),
    re.compile(r"[1-9]\d{0,2}(?: \d{3})+(?P<rest>[.,]\d+)?"),
    re.compile(r"[1-9]\d{0,2}(?:'\d{3})+(?P<rest>[.,]\d+)?"),
    re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?P<rest>,\d+)"),
)
_SPLIT = re.compile(rf"(?P<digits>.*?)(?P<fraction>[½¼¾⅓⅔⅛⅜⅝⅞])?(?P<exponent>{_EXPONENT})?", re.IGNORECASE | re.DOTALL)


def folded(text: str) -> str:
    """The text with ASCII digits, one sign for each minus, single spaces, plain mathematics and no HTML entities.

    A line break stays one.

    A raised or lowered digit, which may be a power or a footnote, stays what it is but behind "×10".

    >>> folded("−１,577 and 3×10⁶")
    '-1,577 and 3×10^6'
    """
    for _ in range(2):  # &amp;minus; too
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = _POWER.sub(
        lambda match: f"{match['times']}^{match['power'].translate(_SUPERSCRIPTS)}", text.translate(_SIGNS)
    )
    if not text.isascii():
        text = "".join(_sign(sign) for sign in text if unicodedata.category(sign) != "Cf")
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    lines = filter(None, (" ".join(line.split()) for line in rows(text)))
    return "\n".join(_WRAPPED.sub(r"\g<inside>\g<stop>", line) for line in lines)


def _sign(sign: str) -> str:
    if "！" <= sign <= "～" or sign in "￥￡￠":
        return unicodedata.normalize("NFKC", sign)
    if not sign.isascii() and unicodedata.category(sign) == "Pd" and sign not in _NO_MINUS:
        return "-"
    return str(unicodedata.decimal(sign)) if not sign.isascii() and sign.isdecimal() else sign


def size(written: str) -> float | None:
    """What digits, as the pattern `DIGITS` finds them in a folded text, stand for; None where that is not understood.

    >>> size("1,577.5"), size("8 000"), size("1.577,50"), size("1.5e-3"), size("2½"), size("1,57"), size("2018-2019")
    (1577.5, 8000.0, 1577.5, 0.0015, 2.5, None, None)
    """
    match = _SPLIT.fullmatch(written)
    if match is None:
        return None
    digits = match["digits"].removesuffix(":1")  # a ratio to one
    plain = "0" if not digits and match["fraction"] else _ungrouped(digits)
    if plain is None or len(plain) > MOST_DIGITS:
        return None
    if match["fraction"]:
        return float(plain) + _FRACTIONS[match["fraction"]] if "." not in plain else None
    power = re.sub(r"^.*(?:e|\^|\*\*)| ", "", match["exponent"] or "", flags=re.IGNORECASE)
    found = float(f"{plain}e{power}" if power else plain)
    return found if found != float("inf") else None


def _ungrouped(digits: str) -> str | None:
    """The digits with a decimal point and nothing else between them."""
    if _PLAIN.fullmatch(digits):
        return digits
    for pattern in _GROUPED:
        if match := pattern.fullmatch(digits):
            rest = match["rest"] or ""
            return re.sub(r"\D", "", digits[: len(digits) - len(rest)]) + rest.replace(",", ".")
    return None
