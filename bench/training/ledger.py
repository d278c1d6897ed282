"""The ledger of one seed: a line for everything that was done, from which its times, curve and result are computed again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.runs import forms
from bench.runs.appended import Appended, lines
from bench.runs.identity import canonical
from bench.runs.locks import append
from bench.types import Json

FILE = "ledger.jsonl"
PHASES = ("begin", "load", "train", "checkpoint", "evaluate", "save", "lost")


@dataclass(frozen=True)
class Reading:
    """What attempt `attempt` did in `seconds`.

    "begin" (`at`: UTC), "load" (model and rows; digests of the first `weights` and of the `order` of the data), "train" (the steps
    behind `start` up to `step`), "checkpoint" and "evaluate" (behind `step`, which is `epoch`; `value` of the target's metric),
    "save" (the model that stays, the digest of its weights, and `why` it is the last), "lost" (what a killed attempt took).
    """

    attempt: int
    phase: str
    seconds: float
    start: int | None = None
    step: int | None = None
    epoch: float | None = None
    value: float | None = None
    at: str | None = None
    weights: str | None = None
    order: str | None = None
    why: str | None = None

    def line(self) -> str:
        """As it stands in the ledger."""
        return canonical({name: value for name, value in vars(self).items() if value is not None})


class Ledger:
    """Appends readings to a file, each of them handed to the system at once."""

    def __init__(self, folder: Path, attempt: int) -> None:
        self.attempt, self._run = attempt, folder.parent  # whose lock is ours
        self._file = Appended(folder / FILE)

    def write(self, phase: str, seconds: float = 0.0, **more: Json) -> None:
        """Write a reading; raises BenchError for a time that no clock which runs forward gives, where the disk is full, and
        where another machine has taken the training over.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            raise BenchError(
                f"the clock says that '{phase}' took {seconds} seconds; a monotonic clock is due, nothing was written"
            )
        append(self._run, self._file, [Reading(self.attempt, phase, seconds, **more).line()])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def readings(folder: Path) -> tuple[list[Reading], int]:
    """The readings of a seed's folder, oldest first, and how many lines are none."""
    found: list[Reading] = []
    bad = 0
    for _, line in lines(folder / FILE):
        try:
            found.append(_read(forms.loaded(line)))
        except forms.WRONG:
            bad += 1
    return found, bad


def _read(record: Json) -> Reading:
    for name, value in record.items():
        if not _FORM[name](value):
            raise ValueError(f"{name} is {value!r}")
    reading = Reading(**record)
    for name in _NEEDED.get(reading.phase, ()):
        if getattr(reading, name) is None:
            raise ValueError(f"{name} is missing")
    return reading


def _is_count(value: Json) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_number(value: Json) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


_FORM: Mapping[str, Callable[[Json], bool]] = {
    "attempt": lambda value: _is_count(value) and value > 0,
    "phase": lambda value: value in PHASES,
    "seconds": lambda value: _is_number(value) and value >= 0,
    "start": _is_count, "step": _is_count, "epoch": lambda value: _is_number(value) and value >= 0, "value": _is_number,
    **dict.fromkeys(("at", "weights", "order", "why"), lambda value: isinstance(value, str) and len(value) <= 200),
}  # fmt: skip
_NEEDED = {
    "train": ("start", "step"), "evaluate": ("step", "epoch", "value"), "checkpoint": ("step",), "save": ("step", "weights", "why"),
}  # fmt: skip


@dataclass(frozen=True)
class Way:
    """The useful part of a ledger: the `segments` that lead from the first step to the last without a gap, and the `evaluations`.

    A segment that an attempt trained again, for want of a checkpoint, is `repeated`; what was killed is `lost`: neither is in
    `seconds`.
    """

    segments: tuple[Reading, ...] = ()
    evaluations: tuple[Reading, ...] = ()
    repeated: float = 0.0
    lost: float = 0.0

    @property
    def step(self) -> int:
        """How many steps it has come."""
        return self.segments[-1].step or 0 if self.segments else 0

    def seconds(self, step: int | None = None) -> float:
        """The training seconds up to this step, None for all."""
        return math.fsum(one.seconds for one in self.segments if step is None or (one.step or 0) <= step)

    def evaluated(self, step: int) -> Reading | None:
        """The evaluation behind this step."""
        return next((one for one in self.evaluations if one.step == step), None)


def way(found: Sequence[Reading]) -> Way:
    """The useful way of some readings: whoever trained from a step on again has replaced all that came behind it.

    >>> way([Reading(1, "train", 2.0, 0, 5), Reading(1, "train", 2.5, 5, 9), Reading(2, "train", 3.0, 5, 9)]).seconds()
    5.0
    """
    segments: list[Reading] = []
    evaluations: dict[int, Reading] = {}
    repeated = lost = 0.0
    for one in found:
        if one.phase == "train":
            start = one.start or 0
            while segments and (segments[-1].step or 0) > start:
                repeated += segments.pop().seconds
            evaluations = {step: each for step, each in evaluations.items() if step <= start}
            if (segments[-1].step if segments else 0) == start and (one.step or 0) > start:
                segments.append(one)
            else:  # a line before it was damaged: nobody knows how long the steps between took
                repeated += one.seconds
        elif one.phase == "evaluate":
            evaluations[one.step or 0] = one
        elif one.phase == "lost":
            lost += one.seconds
    end = segments[-1].step or 0 if segments else 0
    return Way(
        tuple(segments), tuple(each for step, each in sorted(evaluations.items()) if step <= end), repeated, lost
    )


def totals(found: Sequence[Reading]) -> dict[str, float]:
    """The seconds of each phase, whatever came of them."""
    phases = dict.fromkeys(one.phase for one in found if one.phase != "begin")
    return {phase: math.fsum(one.seconds for one in found if one.phase == phase) for phase in phases}
