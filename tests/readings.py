"""Scenario readings for tests: the summary that stands in a record, and the raw file that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.types import Json

CPU = {"device": "cpu", "device_name": "", "dtype": "float32", "threads": 2, "cpu": "EPYC 7", "load": 0.1}


def reading(scenario: str = "single_stream", seconds: float = 0.1, **changes: Any) -> dict[str, Json]:
    """A VALID reading in which every answer took this long; of offline, of as many answers a second."""
    spread = dict.fromkeys(("mean", "min", "max", "p50", "p90"), seconds) | {"p95": None, "p97": None, "p99": None}
    latency = None if scenario == "offline" else spread
    return {
        "scenario": scenario, "rules": "default", "verdict": "VALID", "reasons": [], "percentile": 90, "n": 64, "failed": 0,
        "seconds": 64 * seconds, "examples_per_second": 1 / seconds, "tokens_per_second": 20 / seconds, "prompt_tokens": 640,
        "new_tokens": 1280, "latency": latency, "ttft": None, "tpot": None, "qps": None, "achieved_qps": None, "bound": None,
        "search": None, "audit": {"same_answers": {"n": 64, "differ": 0, "passed": True}, "cache": None},
        "client_overhead_seconds": None, "environment": dict(CPU), "started": "2026-11-28T10:00:00+00:00", "sha256": "0" * 64,
    } | changes  # fmt: skip


def scenarios(*found: dict[str, Json]) -> dict[str, Json]:
    """The field of a record that holds these readings."""
    return {one["scenario"]: one for one in found}


def bounded(one: dict[str, Json], low: float, high: float) -> dict[str, Json]:
    """The reading with bounds of its 90th percentile, as the index adds them."""
    return one | {"intervals": {"p90": [low, high]}, "sure": {"p90": [low, high]}}


def names(rows: Sequence[Any]) -> list[tuple[int | None, str, str]]:
    """Rank, model and why not, of the rows of a table of speed."""
    return [(row.rank, row.run.model, row.why) for row in rows]
