"""Ratings of emotion: each annotator once a segment, and the agreed values within what annotators said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from bench.data.located_json import Finding, JsonPath
from bench.data.spec_rules import Record, members, whole
from bench.data.spec_schema import show

SCALES = ("valence", "arousal")
RATED = (*SCALES, "emotion")
_ROUNDING = 0.005 + 1e-9  # agreed values are given to two digits


def rating_findings(record: Record) -> Iterator[Finding]:
    """Valence comes with arousal; annotations name a segment and rate it once; `agreement` is true of them."""
    for path, segment in members(record, (), "segments"):
        yield from _pair(segment, path)
    segments = record.get("segments")
    n_segments = len(segments) if isinstance(segments, list) else 0
    first: dict[tuple[str, int], JsonPath] = {}
    for path, annotation in members(record, (), "annotations"):
        yield from _pair(annotation, path)
        if not any(key in annotation for key in RATED):
            message = f"found nothing that is rated; one or more of {', '.join(RATED)} are allowed"
            yield Finding(path, "annotation-empty", message)
        annotator, place = annotation.get("annotator"), annotation.get("segment")
        if not (isinstance(place, int) and whole(place) and place >= 0):
            continue
        if place >= n_segments:
            message = f"found {show(place)}; the place of one of {n_segments} segments, counted from 0, is allowed"
            yield Finding((*path, "segment"), "annotation-segment", message)
        elif isinstance(annotator, str) and first.setdefault((annotator, place), path) != path:
            message = (
                f"found {show(annotator)} again for segment {place}; one rating an annotator and segment is allowed"
            )
            yield Finding((*path, "annotator"), "annotator-once", message)
    yield from _agreement(record)


def _pair(node: Record, path: JsonPath) -> Iterator[Finding]:
    there = [key for key in SCALES if key in node]
    if len(there) == 1:
        absent = SCALES[1 - SCALES.index(there[0])]
        message = f"found {there[0]!r} without {absent!r}; both or neither are allowed"
        yield Finding((*path, absent), "scale-pair", message)


def _agreement(record: Record) -> Iterator[Finding]:
    how, annotations = record.get("agreement"), [one for _, one in members(record, (), "annotations")]
    if how is None and "agreement" not in record and annotations:
        message = "found annotations and no 'agreement'; how the segments' values came about is required here"
        yield Finding(("agreement",), "agreement", message)
    if how not in ("single", "averaged", "adjudicated"):
        return
    names = {one["annotator"] for one in annotations if isinstance(one.get("annotator"), str)}
    if how == "single" and len(names) > 1:
        message = f"found 'single' with {len(names)} annotators; one, averaged or adjudicated are allowed"
        yield Finding(("agreement",), "agreement", message)
    by_segment: dict[object, list[Record]] = {}
    for one in annotations:
        if whole(one.get("segment")):
            by_segment.setdefault(one["segment"], []).append(one)
    for path, segment in members(record, (), "segments"):
        said = by_segment.get(path[-1], [])
        for key in (key for key in RATED if key in segment):
            yield from _within(segment[key], [one[key] for one in said if key in one], (*path, key), str(how))


def _within(value: object, said: list[object], path: JsonPath, how: str) -> Iterator[Finding]:
    needed = 1 if how == "single" else 2
    if len(said) < needed:
        message = f"found {len(said)} annotations of this value; {needed} or more are allowed where agreement is {how}"
        yield Finding(path, "agreement", message)
        return
    numbers = [float(one) for one in said if _on_a_scale(one)]
    if isinstance(value, str):
        named = sorted({one for one in said if isinstance(one, str)})
        if named and value not in named:
            message = f"found {show(value)}, which no annotator said; {' or '.join(map(repr, named))} is allowed"
            yield Finding(path, "agreement", message)
    elif _on_a_scale(value) and len(numbers) == len(said):
        low, high = min(numbers), max(numbers)
        if not low - _ROUNDING <= float(value) <= high + _ROUNDING:
            message = f"found {value!r} outside what annotators said; {low:g} to {high:g} is allowed"
            yield Finding(path, "agreement", message)


def _on_a_scale(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1 <= value <= 1
