"""Reading what others predicted: official submission files, with errors that name file, line or key.

Every reader keeps what comes twice, so that the caller can count it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.data.files import parse, read_jsonl, read_text
from bench.errors import BenchError
from bench.text.rows import cells
from bench.types import Json

_NUMBER = re.compile(
    r"[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|nan|inf(?:inity)?)", re.IGNORECASE
)  # the last two are told apart as not finite


def items(path: Path) -> list[tuple[str, Json]]:
    """The pairs of a JSON object at the top of the file, also keys that come twice."""
    found = parse(read_text(path), str(path), object_pairs_hook=_Pairs, finite=False)
    if not isinstance(found, _Pairs):
        raise BenchError(f"{path}: found {kind(found)} at the top, expected an object {{id: answer}}; correct the file")
    try:
        return [(key, _plain(value)) for key, value in found]
    except RecursionError:
        raise BenchError(f"{path} is not JSON: nested too deeply; correct the file") from None


def records(path: Path) -> Iterator[tuple[str, dict[str, Json]]]:
    """The objects of a JSON list, or of a JSON Lines file, each with its place."""
    text = read_text(path).lstrip()
    if not text.startswith("["):
        for number, record in read_jsonl(path, finite=False):
            yield f"{path} line {number}", record
        return
    for number, record in enumerate(parse(text, str(path), finite=False)):
        if not isinstance(record, dict):
            raise BenchError(f"{path}: [{number}]: found {kind(record)}, expected an object; correct the file")
        yield f"{path}: [{number}]", record


def pairs(path: Path, id_key: str = "id", answer_key: str = "answer") -> Iterator[tuple[str, Json]]:
    """(id, answer) of a JSON object {id: answer}, or of a list or lines of {id_key: …, answer_key: …}."""
    if path.is_dir():
        raise BenchError(f"{path} is a folder; give a file of predictions")
    if path.suffix != ".jsonl" and read_text(path).lstrip().startswith("{"):
        yield from items(path)
        return
    for where, record in records(path):
        for key in (id_key, answer_key):
            if key not in record:
                raise BenchError(f"{where}: the key {key!r} is missing; found {', '.join(record) or 'none'}")
        yield str(record[id_key]), record[answer_key]


def table(
    path: Path, columns: Sequence[str], *, delimiter: str = ",", quoted: bool = True
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a delimited file with a header that has at least `columns`, each with its place."""
    found = cells(read_text(path), path, delimiter=delimiter, quoted=quoted)
    header = [name.strip() for name in next(found, (1, []))[1]]
    if missing := [name for name in columns if name not in header]:
        raise BenchError(
            f"{path} line 1: the column {missing[0]!r} is missing; expected the header {delimiter.join(columns)}"
        )
    if twice := [name for name in columns if header.count(name) > 1]:
        raise BenchError(f"{path} line 1: the column {twice[0]!r} comes twice; keep one of them")
    for line, row in found:
        if len(row) != len(header):
            if not any(map(str.strip, row)):
                continue
            raise BenchError(f"{path} line {line}: {len(row)} columns, expected {len(header)}")
        yield f"{path} line {line}", dict(zip(header, row, strict=True))


def number(text: Json, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number within [low, high], of JSON or in ASCII digits; ValueError says what was found and what is allowed.

    Python itself would read 1_0 as ten, and digits of any script.

    >>> number(" 1e-3 "), number(7)
    (0.001, 7.0)
    """
    try:
        if isinstance(text, bool) or (isinstance(text, str) and not _NUMBER.fullmatch(text.strip(" \t"))):
            raise ValueError
        value = float(text)
    except (TypeError, ValueError, OverflowError):  # the last for a whole number beyond all floats
        raise ValueError(f"found {str(text)[:40]!r}, expected a number") from None
    if not math.isfinite(value):
        raise ValueError(f"found {repr(text)[:40]}, expected a finite number")
    if not low <= value <= high:
        raise ValueError(f"found {repr(text)[:40]}, expected a number from {low:g} to {high:g}")
    return value


def kind(value: Json) -> str:
    """What a JSON value is, for a message."""
    names = {dict: "an object", _Pairs: "an object", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), json.dumps(value))


class _Pairs(list[tuple[str, Json]]):
    """A JSON object as it stands in the file."""


def _plain(value: Json) -> Json:
    """Nested objects as dictionaries."""
    if isinstance(value, _Pairs):
        return {key: _plain(one) for key, one in value}
    return [_plain(one) for one in value] if isinstance(value, list) else value
