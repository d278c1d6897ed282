"""What is on this machine already, for those who must not fetch."""

from __future__ import annotations

import os
from pathlib import Path

from bench.artifacts.fetch import locate


def stay_offline() -> None:
    """Open no connection from now on, and have the libraries open none: to be said before they are imported."""
    for name in (
        "BENCH_OFFLINE",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "HF_DATASETS_OFFLINE",
        "HF_EVALUATE_OFFLINE",
    ):
        os.environ[name] = "1"
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[name] = "true"


def held(uri: str, *, sha256: str | None = None) -> Path:
    """As `locate`, in the middle of something that no download may hold up: BenchError where the source is not here."""
    before = os.environ.get("BENCH_OFFLINE")
    os.environ["BENCH_OFFLINE"] = "1"
    try:
        return locate(uri, sha256=sha256)
    finally:
        if before is None:
            del os.environ["BENCH_OFFLINE"]
        else:
            os.environ["BENCH_OFFLINE"] = before
