"""What tasks of questions on financial reports share: the entries of official files, tables as text, and prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.data.files import field, read_json
from bench.data.submissions import kind
from bench.errors import BenchError
from bench.types import Json, Text
from tasks.prompts import worked


def entries(path: Path, of: str) -> Iterator[tuple[str, Json]]:
    """The entries of an official file, each with its place; raises BenchError when it is not a list (`of` what)."""
    found = read_json(path)
    if not isinstance(found, list):
        raise BenchError(f"{path}: found {kind(found)}, expected a list of {of}; bring the official file again")
    for i, entry in enumerate(found):
        yield f"{path}: [{i}]", entry


def new_id(record: Json, name: str, where: str, seen: set[str]) -> str:
    """The text `record[name]`, which is added to those `seen`; raises BenchError when it is one of them."""
    found: str = field(record, name, str, where)
    if found in seen:
        raise BenchError(f"{where}: the {name} {found!r} comes twice; bring the official file again")
    seen.add(found)
    return found


def table_text(rows: Sequence[Sequence[str]]) -> str:
    """A line a row, cells between bars, single spaces in a cell."""
    return "\n".join(" | ".join(" ".join(str(cell).split()) for cell in row) for row in rows)


def page_prompt(system: str, page: str, shots: Iterable[tuple[str, str]], asked: str, begun: str) -> tuple[Text, ...]:
    """The system message, worked examples that all ask about one `page`, then what is asked, with the reply begun."""
    return (Text(system, "system"), *worked(f"{page}Question: ", shots), Text(asked), Text(begun, "assistant"))
