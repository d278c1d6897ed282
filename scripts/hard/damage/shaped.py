"""Damage to values: JSON, YAML and delimited text read, one thing in it changed to what hypothesis draws, and written again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

_RAW = "@@raw:"  # a text that stands for JSON that no writer gives: @@raw:1e999@@
_RAWS = ("1e999", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 400, "-0.0", "1E2", "1.0", '"\\ud800"', '"\\u0000"', "9" * 5000, "[" * 60 + "]" * 60,  # noqa: E501
         "[" * 5_000 + "]" * 5_000, "1e-999", "0.1000000000000000055511151231257827")  # fmt: skip
_NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1.5, -0.5, 2**31, 2**63, 2**64, 10**30, 1e308, "", " ", "\n", "a\nb", "\t", "\x00", "\x1b[31mred", "\u202eevil",  # noqa: E501
    "\u2028", "\x85", "\ud800", "../../etc/passwd", "/etc/passwd", "C:\\x", "~", "a/b", ".", "..", "x" * 300, "x" * 20_000, "1", "0", "nan", "inf", "1e999",  # noqa: E501
    "١", "ﬁ", "e\u0301", "é", "<script>", "|", "`", "%s", "{0}", "${x}", "@", [], {}, [[]], [None], {"": ""}, [""], [1, "a", None], {"a": {"b": []}},  # noqa: E501
    "2026-11-29", "2026-13-45T99:99:99", "file:///etc/passwd", "http://x", "0" * 64, "f" * 64, "g" * 64,
)  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
NEW = st.sampled_from(_NASTY) | st.sampled_from([f"{_RAW}{one}@@" for one in _RAWS]) | _VALUES
Draw = Callable[[st.SearchStrategy[Any]], Any]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(holder, key) of every value inside."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        inside = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, one in list(inside):
            yield holder, key
            if isinstance(one, dict | list):
                waiting.append(one)


def changed(draw: Draw, value: Any) -> tuple[Any, str]:
    """The value with one thing in it changed, in place, and what was done."""
    places = list(_places(value)) if isinstance(value, dict | list) else []
    if not places:
        return draw(NEW), "all"
    holder, key = places[draw(st.integers(0, len(places) - 1))]
    kind = draw(st.sampled_from(_OF_LISTS if isinstance(holder, list) else (*_OF_LISTS, *_NAMED)))
    if kind == "swap":
        other, name = places[draw(st.integers(0, len(places) - 1))]
        if not isinstance(holder[key], dict | list) and not isinstance(other[name], dict | list):
            holder[key], other[name] = other[name], holder[key]
    elif kind in _NAMED:
        _NAMED[kind](draw, holder, key)
    else:
        _CHANGES[kind](draw, holder, key)
    return value, kind


def _set(draw: Draw, holder: Any, key: Any) -> None:
    holder[key] = draw(NEW)


def _drop(draw: Draw, holder: Any, key: Any) -> None:
    del holder[key]


def _double(draw: Draw, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(draw(st.integers(0, len(holder))), holder[key])
    else:
        _nudge(draw, holder, key)


def _wrap(draw: Draw, holder: Any, key: Any) -> None:
    holder[key] = draw(st.sampled_from([[holder[key]], {"value": holder[key]}]))


def _nudge(draw: Draw, holder: Any, key: Any) -> None:
    """Another value of the same form, close by: what a forger writes, and no check of forms sees."""
    one = holder[key]
    if isinstance(one, bool):
        holder[key] = not one
    elif isinstance(one, int):
        holder[key] = one + draw(st.sampled_from([-1, 1, 7]))
    elif isinstance(one, float):
        holder[key] = one * draw(st.sampled_from([0.99, 1.01, 1.000001]))
    elif isinstance(one, str) and one:
        at = draw(st.integers(0, len(one) - 1))
        holder[key] = one[:at] + draw(st.sampled_from("0a7 ")) + one[at + 1 :]


def _other_type(draw: Draw, holder: Any, key: Any) -> None:
    holder[key] = _of_other_type(holder[key])


def _name(draw: Draw, holder: Any, key: Any) -> None:
    names = [f"{key}x", str(key).upper(), f" {key}", f"{_RAW}{key}", "", "__proto__", "\x1b"]
    holder[draw(st.sampled_from(names))] = holder.pop(key)


def _twice(draw: Draw, holder: Any, key: Any) -> None:
    holder[f"{key}{_RAW}"] = draw(NEW)


def _more(draw: Draw, holder: Any, key: Any) -> None:
    holder[draw(st.text(max_size=5))] = draw(NEW)


_Change = Callable[[Draw, Any, Any], None]
_CHANGES: dict[str, _Change] = {
    "set": _set, "drop": _drop, "double": _double, "wrap": _wrap, "nudge": _nudge, "other type": _other_type,
}  # fmt: skip
_OF_LISTS = (*_CHANGES, "set", "set", "nudge", "swap")
_NAMED: dict[str, _Change] = {"name": _name, "twice": _twice, "more": _more}


def _of_other_type(one: Any) -> Any:
    if isinstance(one, bool) or one is None:
        return str(one)
    if isinstance(one, int | float):
        return str(one)
    if isinstance(one, str):
        return float(one) if one.replace(".", "", 1).isdigit() and one.isascii() else [*one][:3]
    return list(one.values()) if isinstance(one, dict) else dict(enumerate(map(str, one)))


def dumped(value: Any, ascii_only: bool = False, indent: int | None = None) -> bytes:
    """JSON with what no writer gives put into its place: raw numbers, a key twice."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    for raw in _RAWS:
        text = text.replace(f'"{_RAW}{raw}@@"', raw)
    return text.replace(_RAW, "").encode("utf-8", "surrogatepass")


