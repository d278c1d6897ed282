"""Records of texts in files: CSV, JSON Lines or JSON, and what stands in one."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from bench.data.files import read_json, read_jsonl
from bench.data.submissions import table
from bench.errors import BenchError
from bench.text.normal import normalised
from bench.types import Json

Records: TypeAlias = Iterable[tuple[str, Mapping[str, Json]]]
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});")


def alike(text: str) -> str:
    """The form in which two texts are the same one: without case, spacing and look-alike signs."""
    return " ".join(normalised(text).casefold().split())


def cell(record: Mapping[str, Json], key: str, where: str) -> Json:
    """What stands under the key; raises BenchError where nothing does."""
    if (found := record.get(key)) is None or (isinstance(found, str) and not found.strip()):
        raise BenchError(f"{where}: {key!r} is missing or empty; it has {', '.join(map(str, record))[:200]}")
    return found


def text_of(record: Mapping[str, Json], key: str, where: str) -> str:
    """The text under the key, its HTML entities (&#36; &amp;) as what they stand for; raises BenchError where it is none."""
    found = cell(record, key, where)
    if not isinstance(found, str):
        raise BenchError(f"{where}: {key!r} is {type(found).__name__}, expected a text; bring the official file again")
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), found).strip()
    if not text:
        raise BenchError(f"{where}: {key!r} holds no text; bring the official file again")
    return text


def records(path: Path) -> Records:
    """The rows of a CSV, JSON Lines or JSON file (a list, or {id: object}), each with its place."""
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        yield from table(path, (), delimiter="," if kind == ".csv" else "\t")
    elif kind == ".jsonl":
        yield from ((f"{path} line {line}", record) for line, record in read_jsonl(path))
    elif kind == ".json":
        found = read_json(path)
        named = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else None
        if named is None:
            raise BenchError(
                f"{path}: found {type(found).__name__} at the top, expected a list or an object of records"
            )
        for key, record in named:
            if not isinstance(record, dict):
                raise BenchError(f"{path}: [{key}]: found {type(record).__name__}, expected an object")
            yield f"{path}: [{key}]", {"id": key, **record}
    else:
        raise BenchError(f"{path}: {kind or 'no ending'} is none of .csv, .tsv, .jsonl and .json")
