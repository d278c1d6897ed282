"""A table among the JSON that a model wrote: lists of cells or objects, alone, under a key, or a row a line."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence

from bench.text.rows import rows
from bench.types import Json

Rows = list[list[str]]
LONGEST = 500  # characters of a cell
_TRIES = 40  # brackets that are tried as the beginning of JSON
_MOST_PYTHON = 100_000  # characters
_DEEPEST = 6  # lists and objects around a table
_ROW = re.compile(r"\[[^\[\]]*\]")
_BODIES = ("rows", "data", "table", "tables", "body", "cells", "items", "lines", "table_rows", "entries", "records")
_HEADS = ("columns", "header", "headers", "heading", "headings", "head", "column_names")
_OF_A_ROW = ("cells", "row", "values")
_OF_A_CELL = ("text", "value", "content")


def table_of_json(text: str) -> Rows:
    """The first table among the JSON values of a text, or the rows of its lines; of one that was cut the rows that are whole.

    >>> table_of_json('{"tables": [{"headers": ["Item"], "rows": [{"Item": "Tea"}]}]}'), table_of_json('["Item"]\\n["Tea"]')
    ([['Item'], ['Tea']], [['Item'], ['Tea']])
    """
    if by_lines := _row_a_line(text):
        return by_lines
    decoder, place = json.JSONDecoder(parse_float=str, parse_int=str), 0
    for _ in range(_TRIES):
        start = min((at for sign in "[{" if (at := text.find(sign, place)) >= 0), default=-1)
        if start < 0:
            return []
        try:
            value, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            place = start + 1
            if re.match(r"\[\s*\[", text[start : start + 100]):
                found = _table_in(_of_python(text[start : text.rfind("]") + 1]))
                return found or [row for one in _ROW.finditer(text, start) if (row := _one_row(one[0]))]
            continue
        if found := _table_in(value):
            return found
    return []


def _of_python(text: str) -> Json:
    """A literal of Python, whose texts may stand in single quotes; None where it is none."""
    try:
        value: Json = ast.literal_eval(text[:_MOST_PYTHON])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return value


def _row_a_line(text: str) -> Rows:
    """The rows of lines of which each is a list of cells, or each an object of one row."""
    lines = [line.strip().rstrip(",") for line in rows(text) if line.strip()]
    if len(lines) < 2 or {line[0] for line in lines} not in ({"["}, {"{"}):
        return []
    try:
        values = [json.loads(line, parse_float=str, parse_int=str) for line in lines]
    except (ValueError, RecursionError):
        return []
    return [] if any(map(_table_in, values)) else _table_in(values)


def _one_row(text: str) -> list[str]:
    try:
        return [_cell(one) for one in json.loads(text, parse_float=str, parse_int=str)]
    except (ValueError, RecursionError):
        return []


def _table_in(value: Json, depth: int = 0) -> Rows:
    """The rows of a list of lists, of a list of objects (their keys are the head), or of the first of these within."""
    if depth > _DEEPEST:
        return []
    if isinstance(value, dict):
        return _of_object(value, depth)
    if not isinstance(value, list | tuple) or not value:
        return []
    if all(isinstance(row, dict) for row in value):
        return _of_objects(value, depth)
    if all(isinstance(row, list | tuple) for row in value):
        if all(isinstance(cell, list | tuple) for row in value for cell in row) and any(value):
            return next((found for one in value if (found := _table_in(one, depth + 1))), [])
        return [[_cell(one) for one in row] for row in value]
    return []


def _of_object(value: dict[str, Json], depth: int) -> Rows:
    lowered = {str(key).lower(): one for key, one in value.items()}
    head = next(([_cell(one) for one in lowered[key]] for key in _HEADS if isinstance(lowered.get(key), list)), [])
    for inner in (lowered[key] for key in _BODIES if key in lowered):
        if body := _table_in(inner, depth + 1):
            named = head and isinstance(inner, list) and all(isinstance(row, dict) for row in inner)
            return [head, *body] if head and not (named and sorted(body[0]) == sorted(head)) else body
    return [] if head else next((found for one in value.values() if (found := _table_in(one, depth + 1))), [])


def _of_objects(value: Sequence[dict[str, Json]], depth: int) -> Rows:
    cells = [next((row[key] for key in _OF_A_ROW if isinstance(row.get(key), list)), None) for row in value]
    if all(one is not None for one in cells):
        return [[_cell(one) for one in row] for row in cells if row is not None]
    if inner := next((found for one in value if (found := _of_object(one, depth + 1))), []):
        return inner
    names = list(dict.fromkeys(str(name) for row in value for name in row))
    return [names, *([_cell(row.get(name)) for name in names] for row in value)]


def _cell(value: Json) -> str:
    if isinstance(value, dict):
        value = next((value[key] for key in _OF_A_CELL if key in value), "")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)[:LONGEST]
    return "" if value is None else str(value)
