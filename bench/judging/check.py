"""What a gate allows, and one verdict that it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.errors import BenchError
from bench.judging.ended import Most
from bench.record import Run, Score
from bench.stats.gate import Verdict


@dataclass(frozen=True)
class Rules:
    """`margin` in the metric's unit (fractions), `speed_margin` as a share of the time, None to leave speed out.

    `most` says of how many answers may be "cut", "empty" or "unparsed".
    """

    margin: float = 0.01
    speed_margin: float | None = 0.2
    level: float = 0.05
    most: Mapping[str, Most] = field(default_factory=dict)

    def in_range(self) -> Rules:
        """These rules; raises BenchError for values that mean nothing."""
        for name, given in (("margin", self.margin), ("speed margin", self.speed_margin)):
            if given is not None and not (math.isfinite(given) and given >= 0):
                raise BenchError(f"the {name} is {given}; give a number of at least 0: 0.01 is one point of 100")
        if not 0 < self.level < 0.5:
            raise BenchError(f"the level is {self.level}; give how often a verdict may be wrong, above 0 and below 0.5")
        return self


@dataclass(frozen=True)
class Check:
    """One verdict on a "score", on "speed", or on how many answers were "cut", "empty" or "unparsed".

    Where both sides have readings, those on speed are on a number of a scenario: "offline speed", "single_stream p90".

    `value` and `expected` are the run's and the baseline's: the score on the `n` examples that both have, or seconds an example;
    None where they cannot be compared. `change` is above 0 where the run is better: in the score's unit, or a natural logarithm
    of seconds. `margin` is what was allowed, flips included. `notes` are what a reader should know beside it.
    """

    what: str
    run: Run
    baseline: Run
    score: Score
    verdict: Verdict
    margin: float
    n: int
    value: float | None = None
    expected: float | None = None
    change: float | None = None
    notes: tuple[str, ...] = field(default=())
