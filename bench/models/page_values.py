"""Values on the text of a page: what stands beside a label, and which kind of value a field has.

A page's text has a line for each row, and " | " between what stands apart in it, as `OcrPipeline` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.models.page_places import BETWEEN
from bench.text.rows import rows
from bench.types import Request, Text

_LABEL_WORDS = 7  # at most, of a label that stands in one cell with its value
_TOTAL_LIKE = ("total", "closing balance", "amount", "net", "payable", "subtotal", "gross", "instalment")
PAGE = "Page: "  # what stands before the text of a page that was read
_ASKED = re.compile(r"\s*[-*•]\s*(?P<name>[^:\n]{1,100}?)\s*(?::\s*(?P<meaning>.*))?")
_LABELLED = re.compile(r"(?P<label>[^\d:]{2,40}?)\s*[:：]\s*(?P<value>\S.*)")
_ENDED = re.compile(r"(?P<label>(?:\D{0,3}[^\W\d]\D{0,36}?)[.:)]?)\s+(?P<value>[^\s\w]{0,2}\w{0,4}[$€£¥₹₦₺]?\s?\d.*)")
_NUMBERED = re.compile(r"\s*\(?\d{1,2}[.)]\s+(?=\D)")
_MONEY_SIGN = r"(?:[^\W\d]{1,4}\.?|[^\W\d]{0,3}[$€£¥₹₦₺₱%]|%)"
_AMOUNT = re.compile(
    rf"(?<![^\W_])[(−-]?\s?{_MONEY_SIGN}?\s?[−-]?\d{{1,3}}(?:[.,' ’]?\d{{3}})*(?:[.,' ’]\d{{1,3}})*\s?{_MONEY_SIGN}?\)?"
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = re.compile(
    rf"(?<!\d)(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/. ]\d{{1,2}}[-/. ]\d{{2,4}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?[-. ]?(?:of )?{_MONTH}[-,. ]*\d{{2,4}}|"
    rf"{_MONTH}[- ]?\d{{1,2}}(?:st|nd|rd|th)?[, -]+\d{{2,4}})(?!\d)",
    re.IGNORECASE,
)
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}(?:[:.]\d{2})?\s?(?:[ap]\.?m\.?)?", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![^\W_])(?=\S*\d|[A-Z]{1,5}\s?\d)[A-Za-z]{0,5}[-/ ]?\d[\dA-Za-z/ -]*")


class Asked(NamedTuple):
    """A field that is asked for, and what it means, "" where its name says it."""

    name: str
    meaning: str


class Pair(NamedTuple):
    """A value with what stands beside or above it; `place` is its row, and `rest` the values further right in the row."""

    label: str
    value: str
    place: int
    rest: tuple[str, ...] = ()
    above: bool = False


def page_of(request: Request) -> list[list[str]]:
    """The cells of each row of the request's pages; of a request without pages, of what the user says before the last text."""
    said = [part.text for part in request.parts if isinstance(part, Text) and part.role == "user"]
    pages = [text.removeprefix(PAGE) for text in said if text.startswith(PAGE)] or said[:-1] or said
    return [cells for text in pages for line in rows(text) if (cells := _cells(line))]


def _cells(line: str) -> list[str]:
    return [cell for one in line.split(BETWEEN) if (cell := one.strip())]


def asked_of(request: Request, names: Sequence[str]) -> list[Asked]:
    """The fields with what the words of the request say of them, in lines of "- name: meaning"."""
    said = (
        row
        for part in request.parts
        if isinstance(part, Text) and not part.text.startswith(PAGE)
        for row in rows(part.text)
    )
    told = {found["name"]: found["meaning"] or "" for row in said if (found := _ASKED.fullmatch(row))}
    return [Asked(name, told.get(name, "")) for name in names]


_KINDS = (
    ("currency", r"\bcurrenc"),
    ("time", r"\btime of|^time$"),
    ("date", r"\bdate\b|\bday\b|\bperiod (?:start|end)|as of$"),
    ("number", r"\b(?:number|no|id|account|iban|reference|order)$|^(?:account|number|purchase order)\b"),
    ("amount", r"\b(?:amount|total|subtotal|sum|tax|balance|price|net|gross|pay(?:able|ment)?|change|deductions?|rate|excess|"
               r"claimed|instalment|equity|liabilities|assets|fee|cash|paid (?:in|out))\b"),
)  # fmt: skip
_NO_AMOUNT = re.compile(r"\bwho\b|\bmeans\b|\bname\b|\bunit\b|paid by|employ|\bmonth of|purpose|how long|whose|whom")


