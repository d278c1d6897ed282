"""Fields out of what a model wrote: a JSON object, lines of "name: value", or what of an object was written before it was cut."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from bench.data.shapes import a_number
from bench.text.rows import rows
from bench.text.stated_json import objects
from bench.types import Json
from tasks.answers import or_nothing

LONGEST = 1_000  # characters of a value
MOST = 500  # fields of a reply
_VALUE = frozenset(
    {"value", "text", "answer", "content"}
)  # where an object holds a field's value beside where it stands
_PAIR = re.compile(
    r'"(?P<key>[^"\n]{1,200})"\s*:\s*(?:"(?P<text>(?:[^"\\\n]|\\.)*)"|(?P<bare>-?\d[\d.]*|null|true|false)(?=\s*[,}\n]))'
)
_QUOTES = "\"'`*"
_BEFORE = _QUOTES + " \t>•–-"  # marks of lists and citations
_BETWEEN = "; "  # of several values for one field, which are right only if each is
_NUMBER = re.compile(r"\(?\d{1,2}[.)]\s+")
_TAGGED = re.compile(r"<(?:s_)?(?P<name>[\w .-]{1,100})>(?P<value>[^<>]{0,1000})</(?:s_)?(?P=name)>")
_NAME_KEYS, _VALUE_KEYS = ("name", "field", "key", "label", "field_name"), ("value", "text", "answer", "content")
_NOTHING = re.compile(
    r"[\s.–—−_*?/-]*|\(?(?:not (?:available|found|present|visible|applicable|shown|printed|on the page|legible|readable)"
    r"|none found|missing|absent|empty|blank|(?:does )?not (?:exist|appear))\)?\.?",
    re.IGNORECASE,
)
_RULE = frozenset("|-:+= \t")


def name_form(name: str) -> str:
    """The name of a field as it is compared: small letters and digits.

    >>> name_form("Invoice No."), name_form("invoice_no")
    ('invoiceno', 'invoiceno')
    """
    return "".join(filter(str.isalnum, name.casefold()))


def said_fields(text: str) -> dict[str, str] | None:
    """The value that a reply gives for each name; of a name with several values all together. None where it gives none at all.

    What is null, empty or said to be unknown is left out.

    >>> said_fields('Sure: {"total": 12.5, "date": null, "payee": ["Ann"]}'), said_fields("Total: 5"), said_fields("I see.")
    ({'total': '12.5', 'payee': 'Ann'}, {'Total': '5'}, None)
    """
    given = list(objects(text))
    each = [_of_named(one) for one in given]  # a list of fields, or a field a line
    pairs = [one for one in each if one is not None] if all(each) else [pair for one in given for pair in one]
    found = list(_flat(pairs))
    if not found:
        found = [(pair["key"], _unquoted(pair)) for pair in _PAIR.finditer(text)]
    if not found:
        found = [(pair["name"], html.unescape(pair["value"])) for pair in _TAGGED.finditer(text)]
    if not found:
        found = [pair for line in rows(text) if (pair := _of_line(line)) is not None]
    if not found:
        return None
    values: dict[str, tuple[str, list[str]]] = {}
    for name, value in found[:MOST]:
        kept = values.setdefault(name_form(name), (name, []))[1]
        if (said := or_nothing(value.strip())) and not _is_nothing(said, name) and said not in kept:
            kept.append(said)
    return {name: _BETWEEN.join(said)[:LONGEST] for name, said in values.values() if said}


def _is_nothing(said: str, name: str) -> bool:
    """Whether a value says that there is none: "not found", a dash, "No PO number" for po_number."""
    return bool(_NOTHING.fullmatch(said)) or name_form(said) in (f"no{name_form(name)}", f"no{name_form(name)}found")


def _of_line(line: str) -> tuple[str, str] | None:
    """The name and the value of a line "name: value", "name = value" or of a table's row, None of another one."""
    line = line[: 2 * LONGEST].strip()
    if line.startswith("|") and line.count("|") == 3 and not set(line) <= _RULE:
        name, value = line.strip("|").split("|")
        return (name.strip(_QUOTES + " \t"), value.strip(_QUOTES + " \t")) if name.strip() and value.strip() else None
    line = _NUMBER.sub("", line.lstrip(_BEFORE), count=1)
    name, colon, value = line.partition(":" if ":" in line or "=" not in line else "=")
    name, value = name.lstrip(_BEFORE).rstrip(_QUOTES + " \t"), value.strip(_QUOTES + ", \t")
    return (name, value) if colon and value and 0 < len(name) <= 200 and not set(name) & set(_QUOTES) else None


def _unquoted(pair: re.Match[str]) -> str:
    if pair["text"] is None:
        return "" if pair["bare"] == "null" else pair["bare"]
    try:
        return str(json.loads(f'"{pair["text"]}"', strict=False))
    except ValueError:
        return pair["text"]


def _flat(pairs: Sequence[tuple[str, Json]]) -> Iterator[tuple[str, str]]:
    """The names and values of an object and of those in it; a list's values one by one."""
    for name, value in pairs:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, tuple) and isinstance(value, list) and (own := _of_named(one)):
                yield from _flat([own])
            elif isinstance(one, tuple):
                inner = [item for key, item in one if str(key).lower() in _VALUE]
                yield from _flat([(name, item) for item in inner]) if inner else _flat(one)
            elif isinstance(one, list):
                yield str(name), " ".join(str(part) for part in one)
            else:
                yield str(name), "" if one is None else str(one)


def _of_named(pairs: Sequence[tuple[str, Json]]) -> tuple[str, Json] | None:
    """The name and the value of an object that is one field, {"name": …, "value": …}; None of another one."""
    by_key = {str(key).lower(): value for key, value in pairs}
    name = next((by_key[key] for key in _NAME_KEYS if isinstance(by_key.get(key), str)), None)
    key = next((key for key in _VALUE_KEYS if key in by_key), None)
    return (name, by_key[key]) if name is not None and key is not None else None


def named(fields: Mapping[str, Json], names: Sequence[str]) -> dict[str, str]:
    """The values of the fields that are asked for, under their own names; others are left out, as is what has no text.

    Raises ValueError for a value that is none, and where two of the keys are one name with two values.
    """
    known = {name_form(name): name for name in names}
    found: dict[str, str] = {}
    for key, value in fields.items():
        if (name := key if key in names else known.get(name_form(key))) is None:
            continue
        text = _text(name, value)
        if text and found.get(name, text) != text:
            raise ValueError(f"{name}: found two values, expected one")
        if text:
            found[name] = text
    return found


def _text(name: str, value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{name}: found {type(value).__name__}, expected a text, a number or null")
    text = value.strip() if isinstance(value, str) else json.dumps(a_number(value))
    if len(text) > LONGEST:
        raise ValueError(f"{name}: found a text of {len(text):,} characters, allowed are {LONGEST:,}")
    return text
