"""Offline: all requests are there, and are answered in the batches of a quality run, pass after pass."""

from __future__ import annotations

from bench.engine import feed
from bench.scenarios.stage import Stage


def measure(stage: Stage) -> str:
    """Answer all examples again and again until there are enough; whole passes, since the longest come first. Why it ended."""
    timing, n = stage.timing, len(stage.asked.examples)
    total = -(-(timing.min_count or 1) // n) * n
    while True:
        stage.model.forget()
        for unit in feed.ahead(stage.units(), stage.model):
            unit.wait()
            stage.ask(unit.requests)
            stage.progress(stage.right + stage.failed, max(total, stage.right + stage.failed))
            if stage.clock.now() > (timing.limit_seconds or 0):
                return "limit"
        if stage.hopeless or (
            stage.right >= (timing.min_count or 1) and stage.clock.now() >= (timing.min_seconds or 0)
        ):
            return "done"
