"""The timeline of a run as strips: a picture for each attempt, and a table of what took how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.site.axis import Axis, Tick
from bench.site.duration import duration
from bench.timeline.bars import PHASES, Bar, Process, Timeline, lanes

WIDTH, LEFT, ROW, GAP, TOP = 900.0, 84.0, 20.0, 5.0, 4.0
_KINDS = frozenset(
    "import settings prepare load fit tokenise prefill decode predict write score audit log lost warmup".split()
)
_MOST_STRIPS = 6
_PIXEL = 0.7  # of the picture's units: bars that are nearer are drawn as one
_LETTER = 7.0


@dataclass(frozen=True)
class Piece:
    """A drawn bar; `label` is "" where it is too short for its name."""

    x: float
    width: float
    kind: str
    label: str
    says: str


@dataclass(frozen=True)
class Row:
    """A track with its bars, at the height `y`."""

    name: str
    y: float
    pieces: list[Piece]


@dataclass(frozen=True)
class Sum:
    """What took how long, in all; `share` is of the whole strip, None where it lies inside something else."""

    name: str
    kind: str
    track: str
    n: int
    seconds: str
    share: str


@dataclass(frozen=True)
class Strip:
    """One attempt: a picture of `height`, with a sentence that says the same, and the sums behind it."""

    title: str
    height: float
    rows: list[Row]
    ticks: list[Tick]
    says: str
    sums: list[Sum]
    notes: Sequence[str]


def strips(timeline: Timeline) -> tuple[list[Strip], int]:
    """The attempts that took any time, the last ones where they are many, and how many were left out."""
    found = [one for one in timeline.processes if one.bars]
    return [_strip(one) for one in found[-_MOST_STRIPS:]], max(0, len(found) - _MOST_STRIPS)


def _strip(process: Process) -> Strip:
    axis = Axis(process.begin, max(process.end, process.begin + 1e-6), LEFT, WIDTH - 12)
    tracks: dict[str, list[Bar]] = {}
    for bar in sorted(process.bars, key=lambda one: (one.track != PHASES, one.track != "inside", one.track)):
        tracks.setdefault(bar.track, []).append(bar)
    rows: list[Row] = []
    for track, bars in tracks.items():
        for number, lane in enumerate(lanes(bars)):
            name = track if not number else "overlaps"
            rows.append(Row(name, TOP + len(rows) * (ROW + GAP), _pieces(lane, axis)))
    sums, between = _sums(process)
    whole = process.end - process.begin
    says = f"{process.title}, {duration(whole)}: " + ", ".join(
        f"{one.name} {one.seconds}" for one in sums if one.track == PHASES
    )
    says += f"; between them {duration(between)}" if between > 0.001 else ""
    return Strip(
        process.title, TOP + len(rows) * (ROW + GAP) + 20, rows, axis.ticks(8, " s"), says, sums, list(process.notes)
    )


def _pieces(lane: Sequence[Bar], axis: Axis) -> list[Piece]:
    """The bars of a lane, those of one kind that less than a pixel parts drawn as one."""
    joined: list[list[Bar]] = []
    for bar in lane:
        before = joined[-1] if joined else []
        near = bool(before) and axis.at(bar.start) - axis.at(max(one.end for one in before[-1:])) < _PIXEL
        if (
            near
            and (before[-1].name, before[-1].repeated) == (bar.name, bar.repeated)
            and bar.start >= before[-1].end - 1e-5
        ):
            before.append(bar)
        else:
            joined.append([bar])
    return [_piece(bars, axis) for bars in joined]


def _piece(bars: Sequence[Bar], axis: Axis) -> Piece:
    first, last = bars[0], bars[-1]
    x, end = axis.at(first.start), axis.at(last.end)
    width = round(max(_PIXEL, end - x), 2)
    word = f"{first.name}, repeated" if first.repeated else first.name
    more = f" ({len(bars)} times)" if len(bars) > 1 else ""
    says = f"{word}{more}: {duration(sum(one.seconds for one in bars))} from {first.start:.3f} s on"
    kind = "repeated" if first.repeated else _kind(first.name)
    return Piece(x, width, kind, word if width > _LETTER * len(word) + 6 else "", says)


def _kind(name: str) -> str:
    return "prefill" if name == "prefill submitted" else name if name in _KINDS else "other"


def _sums(process: Process) -> tuple[list[Sum], float]:
    """What took how long by name and track, and how much of the whole is in no phase."""
    groups: dict[tuple[str, str, bool], list[Bar]] = {}
    for bar in process.bars:
        groups.setdefault((bar.track, bar.name, bar.repeated), []).append(bar)
    whole = process.end - process.begin
    found = []
    for (track, name, repeated), bars in sorted(groups.items(), key=lambda one: (one[0][0] != PHASES, one[1][0].start)):
        seconds = sum(bar.seconds for bar in bars)
        share = f"{100 * seconds / whole:.1f} %" if track == PHASES and whole > 0 else "–"
        word = f"{name}, repeated" if repeated else name
        kind = "repeated" if repeated else _kind(name)
        found.append(Sum(word, kind, track, len(bars), duration(seconds), share))
    return found, max(0.0, whole - _covered([bar for bar in process.bars if bar.track == PHASES]))


def _covered(bars: Sequence[Bar]) -> float:
    """How many seconds lie in any of the bars."""
    total = 0.0
    end = float("-inf")
    for bar in sorted(bars, key=lambda one: one.start):
        total += max(0.0, bar.end - max(end, bar.start))
        end = max(end, bar.end)
    return total
