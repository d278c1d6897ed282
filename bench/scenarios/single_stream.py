"""Single stream: one request after another, the next when the last is answered."""

from __future__ import annotations

from bench.scenarios import order
from bench.scenarios.stage import Stage


def measure(stage: Stage) -> str:
    """Ask one at a time until there are enough answers; why it ended."""
    timing = stage.timing
    least, seconds = timing.min_count or 1, timing.min_seconds or 0.0
    for request in order.requests(stage):
        stage.model.ready([request])
        stage.ask([request])
        stage.progress(stage.right + stage.failed, max(least, stage.right + stage.failed))
        now = stage.clock.now()
        if stage.hopeless or (stage.right >= least and now >= seconds):
            return "done"
        if now > (timing.limit_seconds or 0):
            return "limit"
    return "examples"
