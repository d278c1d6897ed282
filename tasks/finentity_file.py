"""FinEntity's file: texts with spans, some of which no longer fit their text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.data.files import all_or_none, field, read_json
from bench.data.submissions import kind
from bench.errors import BenchError
from bench.types import Example, Json
from tasks.mentions import places

SENTIMENTS = ("Positive", "Negative", "Neutral")


def read(path: Path) -> list[Example]:
    """The texts in the order of the file, called by their place in it from 0; equal texts share a cluster.

    The target is {"text", "entities": [[start, end, label], …], "moved": see `moved`}, None without the key `annotations`.
    """
    records = read_json(path)
    if not isinstance(records, list):
        raise BenchError(f"{path}: found {kind(records)} at the top, expected a list of texts; bring the file again")
    clusters: dict[str, str] = {}
    found = []
    for i, record in enumerate(records):
        where = f"{path}: [{i}]"
        text = field(record, "content", str, where)
        target = _target(text, record, where) if "annotations" in record else None
        found.append(Example(str(i), {"text": text}, target, cluster=clusters.setdefault(text, str(i))))
    return all_or_none(found, str(path))


def _target(text: str, record: Json, where: str) -> Json:
    annotations = field(record, "annotations", list, where)
    try:
        entities = spans(annotations)
    except ValueError as error:
        raise BenchError(f"{where}.annotations: {error}; bring the file again") from None
    values = [field(one, "value", str, f"{where}.annotations") for one in annotations]
    apart = moved(text, entities, values)
    known = {(start, end) for _, _, start, end in apart}
    for start, end, _ in entities:
        if end > len(text) and (start, end) not in known:
            raise BenchError(
                f"{where}.annotations: found the span {start} to {end} in a text of {len(text)} characters; bring the file again"
            )
    return {"text": text, "entities": sorted(entities), "moved": apart}


def moved(text: str, entities: Sequence[Sequence[Any]], values: Sequence[str]) -> list[list[int]]:
    """[start, end, gold start, gold end] where the text at a gold span is not what was annotated: its nearest place.

    The texts have lost characters since they were annotated, so that 70 spans stand up to 9 too far left.
    """
    pairs = sorted(zip(map(tuple, entities), values, strict=True))
    taken = {(start, end) for (start, end, _), value in pairs if text[start:end] == value}
    found = []
    for (start, end, _), value in pairs:
        free = [place for place in places(value, text) if place not in taken]
        if text[start:end] != value and free:
            place = min(free, key=lambda place: abs(place[0] - start))
            taken.add(place)
            found.append([*place, start, end])
    return found


def spans(found: Json) -> list[list[Any]]:
    """[[start, end, label], …] out of a list of such lists, or of objects as in the file; ValueError says what is wrong."""
    if not isinstance(found, list):
        raise ValueError(f"found {kind(found)}, expected a list of [start, end, label]")
    return [_span(span, f"[{i}]") for i, span in enumerate(found)]


def _span(span: Json, where: str) -> list[Any]:
    parts = [span.get(key) for key in ("start", "end", "label")] if isinstance(span, dict) else span
    if not isinstance(parts, list) or len(parts) != 3:
        raise ValueError(f"{where}: found {span!r}, expected [start, end, label]")
    start, end, label = parts
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise ValueError(f"{where}: found the span {start!r} to {end!r}, expected whole numbers, 0 <= start < end")
    named = label.capitalize() if isinstance(label, str) else label
    if named not in SENTIMENTS:
        raise ValueError(f"{where}: found the sentiment {label!r}, expected one of {', '.join(SENTIMENTS)}")
    return [start, end, named]
