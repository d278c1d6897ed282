"""Rules between the fields of one recording of a voice or one film, which no schema can say. Wrong shapes are skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from bench.data.located_json import Finding, JsonPath
from bench.data.spec_entities import entity_findings
from bench.data.spec_ratings import rating_findings
from bench.data.spec_rules import Record, box_findings, evidence_findings, members
from bench.data.spec_schema import show

LONGEST = 86_400.0  # seconds, as in the schemas
_ROUNDING = 0.001 + 1e-9  # seconds by which times that were rounded may overlap or stand out


class Span(NamedTuple):
    """A time from `start` to `end`, in seconds."""

    start: float
    end: float


def moment(value: object) -> float | None:
    """A time or length in seconds; None for what the schema refuses."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST
    return float(value) if fits else None  # type: ignore[arg-type]


def recording_findings(record: Record) -> Iterator[Finding]:
    """Voices, and what is heard in films: speakers, times, entities, ratings, consent."""
    yield from _speakers(record)
    if record.get("source") == "recorded" and "consent" not in record:
        message = "found no 'consent' of a recorded voice; how and when the people agreed is required here"
        yield Finding(("consent",), "consent", message)
    yield from _segments(record)
    yield from rating_findings(record)


def video_findings(record: Record) -> Iterator[Finding]:
    """Films: also questions and boxes over time."""
    yield from recording_findings(record)
    for key in ("rate", "channel"):
        if key not in record and record.get("segments"):
            message = f"found segments and no {key!r}; what is said needs the {key} of its sound"
            yield Finding((key,), "no-sound", message)
    whole = _whole(record)
    for path, question in members(record, (), "questions"):
        yield from _times(question, path, ("from", "to"), whole, "the film")
    ends: dict[str, float] = {}
    boxes = sorted(members(record, (), "boxes"), key=lambda pair: moment(pair[1].get("from")) or 0.0)
    for path, box in boxes:
        yield from _times(box, path, ("from", "to"), whole, "the film")
        span, name = _span(box, "from", "to"), box.get("name")
        if span and isinstance(name, str):
            if span.start < ends.get(name, 0.0) - _ROUNDING:
                message = f"found {name!r} at {span.start:g} s in two boxes; one at a time is allowed"
                yield Finding((*path, "from"), "time-order", message)
            ends[name] = max(span.end, ends.get(name, 0.0))
    yield from box_findings(record, "boxes")
    yield from evidence_findings(record, "boxes", at_least_one=True)


def _speakers(record: Record) -> Iterator[Finding]:
    found = list(members(record, (), "speakers"))
    uses: Counter[str] = Counter()
    for path, speaker in found:
        if isinstance(name := speaker.get("id"), str):
            uses[name] += 1
            if uses[name] == 2:
                message = f"found {name!r} again in this record; an id that is used once is allowed"
                yield Finding((*path, "id"), "unique-id", message)
    source, by_program = record.get("source"), [speaker.get("synthetic") for _, speaker in found]
    for (path, _), synthetic in zip(found, by_program, strict=True):
        if source == "synthetic" and synthetic is False:
            message = "found a speaker that is not synthetic in a synthetic record; true is allowed, or source recorded"
            yield Finding((*path, "synthetic"), "speaker-source", message)
    if source == "recorded" and by_program and all(synthetic is True for synthetic in by_program):
        message = "found a recorded record whose speakers are all synthetic; one or more that are not are allowed"
        yield Finding(("source",), "speaker-source", message)


def _segments(record: Record) -> Iterator[Finding]:
    whole, before = _whole(record), 0.0
    known = {speaker.get("id") for _, speaker in members(record, (), "speakers") if isinstance(speaker.get("id"), str)}
    ends: dict[str, float] = {}
    for path, segment in members(record, (), "segments"):
        yield from _times(segment, path, ("start", "end"), whole, "the recording")
        name, span = segment.get("speaker"), _span(segment, "start", "end")
        if isinstance(name, str) and name.strip() and name not in known:
            message = f"found {show(name)}; the id of a speaker of this record is allowed"
            yield Finding((*path, "speaker"), "speaker-known", message)
        if span:
            if span.start < before - _ROUNDING:
                yield Finding((*path, "start"), "time-order", _early(span.start, "the segment before it", before))
            elif isinstance(name, str) and span.start < ends.get(name, 0.0) - _ROUNDING:
                message = f"found {span.start:g} s while {show(name)} still speaks; {ends[name]:g} or later is allowed"
                yield Finding((*path, "start"), "time-order", message)
            before = max(span.start, before)
            if isinstance(name, str):
                ends[name] = max(span.end, ends.get(name, 0.0))
        yield from _words(segment, path, span)
        yield from entity_findings(segment, path)


def _words(segment: Record, path: JsonPath, within: Span | None) -> Iterator[Finding]:
    before = 0.0
    for word_path, word in members(segment, path, "words"):
        yield from _times(word, word_path, ("start", "end"), within, "its segment")
        if (start := moment(word.get("start"))) is not None:
            if start < before - _ROUNDING:
                yield Finding((*word_path, "start"), "time-order", _early(start, "the word before it", before))
            before = max(start, before)


def _whole(record: Record) -> Span | None:
    seconds = moment(record.get("seconds"))
    return Span(0.0, seconds) if seconds else None


def _span(node: Record, first: str, last: str) -> Span | None:
    start, end = moment(node.get(first)), moment(node.get(last))
    return Span(start, end) if start is not None and end is not None and start < end else None


def _times(node: Record, path: JsonPath, keys: tuple[str, str], within: Span | None, where: str) -> Iterator[Finding]:
    """One that ends before it begins, and one that leaves what holds it."""
    start, end = (moment(node.get(key)) for key in keys)
    if start is not None and end is not None and end <= start:
        message = f"found {end:g} s, and {keys[0]} {start:g} s; more than {keys[0]} is allowed"
        yield Finding((*path, keys[1]), "time-order", message)
    for key, time in zip(keys, (start, end), strict=True):
        if within and time is not None and not within.start - _ROUNDING <= time <= within.end + _ROUNDING:
            message = f"found {time:g} s outside {where}; {within.start:g} to {within.end:g} is allowed"
            yield Finding((*path, key), "time-inside", message)


def _early(start: float, before: str, began: float) -> str:
    return f"found {start:g} s, before {before} begins; {began:g} or later is allowed"