def kind_of(asked: Asked) -> str:
    """What a field's values look like, by its name and meaning: amount, date, time, number, currency or text.

    >>> told = ("due_date", ""), ("total", "amount to pay"), ("payee", "who is paid"), ("claim_number", "")
    >>> [kind_of(Asked(*one)) for one in told]
    ['date', 'amount', 'text', 'number']
    """
    name, meaning = words_of(asked.name), asked.meaning.casefold()
    found = next((kind for kind, pattern in _KINDS if re.search(pattern, name)), None)
    if found is None or (found == "amount" and _NO_AMOUNT.search(f"{name} {meaning}")):
        found = next((kind for kind, pattern in _KINDS if re.search(pattern, meaning)), "text")
        found = "text" if _NO_AMOUNT.search(f"{name} {meaning}") else found
    return found


def words_of(name: str) -> str:
    """The words of a label or a field's name in small letters, without marks.

    >>> words_of("invoice_no."), words_of("12. Purpose:")
    ('invoice no', 'purpose')
    """
    return " ".join(re.findall(r"[^\W\d_]+", name.casefold().replace("/", "")))


def value_in(kind: str, text: str) -> str:
    """The first value of the kind in a text, "" where there is none; a text is a value of kind text as it is, unless all digits."""
    if kind == "text":
        return text.strip() if re.search(r"[^\W\d]", text) or re.search(r"\d", text) is None else ""
    if kind == "amount":
        dated = _DATE.search(text)
        found = _AMOUNT.fullmatch(text.strip(" .:")) or next(
            (one for one in _AMOUNT.finditer(text) if "%" not in one[0]), None
        )
        shared = found and "%" in found[0] and not found[0][0].isdigit()  # a tax's name and rate
        return found[0].strip() if found and not dated and not shared else ""
    pattern = {"date": _DATE, "time": _TIME, "number": _NUMBER}.get(kind, _AMOUNT)
    found = pattern.search(text)
    if kind == "number" and found and (_DATE.search(text) or len(re.findall(r"\d", found[0])) < 3):
        return ""
    return found[0].strip(" -/") if found else ""


def currency_of(found: Mapping[str, str | None]) -> str | None:
    """What stands beside the digits of that amount which the others lead to.

    >>> currency_of({"subtotal": "5", "total": "R$ 1.234,50"})
    'R$'
    """
    by_words = {words_of(name): value for name, value in found.items()}
    for name in _TOTAL_LIKE:
        if (value := by_words.get(name)) and (sign := re.sub(r"[\d.,' ’()−-]", "", value)):
            return sign
    return None


def pairs(page: Sequence[Sequence[str]]) -> Iterator[Pair]:
    """All that may be a label with its value: within a cell, in cells beside each other, and below each other."""
    for i, row in enumerate(page):
        for j, cell in enumerate(row):
            plain = _NUMBERED.sub("", cell)
            for form in (_LABELLED, _ENDED):
                if found := form.fullmatch(plain):
                    yield Pair(found["label"], found["value"], i, tuple(row[j + 1 :]))
            for cut in [n for n, letter in enumerate(plain) if letter == " "][:_LABEL_WORDS]:
                if plain[cut + 1 :].strip():
                    yield Pair(plain[:cut], plain[cut + 1 :], i)
            if j + 1 < len(row):
                yield Pair(plain, row[j + 1], i, tuple(row[j + 2 :]))
            if i + 1 < len(page) and (below := _below(row, j, page[i + 1])):
                yield Pair(plain, below, i + 1, above=True)


def _below(row: Sequence[str], j: int, after: Sequence[str]) -> str:
    """What stands below a cell: at its place from the left, or from the right where the rows are not of one length."""
    if len(row) == len(after):
        return after[j]
    if len(row) == 1 and j == 0:
        return after[0]
    return after[j] if j < len(after) else ""
