"""The figures by which DAWNBench ranks: what an entry has of each, or why it has none."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.dawnbench_curve import Curve
from bench.data.dawnbench_format import INFERENCE, TRAIN, Entry
from bench.data.dawnbench_values import DATA_SETS

SECONDS = 3600.0  # in an hour
MS = 3.6e6  # in an hour


def hours_to(curve: Curve, bar: float) -> float | None:
    """The hours of the first row whose accuracy is at the bar or above it, None if there is none.

    >>> hours_to([(1.0, 0.70), (2.0, 0.75), (3.0, 0.74)], 0.75)
    2.0
    """
    return next((hours for hours, accuracy in curve if accuracy >= bar), None)


def item_cost(per_hour: float, latency_ms: float) -> float:
    """US dollars of one item on a machine that costs so much an hour.

    >>> item_cost(3.6, 1000.0)
    0.001
    """
    return per_hour * latency_ms / MS


@dataclass(frozen=True)
class Figures:
    """What one training or inference has: hours to each bar that it reaches, and what a ranking is by; None with a reason.

    The first bar of the data set is the one that ranks. Costs are US dollars, of a training or of one item.
    """

    kind: str
    hours: dict[float, float]
    bar: float
    reaches: bool
    latency_ms: float | None = None
    cost: float | None = None
    refused: bool = False

    @property
    def seconds(self) -> float | None:
        """Seconds to the bar that ranks."""
        hours = self.hours.get(self.bar)
        return None if hours is None else hours * SECONDS

    @property
    def lacks(self) -> str:
        """Why it is in no ranking at all, "" where it is in one."""
        if self.refused:
            return "refused"
        return "" if self.reaches else f"never reaches {self.bar:g}"


def figures(entry: Entry) -> Figures:
    """The figures of an entry; a refused one has none."""
    bars = DATA_SETS[entry.data_set].bars if entry.data_set in DATA_SETS else (0.0,)
    if entry.refused:
        return Figures(entry.kind, {}, bars[0], reaches=False, refused=True)
    if entry.kind == INFERENCE:
        reaches = entry.accuracy is not None and entry.accuracy >= bars[0]
        return Figures(INFERENCE, {}, bars[0], reaches, entry.latency_ms, entry.cost)
    hours = {bar: found for bar in bars if (found := hours_to(entry.curve, bar)) is not None}
    per_hour, first = entry.cost_per_hour, hours.get(bars[0])
    cost = first * per_hour if first is not None and per_hour is not None else None
    return Figures(TRAIN, hours, bars[0], first is not None, None, cost)
