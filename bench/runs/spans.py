"""What code tells of the time that it takes: spans such as import, tokenise, prefill and decode, kept with the next reading.

They are told from where the work is done, in whatever thread, and cost a look at the clock and an entry in a list. Nobody takes
them but an attempt that is under way (`told`); without one nothing is kept.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.record import Span
from bench.runs.forms import MOST_SPANS

LEAST_SECONDS = 0.001  # of an import: a shorter one has imported nothing
clock = time.perf_counter
_lock = threading.Lock()
_found: list[tuple[str, float, float, int, int, str]] = []  # name, start, end, rows, tokens, track
_missed = 0  # spans that found no room since the last reading
_depth = 0  # of those who listen
_opened = 0.0  # since when anybody does
_loop = 0  # the thread of whoever listens
_origin: float | None = None  # when the attempt began that took spans last


@contextmanager
def told(before: Sequence[tuple[str, float, float]] = ()) -> Iterator[None]:
    """Keep what is told while this lasts, and what was done `before`: name, start and end of each.

    Inside another one, the time since that began is told first, as "prepare".
    """
    global _depth, _loop, _opened, _missed, _origin  # code that tells of a span knows no attempt to tell it to
    with _lock:
        outer, now = _depth > 0, clock()
        if not outer:
            _found[:] = [(*one, 0, 0, "") for one in before]
            _missed, _opened, _loop, _origin = 0, now, threading.get_ident(), None
        _depth += 1
    if outer:
        tell("prepare", _opened, now)
    try:
        yield
    finally:
        with _lock:
            _depth -= 1


def tell(name: str, start: float, end: float, *, rows: int = 0, tokens: int = 0, track: str = "") -> None:
    """Say that `name` took from `start` to `end`, on `clock`; where too much is told between two readings, it is only counted."""
    global _missed
    if not _depth:
        return
    with _lock:
        if len(_found) < MOST_SPANS - 1:
            _found.append((name, start, end, rows, tokens, track))
        else:
            _missed += 1


@contextmanager
def span(name: str, *, rows: int = 0, tokens: int = 0, least: float = 0.0) -> Iterator[None]:
    """Tell of a block of this thread, if it took `least` seconds; one that raises is told too, since its time is gone."""
    if not _depth:
        yield
        return
    start = clock()
    try:
        yield
    finally:
        if (end := clock()) - start >= least:
            tell(name, start, end, rows=rows, tokens=tokens, track=track())


def imports() -> AbstractContextManager[None]:
    """Tell of a block that imports, unless all of it was there already."""
    return span("import", least=LEAST_SECONDS)


def track() -> str:
    """The kind of thread that this is: "" for the one that listens, what comes before the number in its name if it is a word."""
    if threading.get_ident() == _loop:
        return ""
    kind = threading.current_thread().name.partition("_")[0]
    return kind if re.fullmatch("[a-z]{1,40}", kind) else "another thread"


def taken(origin: float) -> tuple[Span, ...]:
    """What was told since this was last asked, its starts counted from `origin`; last how many spans found no room, if any."""
    global _missed, _origin
    with _lock:
        raw, missed = [*_found], _missed
        _found.clear()
        _missed, _origin = 0, origin
    found = [
        Span(name, round(start - origin, 6), round(max(0.0, end - start), 6), rows, tokens, track)
        for name, start, end, rows, tokens, track in raw
    ]
    if missed:
        found.append(Span("not kept", round(clock() - origin, 6), 0.0, rows=missed))
    return tuple(found)


def since_begin(moment: float) -> float | None:
    """The seconds from the beginning of the attempt to a moment behind it, while `told` lasts; None where there was none."""
    return None if _origin is None or not _depth else moment - _origin


def process_began() -> float | None:
    """When this process began, on `clock`; None where the system does not say, or says what cannot be."""
    try:
        text = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
        ticks = int(text.rpartition(")")[2].split()[19])  # field 22, behind a name that may hold anything
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return clock() - age if 0 <= age < 86_400 else None
