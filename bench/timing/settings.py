"""What a timing is asked to measure, declared once: the schema of conf/timing and the command line take it from here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from bench.errors import BenchError
from bench.text.meant import meant
from bench.timing.percentiles import ENOUGH
from bench.types import Json

SCENARIOS = ("offline", "single_stream", "server")
RULES = ("default", "mlperf")
_BOUND = re.compile(r"p(\d{1,3}):(\d+(?:\.\d+)?)(ms|s)")
_MOST_QPS, _MOST_SECONDS = 1e6, 1e7


class Bound(NamedTuple):
    """What a percentile of the latency may be at most, in seconds."""

    percentile: int
    seconds: float

    def __str__(self) -> str:
        """As the command line takes it."""
        return f"p{self.percentile}:{1000 * self.seconds:g}ms"


@dataclass(frozen=True)
class TimingSettings:
    """A scenario and its rules; nothing of it changes an answer.

    `qps` is the rate of a server's Poisson arrivals, `bound` ("p99:2000ms") what its latency may be: without a rate, the highest
    one is searched that meets it. `percentile` is the one that must have enough samples. At least `min_seconds` and `min_count`
    answers are measured, `limit_seconds` ends it early; None is what the rules say. `warmup` requests are asked before and not
    counted. `server_batch` waiting requests are given to a local model at once. With `alone` there is no quality run. `audit`
    compares the answers with the run's, and looks for a cache.
    """

    scenario: str = "none"
    rules: str = "default"
    qps: float | None = field(default=None, metadata={"above": 0, "most": _MOST_QPS})
    bound: str | None = None
    percentile: int | None = None
    min_seconds: float | None = field(default=None, metadata={"least": 0, "most": _MOST_SECONDS})
    min_count: int | None = field(default=None, metadata={"least": 1, "most": 10**8})
    limit_seconds: float | None = field(default=None, metadata={"above": 0, "most": _MOST_SECONDS})
    warmup: int = field(default=8, metadata={"least": 0, "most": 10**6})
    seed: int = field(default=0, metadata={"least": 0, "most": 2**63})
    server_batch: int = field(default=1, metadata={"least": 1, "most": 10**6})
    alone: bool = False
    audit: bool = True

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> TimingSettings | None:
        """Those of a configuration, with what the rules say filled in; None for no scenario. BenchError for what cannot be."""
        given = cls(**found)
        if given.scenario == "none":
            for one in fields(cls):
                if getattr(given, one.name) != one.default:
                    raise BenchError(
                        f"timing.{one.name}={getattr(given, one.name)} is given, and no scenario; choose one with "
                        f"timing={'server' if one.name in ('qps', 'bound', 'server_batch') else '|'.join(SCENARIOS)}"
                    )
            return None
        given._refuse()
        return given._ruled()

    def _refuse(self) -> None:
        for name, known in (("scenario", SCENARIOS), ("rules", RULES)):
            if (given := getattr(self, name)) not in known:
                raise BenchError(f"timing.{name}={given} is none of {', '.join(known)}{meant(str(given), known)}")
        for one in fields(self):
            self._refuse_number(one.name, getattr(self, one.name), one.metadata)
        if self.percentile is not None and self.percentile not in ENOUGH:
            raise BenchError(f"timing.percentile={self.percentile} is none of {', '.join(map(str, ENOUGH))}")
        if self.scenario == "server":
            if self.qps is None and self.bound is None:
                raise BenchError(
                    "timing=server needs timing.qps=RATE, or timing.bound=p99:2000ms to search the highest rate"
                )
            bound = self.limit
            if bound is not None and self.percentile not in (None, bound.percentile):
                raise BenchError(
                    f"timing.percentile={self.percentile} and timing.bound={self.bound} name two percentiles; leave the first out"
                )

    def _refuse_number(self, name: str, value: Any, bounds: Mapping[str, Any]) -> None:
        if value is None or not bounds:
            return
        if not math.isfinite(value) or ("above" in bounds and value <= bounds["above"]):
            raise BenchError(f"timing.{name}={value} must be a number above {bounds.get('above', 0)}")
        if "least" in bounds and value < bounds["least"]:
            raise BenchError(f"timing.{name}={value} must be at least {bounds['least']}")
        if value > bounds["most"]:
            raise BenchError(f"timing.{name}={value} must be at most {bounds['most']:g}")

    def _ruled(self) -> TimingSettings:
        """The same with every None that the rules say something about filled in."""
        mlperf, server = self.rules == "mlperf", self.scenario == "server"
        rank = self.percentile or (self.limit.percentile if server and self.limit else 99 if server and mlperf else 90)
        count = {True: 24_576, False: 1}[mlperf] if self.scenario == "offline" else ENOUGH[rank]
        seconds = 600.0 if mlperf else {"offline": 10.0, "single_stream": 0.2, "server": 0.2}[self.scenario]
        return replace(
            self,
            percentile=rank,
            min_count=self.min_count or count,
            min_seconds=seconds if self.min_seconds is None else self.min_seconds,
            limit_seconds=self.limit_seconds or (36_000.0 if mlperf else 600.0),
            qps=self.qps if server else None,
            bound=self.bound if server else None,
        )

    def refuse_hopeless(self) -> None:
        """Raise BenchError for a rate at which not enough requests come before the limit."""
        if self.qps is None or not self.min_count or not self.limit_seconds:
            return
        if (due := self.min_count / self.qps) > self.limit_seconds:
            raise BenchError(
                f"timing.qps={self.qps:g}: {self.min_count:,} answers take {due:.3g} s at that rate, where timing.limit_seconds is "
                f"{self.limit_seconds:g}; raise one of the two"
            )

    @property
    def limit(self) -> Bound | None:
        """The bound as numbers; raises BenchError for a text that is none."""
        if self.bound is None:
            return None
        match = _BOUND.fullmatch(self.bound)
        if match is None or int(match[1]) not in ENOUGH or float(match[2]) <= 0:
            raise BenchError(
                f"timing.bound={self.bound[:60]} is no percentile and time such as p99:2000ms; percentiles are "
                f"{', '.join(f'p{rank}' for rank in ENOUGH)}, the time is above 0, in ms or s"
            )
        return Bound(int(match[1]), float(match[2]) / (1000 if match[3] == "ms" else 1))

    @property
    def repeats(self) -> bool:
        """Whether an example may be asked again: in passes over all of them, or as MLPerf draws its samples."""
        return self.rules == "mlperf" or self.scenario == "offline"

    def header(self) -> dict[str, Json]:
        """What the raw file says of them."""
        bound = self.limit
        return {
            "rules": self.rules, "qps": self.qps, "bound": bound and {"percentile": bound.percentile, "seconds": bound.seconds},
            "percentile": self.percentile, "min_seconds": self.min_seconds, "min_count": self.min_count,
            "limit_seconds": self.limit_seconds, "warmup": self.warmup, "seed": self.seed, "server_batch": self.server_batch,
            "alone": self.alone, "audit": self.audit,
        }  # fmt: skip
