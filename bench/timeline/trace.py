"""A timeline as a trace file that the profilers of browsers open: ui.perfetto.dev, chrome://tracing, and others.

Its form is the JSON Object Format of Chrome's Trace Event Format (Duffy, Sinclair and others, 2016): one object whose
`traceEvents` are

    "M"       metadata: process_name, process_sort_index, thread_name, thread_sort_index
    "X"       a bar: `ts` and `dur` in microseconds on the track of `pid` and `tid`; on one track they are apart or one in another
    "b", "e"  the two ends of a part of an answer, on a track of their own for each `id`: answers overlap
    "C"       a counter: how many answers wait, and how many are computed

An attempt is a process, and so is a scenario. `otherData` names the run, and what of it is not as a clock told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from bench.record import Run
from bench.runs.claimed import is_claimed
from bench.timeline.bars import INSIDE, PHASES, ROUNDED, Bar, Process, Timeline, lanes
from bench.timing.raw import Answer
from bench.types import Json

Event = dict[str, Json]
_ORDER = (PHASES, INSIDE)


def document(run: Run, timeline: Timeline) -> Iterator[str]:
    """The text of the trace file of a run, in pieces."""
    notes = [*timeline.notes, *(f"{one.title}: {note}" for one in timeline.processes for note in one.notes)]
    if is_claimed(run, "times"):
        notes.insert(0, "claimed: somebody else measured this, and nobody here can measure it again")
    about = {
        "task": run.task, "model": run.model, "run_id": run.run_id, "created": run.created,
        "device": f"{run.environment.get('device', '')} {run.environment.get('dtype', '')}",
        "clock": "microseconds since the first thing that the first attempt's process did", "notes": notes,
    }  # fmt: skip
    yield '{"displayTimeUnit":"ms","otherData":' + _text(about) + ',"traceEvents":[\n'
    for number, event in enumerate(events(timeline)):
        yield (",\n" if number else "") + _text(event)
    yield "\n]}\n"


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def events(timeline: Timeline) -> Iterator[Event]:
    """The events of a timeline; no time of theirs is negative."""
    zero = min((one.offset + one.begin for one in timeline.processes), default=0.0)
    for pid, process in enumerate(timeline.processes, start=1):
        yield _named("process_name", pid, 0, name=process.title)
        yield _named("process_sort_index", pid, 0, sort_index=pid)
        if process.notes:
            yield _named("process_labels", pid, 0, labels="; ".join(process.notes))
        yield from _bars(process, pid, process.offset - zero)
        yield from _answers(process.answers, pid, process.offset - zero)


def _named(what: str, pid: int, tid: int, **args: Json) -> Event:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": args}


def _bars(process: Process, pid: int, shift: float) -> Iterator[Event]:
    tracks: dict[str, list[Bar]] = {}
    for bar in process.bars:
        tracks.setdefault(bar.track, []).append(bar)
    tid = 0
    for track in sorted(tracks, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)):
        for number, lane in enumerate(lanes(tracks[track])):
            tid += 1
            yield _named("thread_name", pid, tid, name=track if not number else f"{track}, overlapping {number}")
            yield _named("thread_sort_index", pid, tid, sort_index=tid)
            for bar, ts, dur in _nested(lane, shift):
                yield {
                    "ph": "X", "name": bar.name, "cat": track, "pid": pid, "tid": tid, "ts": ts, "dur": dur,
                    "args": {**bar.about, **_standing(bar)},
                }  # fmt: skip


def _standing(bar: Bar) -> Event:
    return {**({"repeated": True} if bar.repeated else {}), **({"place": "no clock"} if bar.guessed else {})}


def _nested(lane: Sequence[Bar], shift: float) -> Iterator[tuple[Bar, float, float]]:
    """Each bar with begin and length in microseconds, which nest to the last digit: what rounding put outside is put back."""
    ends: list[float] = []
    done = 0.0  # the end of what was over last
    for bar in lane:
        start, end = _micro(bar.start + shift), _micro(bar.end + shift)
        while ends and ends[-1] <= start + 1e6 * ROUNDED:
            done = ends.pop()
        start = max(start, done)
        end = max(start, min(end, ends[-1]) if ends else end)
        ends.append(end)
        yield bar, start, round(end - start, 3)


def _micro(seconds: float) -> float:
    return max(0.0, round(1e6 * seconds, 3))


def _answers(answers: Sequence[Answer], pid: int, shift: float) -> Iterator[Event]:
    """Each answer as what it waited, until its first token, and behind that; and the counts of those that wait and are computed."""
    for number, one in enumerate(answers):
        for name, start, end in parts(one):
            event = {"cat": "answer", "name": name, "id": f"{pid}.{number}", "pid": pid, "tid": 0}
            about = _about(one) if name == "answer" else {}
            yield {**event, "ph": "b", "ts": _micro(start + shift), "args": about}
            if name != "answer":
                yield {**event, "ph": "e", "ts": _micro(end + shift)}
        last = {"cat": "answer", "name": "answer", "id": f"{pid}.{number}", "pid": pid, "tid": 0}
        yield {**last, "ph": "e", "ts": _micro(one.ended + shift)}
    for at, counts in _counts(answers):
        yield {"ph": "C", "name": "answers", "pid": pid, "tid": 0, "ts": _micro(at + shift), "args": dict(counts)}


def _about(one: Answer) -> Event:
    failed = {} if one.error is None else {"failed": True}
    return {
        "place": one.place,
        "prompt_tokens": one.prompt_tokens,
        "new_tokens": one.new_tokens,
        "finish": one.finish,
    } | failed


def parts(one: Answer) -> list[tuple[str, float, float]]:
    """The whole of an answer and its parts: name, start and end; without a first token, one part for all that was computed."""
    found = [("answer", one.scheduled, one.ended)]
    if one.issued > one.scheduled:
        found.append(("waits", one.scheduled, one.issued))
    if one.first is None:
        return [*found, ("computed", one.issued, one.ended)]
    return [*found, ("to first token", one.issued, one.first), ("decode", one.first, one.ended)]


def _counts(answers: Sequence[Answer]) -> Iterator[tuple[float, Mapping[str, int]]]:
    """How many answers wait and are computed, each time that changes."""
    changes = [(one.scheduled, 1, 0) for one in answers] + [(one.issued, -1, 1) for one in answers]
    changes += [(one.ended, 0, -1) for one in answers]
    waiting = computed = 0
    changes.sort()
    for number, (at, more_waiting, more_computed) in enumerate(changes):
        waiting, computed = waiting + more_waiting, computed + more_computed
        if number + 1 == len(changes) or changes[number + 1][0] > at:
            yield at, {"waiting": waiting, "computed": computed}
