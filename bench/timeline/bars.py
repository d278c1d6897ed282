"""Bars on tracks, and how those that overlap get out of each other's way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.timing.raw import Answer
from bench.types import Json

PHASES, INSIDE = "phases", "inside"
ROUNDED = 5e-6  # seconds: starts and lengths of a ledger are rounded to a millionth each


@dataclass(frozen=True)
class Bar:
    """What took `seconds` from `start` on, in seconds of its process's clock, on a track; `about` says more of it.

    `repeated` is work whose answers were given again later, `guessed` a place that no clock said.
    """

    name: str
    track: str
    start: float
    seconds: float
    about: Mapping[str, Json] = field(default_factory=dict)
    repeated: bool = False
    guessed: bool = False

    @property
    def end(self) -> float:
        """When it was over."""
        return self.start + self.seconds


@dataclass(frozen=True)
class Process:
    """What has a clock of its own: an attempt at the run, or a scenario. `offset` is when its clock began on that of the whole.

    `notes` say what of it is not as a clock told.
    """

    title: str
    offset: float
    bars: Sequence[Bar] = ()
    answers: Sequence[Answer] = ()
    notes: Sequence[str] = ()

    def moved(self, offset: float, *notes: str) -> Process:
        """The same at another place."""
        return replace(self, offset=offset, notes=(*self.notes, *notes))

    @property
    def begin(self) -> float:
        """Its first moment on its own clock: below 0 for what was done before it."""
        return min((*(bar.start for bar in self.bars), *(one.scheduled for one in self.answers)), default=0.0)

    @property
    def end(self) -> float:
        """Its last moment on its own clock."""
        return max((*(bar.end for bar in self.bars), *(one.ended for one in self.answers)), default=0.0)


@dataclass(frozen=True)
class Timeline:
    """All of a run: its processes, oldest first, and what is to be known before they are read."""

    processes: Sequence[Process]
    notes: Sequence[str] = ()


def lanes(bars: Iterable[Bar]) -> list[list[Bar]]:
    """The bars in as few lanes as are needed for any two of a lane to be apart, or one inside the other.

    So it is in one lane wherever one thread did one thing at a time; a second one says that the times contradict that.

    >>> [len(lane) for lane in lanes([Bar("a", "", 0.0, 2.0), Bar("b", "", 0.5, 1.0), Bar("c", "", 1.0, 3.0)])]
    [2, 1]
    """
    found: list[list[Bar]] = []
    open_ends: list[list[float]] = []
    for bar in sorted(bars, key=lambda one: (one.start, -one.seconds)):
        at = next((i for i, ends in enumerate(open_ends) if _fits(bar, ends)), len(found))
        if at == len(found):
            found.append([])
            open_ends.append([])
        found[at].append(bar)
        open_ends[at].append(bar.end)
    return found


def _fits(bar: Bar, ends: list[float]) -> bool:
    """Whether the bar is apart from what of a lane is still open, or inside it; what is over is taken off."""
    while ends and ends[-1] <= bar.start + ROUNDED:
        ends.pop()
    return not ends or bar.end <= ends[-1] + ROUNDED
