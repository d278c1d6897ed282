"""The attempts at a run as processes of a timeline, out of the readings of its ledger."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from bench.record import Span, Timing
from bench.runs.timing import counted
from bench.timeline.bars import INSIDE, PHASES, Bar, Process

_COUNTS = ("n", "batch", "prompt_tokens", "new_tokens", "truncated", "halvings")
_SLACK = 1.0  # seconds: a ledger tells when an attempt began in whole ones


def attempts(readings: Sequence[Timing]) -> list[Process]:
    """A process for each attempt, at the time that its first line names; where none does, one behind another.

    Two attempts exclude each other, unless they are of different parts of the run, so none is placed before the end of the one
    before: a time that says otherwise comes from a clock that was set, and a note says so.
    """
    useful = {id(one) for one in counted(readings)}
    by_number: dict[
        tuple[int, str], list[Timing]
    ] = {}  # of workers that answered for an attempt each has a process of its own
    for one in readings:
        by_number.setdefault((one.attempt, one.part or ""), []).append(one)
    begins = {one.attempt: time for one in readings if one.phase == "begin" and (time := moment(one.at)) is not None}
    found: list[Process] = []
    of_part: dict[str, Process] = {}
    first = _first(readings)
    for (number, part), its in sorted(by_number.items()):
        began = begins.get(number)
        offset = (began - first).total_seconds() if began and first else None
        title = f"attempt {number}" + (f" (part {part.partition(' ')[0]})" if part else "")
        before = max(found, key=lambda one: one.offset + one.end, default=None)
        if part and offset is not None:
            before = of_part.get(part)
        # What the process of a run did before its own attempt, launching them, lies beside its parts.
        begin = None if part or not of_part else 0.0
        found.append(_placed(_attempt(title, its, useful), offset, before, begin))
        if part:
            of_part[part] = found[-1]
    return found


def _first(readings: Sequence[Timing]) -> datetime.datetime | None:
    """When the first attempt began; of those at parts, which stand in no order of time, the earliest."""
    began = [time for one in readings if one.phase == "begin" and (time := moment(one.at)) is not None]
    return min(began, default=None) if any(one.part for one in readings) else next(iter(began), None)


def moment(text: str | None) -> datetime.datetime | None:
    """A time of a record; None for what is none."""
    try:
        found = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def _placed(process: Process, offset: float | None, before: Process | None, begin: float | None = None) -> Process:
    """The process where its time puts it, or behind the one before; what of it must be behind that starts at `begin`."""
    if before is None:
        return process.moved(offset or 0.0)
    free = before.offset + before.end - (process.begin if begin is None else begin)
    if offset is None:
        return process.moved(free, "the ledger does not say when it began: it stands behind the attempt before it")
    if offset < free - _SLACK:
        return process.moved(
            free,
            "it says to have begun before the attempt before it was over, so a clock was set: it stands behind that",
        )
    return process.moved(max(offset, free))


def _attempt(title: str, readings: Sequence[Timing], useful: set[int]) -> Process:
    bars: list[Bar] = []
    notes: list[str] = []
    last = 0.0  # the end of what was placed so far
    backwards = unplaced = left_out = 0
    for one in readings:
        for span in one.spans or ():
            if span.name == "not kept":
                left_out += span.rows
            else:
                bars.append(_of_span(span, before=one.phase == "begin"))
        if one.phase == "begin":
            continue
        start = last if one.start is None else one.start
        unplaced += one.start is None and one.phase != "lost"
        backwards += start < last - _SLACK
        bars.append(_of_reading(one, start, repeated=one.phase == "predict" and id(one) not in useful))
        last = max(last, bars[-1].end)
    if unplaced:
        notes.append(
            f"{unplaced} readings do not say when they began: they stand one behind another, without what was between"
        )
    if backwards:
        notes.append(
            f"{backwards} readings say to have begun before the one before them was over, which no clock tells"
        )
    if left_out:
        notes.append(f"{left_out} finer phases were not kept: too many between two readings")
    return Process(title, 0.0, tuple(_outermost(bars)), notes=tuple(notes))


def _of_reading(one: Timing, start: float, *, repeated: bool) -> Bar:
    about = {name: value for name in _COUNTS if (value := getattr(one, name)) not in (None, 0) or name == "batch"}
    about = {name: value for name, value in about.items() if value is not None}
    return Bar(one.phase, PHASES, start, max(0.0, one.seconds), about, repeated=repeated, guessed=one.start is None)


def _of_span(span: Span, *, before: bool) -> Bar:
    about = {name: value for name, value in (("rows", span.rows), ("tokens", span.tokens)) if value}
    track = span.track or (PHASES if before else INSIDE)
    return Bar(span.name, track, span.start, max(0.0, span.seconds), about)


def _outermost(bars: Sequence[Bar]) -> Iterator[Bar]:
    """The bars, of those before the attempt the ones inside another on the track of what is inside."""
    early = [bar for bar in bars if bar.track == PHASES and bar.start < 0]
    for bar in bars:
        inside = bar in early and any(
            other is not bar and other.start <= bar.start and bar.end <= other.end + _SLACK / 1000 for other in early
        )
        yield Bar(bar.name, INSIDE, bar.start, bar.seconds, bar.about) if inside else bar