def shaped(draw: Draw, name: str, data: bytes) -> tuple[bytes, str]:
    """The file with one of its values changed, by what its name says it is; (data, "") where it cannot be read so."""
    suffix = Path(name).suffix.lower()
    try:
        if suffix in (".json", ".lock") or (suffix == "" and data[:1] in (b"{", b"[")):
            value, kind = changed(draw, json.loads(data.decode("utf-8-sig")))
            return dumped(value, draw(st.booleans()), draw(st.sampled_from([None, 1]))), kind
        if suffix == ".jsonl":
            rows = data.decode("utf-8-sig").split("\n")
            at = draw(st.sampled_from([i for i, row in enumerate(rows) if row.strip()]))
            value, kind = changed(draw, json.loads(rows[at]))
            whole = [row.encode() for row in rows]
            whole[at] = dumped(value, draw(st.booleans()))
            return b"\n".join(whole), kind
        if suffix in (".yaml", ".yml"):
            value, kind = changed(draw, yaml.safe_load(data.decode("utf-8-sig")))
            text = yaml.dump(
                value,
                allow_unicode=True,
                sort_keys=False,
                default_flow_style=draw(st.sampled_from([None, True, False])),
            )
            for raw in _RAWS:
                text = text.replace(f"'{_RAW}{raw}@@'", raw)
            return text.replace(_RAW, "").encode("utf-8", "surrogatepass"), kind
        if suffix in (".csv", ".tsv"):
            return _cells(draw, data, "\t" if suffix == ".tsv" else ";" if data.count(b";") > data.count(b",") else ",")
    except (ValueError, IndexError, RecursionError, yaml.YAMLError):
        return data, ""
    return data, ""


def _cells(draw: Draw, data: bytes, delimiter: str) -> tuple[bytes, str]:
    """A cell, a row or a column changed."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    at = draw(st.integers(0, len(rows) - 1))
    cell = draw(st.integers(0, max(0, len(rows[at]) - 1)))
    kind = draw(st.sampled_from(["cell", "cell", "cell", "cell", "drop", "more", "row", "twice", "column"]))
    if kind == "cell" and rows[at]:
        new = draw(NEW)
        rows[at][cell] = new if isinstance(new, str) else json.dumps(new)
    elif kind == "drop" and rows[at]:
        del rows[at][cell]
    elif kind == "more":
        rows[at].insert(cell, draw(st.text(max_size=5)))
    elif kind == "row":
        del rows[at]
    elif kind == "twice":
        rows.insert(draw(st.integers(0, len(rows))), list(rows[at]))
    elif kind == "column":
        for row in rows:
            del row[cell : cell + 1]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))).writerows(rows)
    return text.getvalue().replace(_RAW, "").encode("utf-8", "surrogatepass"), f"cells: {kind}"
