"""Scenario readings for tests: the summary that stands in a record, and the raw file that it is made of."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.record import Run
from bench.runs.folder import RECORD, RunFolder, read_run
from bench.runs.readings import file_of
from bench.timing.summary import summary_of
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


SETTINGS = {
    "rules": "default", "qps": None, "bound": None, "percentile": 50, "min_seconds": 1.0, "min_count": 11, "limit_seconds": 600.0,
    "warmup": 8, "seed": 0, "server_batch": 1, "alone": False, "audit": True, "n_examples": 60, "at_once": False,
}  # fmt: skip


def order(n: int, seed: int = 0) -> list[int]:
    """The places of the data in the order in which a scenario asks for them."""
    places = list(range(n))
    random.Random(f"order/{seed}/0").shuffle(places)
    return places


def lines(
    seconds: Sequence[float], scenario: str = "single_stream", *, environment: dict[str, Json] | None = None, **settings: Json
) -> list[dict[str, Json]]:  # fmt: skip
    """The lines of a raw file: each answer took so many seconds, one after another, to examples w0, w1, … in the seeded order."""
    asked = SETTINGS | settings | ({"min_count": 1, "min_seconds": 10.0} if scenario == "offline" else {})
    found: list[dict[str, Json]] = [
        {"form": 1, "scenario": scenario, "settings": asked, "environment": environment or CPU | {"dtype": "none", "threads": 1},
         "started": "2026-11-28T10:00:00+00:00", "clock": "CLOCK_MONOTONIC"},
        {"load": {"seconds": 0.5}}, {"warmup": {"n": 8, "seconds": 0.8}},
    ]  # fmt: skip
    now = 0.0
    places = order(60) * (1 + len(seconds) // 60)
    for place, took in zip(places, seconds, strict=False):
        due = 0.0 if scenario == "offline" else now
        found.append({
            "id": f"w{place}", "place": place, "scheduled": due, "issued": now, "first": None, "ended": round(now + took, 9),
            "prompt_tokens": 4, "new_tokens": 2, "finish": "stop",
        })  # fmt: skip
        now = round(now + took, 9)
    same = {"n": 60, "unlike": 0, "differ": 0, "worse": None, "ids": []}
    return [*found, {"clock": {"seconds": now, "suspended": 0.0, "backwards": 0.0, "stopped": 0.0, "kept_waiting": 0.0}},
            {"audit": {"same_answers": same, "cache": None}}, {"end": {"why": "examples"}}]  # fmt: skip


def measure(folder: Path, *raws: Sequence[dict[str, Json]]) -> Run:
    """Give a run's folder these readings, as a measurement does: raw files, and their summaries in the record."""
    run = read_run(folder / RECORD)
    found = dict(run.scenarios)
    for raw in raws:
        path = folder / file_of(raw[0]["scenario"])
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text(raw))
        found[raw[0]["scenario"]] = summary_of(path)
    return RunFolder(folder).amend(replace(run, scenarios=found))


def text(raw: Sequence[dict[str, Json]]) -> bytes:
    """The lines as a file."""
    return "".join(json.dumps(line) + "\n" for line in raw).encode()
