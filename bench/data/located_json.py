"""JSON that refuses what other readers refuse, and knows on which line each of its values stands."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

JsonPath = tuple[str | int, ...]

_BETWEEN = re.compile(r"[\s:,]*")
_NAME = re.compile(r"\w+")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = "found half of a surrogate pair; whole Unicode characters are allowed"
_SURROGATE = re.compile("[\ud800-\udfff]")


class Finding(NamedTuple):
    """One thing that is wrong: where inside the document, which rule, what was found and what is allowed."""

    path: JsonPath
    rule: str
    message: str


class Unreadable(Exception):
    """The text is not one JSON document; `line` is 1-based inside the text."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def show_path(path: JsonPath, root: str) -> str:
    """A path as a person writes it: `data[3].title`; `root` when it is empty."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif _NAME.fullmatch(step):
            shown += f".{step}" if shown else step
        else:
            shown += f"[{json.dumps(step)}]"
    return shown or root


def parse(text: str) -> tuple[Any, list[Finding]]:
    """The value of a JSON text, and what strict readers refuse in it.

    That is: a key given twice in one object, NaN and the infinities, half of a surrogate pair. Raises Unreadable where
    the text is not JSON at all.
    """
    twice: list[tuple[dict[str, Any], str]] = []
    n_not_finite = 0

    def number(token: str) -> float:
        nonlocal n_not_finite
        value = float(token)
        n_not_finite += value - value != 0  # true of nan and the infinities only
        return value

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            uses = Counter(key for key, _ in pairs)
            twice.extend((made, key) for key in made if uses[key] > 1)
        return made

    try:
        value = json.loads(text, object_pairs_hook=members, parse_float=number, parse_constant=number)
    except json.JSONDecodeError as error:
        message = f"{error.msg} (column {error.colno}); one complete JSON value is allowed"
        raise Unreadable(message, error.lineno) from None
    except RecursionError:
        raise Unreadable("nested too deeply to be read; the layout in the specification is allowed", 1) from None
    except ValueError:  # Python's limit on the digits of one integer
        raise Unreadable("a number with thousands of digits; an ordinary number is allowed", 1) from None
    if not (twice or n_not_finite or _SURROGATE_ESCAPE.search(text)):
        return value, []
    return value, list(_faults(value, twice))


def _walk(value: Any) -> Iterator[tuple[JsonPath, Any]]:
    """Every value inside `value` with its path, without recursion."""
    waiting: list[tuple[JsonPath, Any]] = [((), value)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        if isinstance(node, dict):
            waiting.extend(((*path, key), child) for key, child in node.items())
        elif isinstance(node, list):
            waiting.extend(((*path, index), child) for index, child in enumerate(node))


def _faults(value: Any, twice: list[tuple[dict[str, Any], str]]) -> Iterator[Finding]:
    keys_twice: dict[int, list[str]] = {}
    for holder, key in twice:
        keys_twice.setdefault(id(holder), []).append(key)
    for path, node in _walk(value):
        if isinstance(node, float) and node - node != 0:
            yield Finding(path, "json", f"found {node}, which is not a JSON number; a finite number is allowed")
        elif isinstance(node, str) and _SURROGATE.search(node):
            yield Finding(path, "encoding", _HALF)
        elif isinstance(node, dict):
            yield from (Finding((*path, key), "encoding", _HALF) for key in node if _SURROGATE.search(key))
            for key in keys_twice.get(id(node), ()):
                message = f"found the key {key!r} more than once in one object; once is allowed"
                yield Finding((*path, key), "duplicate-key", message)


class Locator:
    """Finds the line of a value in a JSON text that `parse` accepts; reads no more of it than it must."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._children: dict[JsonPath, dict[str | int, int]] = {}
        self._decode = json.JSONDecoder().raw_decode

    def line(self, path: JsonPath) -> int:
        """The 1-based line where the value at `path` begins; of what holds it, where it is absent."""
        offset = self._skip(0)
        for depth, step in enumerate(path):
            holder = path[:depth]
            if holder not in self._children:
                self._children[holder] = self._list(offset)
            if step not in self._children[holder]:
                break
            offset = self._children[holder][step]
        return bisect_left(self._newlines, offset) + 1

    def _skip(self, offset: int) -> int:
        found = _BETWEEN.match(self._text, offset)
        return found.end() if found else offset

    def _list(self, offset: int) -> dict[str | int, int]:
        """Where each member of the object or array at `offset` begins; the last one of a key given twice."""
        opening = self._text[offset]
        if opening not in "{[":
            return {}
        offsets: dict[str | int, int] = {}
        key: str | int = 0
        position = self._skip(offset + 1)
        while self._text[position] not in "}]":
            if opening == "{":
                key, position = self._decode(self._text, position)
                position = self._skip(position)
            else:
                key = len(offsets)
            offsets[key] = position
            position = self._skip(self._decode(self._text, position)[1])
        return offsets
