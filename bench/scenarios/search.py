"""The highest rate that meets a bound: doubled until it does not, then the middle between the two, again and again."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from bench.scenarios import server
from bench.scenarios.stage import Stage
from bench.timing.raw import Answer, Probe
from bench.timing.verdict import of_server
from bench.types import Json

NEAR = 1.1  # the lowest rate that misses over the highest that meets, where it is close enough
MOST = 16  # rates that are tried
IDLE = 0.1  # share of the time in which the model is busy, below which next to nothing waits
_FROM, _TO = 1e-3, 1e5


def measure(stage: Stage, settings: Mapping[str, Json], service: float | None) -> str:
    """Try rates, each a reading of its own, from half of what `service` seconds an answer allow; why it ended."""
    low = high = None
    qps = min(max(0.5 / service if service else 1.0, _FROM), _TO)
    end = stage.clock.now() + (stage.timing.limit_seconds or 0.0)
    for number in range(1, MOST + 1):
        stage.begin()
        stage.progress.doing(f"tries {qps:.3g} requests a second")
        stage.raw.line({"probe": {"number": number, "qps": qps}})
        answers: list[Answer] = []
        stage.noted = answers
        why = server.reading(stage, qps, draw=number, until=end)
        stage.raw.line({"probed": {"number": number, "why": why}})
        if why == "limit":
            return "limit"
        probe = Probe(qps, sorted(answers, key=lambda one: one.issued), why)
        meets = why in ("done", "examples") and not of_server(settings, probe)
        if not meets and qps * fmean(one.ended - one.issued for one in answers) < IDLE:
            return "done"  # nothing waited, so that a lower rate is answered no sooner
        low, high = (qps, high) if meets else (low, qps)
        if low is not None and high is not None:
            if high / low <= NEAR:
                return "done"
            qps = (low * high) ** 0.5
        else:
            qps = qps * 2 if meets else qps / 2
        if not _FROM <= qps <= _TO:
            return "done"
    return "done"
