"""Raw files of timing scenarios, made by hand on a clock of their own."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.timing.summary import FOLDER, summary_of

STARTED = "2026-01-02T03:05:00+00:00"
ENVIRONMENT = {"device": "cpu", "device_name": "", "dtype": "float32", "threads": 2, "cpu": "one", "load": 0.1}
SETTINGS = {
    "rules": "default", "qps": None, "bound": None, "percentile": 90, "min_seconds": 0.0, "min_count": 64,
    "limit_seconds": 600.0, "warmup": 8, "seed": 0, "server_batch": 1, "alone": False, "audit": True, "n_examples": 100,
    "at_once": False,
}  # fmt: skip


def answer(
    place: int, scheduled: float, issued: float, first: float | None, ended: float, tokens: int = 11
) -> dict[str, Any]:
    """A line of the raw file."""
    return {
        "id": f"q{place}", "place": place, "scheduled": scheduled, "issued": issued, "first": first, "ended": ended,
        "prompt_tokens": 20, "new_tokens": tokens, "finish": "stop", "heard": tokens,
    }  # fmt: skip


def single_stream(n: int = 100, seconds: float = 0.02, seed: int = 0) -> list[dict[str, Any]]:
    """Answers one behind another, of about so many seconds, their first token after a quarter of each."""
    draw, now, found = random.Random(seed), 0.0, []
    for i in range(n):
        took = seconds * draw.lognormvariate(0, 0.4)
        found.append(answer(i, now, now, now + took / 4, now + took))
        now += took
    return found


def server(n: int = 200, qps: float = 8.0, service: float = 0.1, seed: int = 0) -> list[dict[str, Any]]:
    """Poisson arrivals at one server, which answers one after another in the order of arrival."""
    draw, due, free, found = random.Random(seed), 0.0, 0.0, []
    for i in range(n):
        due += draw.expovariate(qps)
        start = max(due, free)
        free = start + service
        found.append(answer(i, due, start, start + service / 5, free))
    return found


def write(folder: Path, scenario: str, answers: Sequence[Mapping[str, Any]], **settings: Any) -> dict[str, Any]:
    """Write the raw file of a scenario into a run's folder; its summary, as the record has it."""
    header = {
        "form": 1, "scenario": scenario, "settings": SETTINGS | settings, "environment": ENVIRONMENT, "started": STARTED,
        "clock": "CLOCK_MONOTONIC",
    }  # fmt: skip
    path = folder / FOLDER / f"{scenario}.jsonl"
    path.parent.mkdir(exist_ok=True)
    seconds = max((one["ended"] for one in answers if "ended" in one), default=0.0)
    clock = {"clock": dict.fromkeys(("suspended", "backwards", "stopped", "kept_waiting"), 0.0) | {"seconds": seconds}}
    rest = [{"warmup": {"n": 8, "seconds": 0.4}}, *answers, clock, {"end": {"why": "done"}}]
    path.write_text("".join(json.dumps(line) + "\n" for line in (header, *rest)))
    return summary_of(path)
