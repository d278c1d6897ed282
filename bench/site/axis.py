"""An axis of a picture: where a value stands on it, and which values are written beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    """A value that is written at a place of the picture."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` on the places from `start` to `end`; in equal ratios where `log`, and then above 0."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float, *, zero: bool = False, room: float = 0.0) -> Axis:
        """An axis that all values fit on: in ratios where they differ by more than 30 times, from 0 on if `zero`.

        `room` is left free at its ends, as a part of the whole; a single value stands in the middle of an axis around it.
        """
        low, high = min(values, default=0.0), max(values, default=1.0)
        if low > 0 and high > 30 * low:
            return cls(low / (1 + 2 * room), high * (1 + 2 * room), start, end, True)
        if zero:
            low = min(0.0, low)
        if high - low < 1e-9 * max(1.0, abs(high)):
            low, high = (low - abs(low) / 2 or -1.0), (high + abs(high) / 2 or 1.0)
        free = room * (high - low)
        return cls(low if zero and low == 0 else low - free, high + free, start, end)

    def at(self, value: float) -> float:
        """The place of a value; one that is outside stands at the end."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = math.log(max(value, self.low)) if self.log else value
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self, most: int = 6, unit: str = "") -> list[Tick]:
        """Round values between the ends, at most about so many."""
        return [Tick(self.at(value), f"{_short(value)}{unit}") for value in self._rounds(most)]

    def _rounds(self, most: int) -> list[float]:
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            found = [m * 10.0**k for k in range(first, last + 1) for m in (1, 2, 5)]
            inside = [one for one in found if self.low <= one <= self.high]
            powers = [10.0**k for k in range(first, last + 1) if self.low <= 10.0**k <= self.high]
            return inside if len(inside) <= most else powers[:: -(-len(powers) // most)] or inside[:most]
        step = _step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below.

    >>> [_step(x) for x in (0.3, 1.0, 4.2, 60.0)]
    [0.5, 1.0, 5.0, 100.0]
    """
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= least * (1 - 1e-9))


def _short(value: float) -> str:
    return f"{round(value, 12):.6g}" if abs(value) < 1e6 else f"{value:.3g}"
