"""Reading JSON and JSON Lines with errors that name file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BenchError
from bench.types import Json


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # a BOM is harmless
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def _parse(text: str, where: str) -> Json:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise BenchError(
            f"{where} is not JSON: line {error.lineno} column {error.colno}: {error.msg}; the file may be cut off, bring it again"
        ) from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise BenchError(f"{where} is not JSON: {reason}; correct the file") from None


def read_json(path: Path) -> Json:
    """The file's JSON; raises BenchError with line and column when it is damaged or cut off."""
    return _parse(_text(path), str(path))


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Json]]]:
    """The objects of a JSON Lines file with their line numbers; empty lines are passed over."""
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            record = _parse(line, f"{path} line {number}")
            if not isinstance(record, dict):
                raise BenchError(f"{path} line {number}: found a {type(record).__name__}, expected an object {{…}}")
            yield number, record


def field(record: Json, name: str, kind: type | tuple[type, ...], where: str) -> Json:
    """`record[name]`, or a BenchError saying where what is missing or of the wrong kind."""
    wanted = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
    if not isinstance(record, dict) or name not in record:
        raise BenchError(f"{where}: the field {name!r} ({wanted}) is missing; bring the official file again")
    if not isinstance(record[name], kind) or (isinstance(record[name], bool) and kind is not bool):
        raise BenchError(f"{where}: {name!r} is a {type(record[name]).__name__}, expected {wanted}; correct the file")
    return record[name]
