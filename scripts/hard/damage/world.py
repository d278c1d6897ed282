"""A small run of the stubs, complete and under way, as its folder holds it; made once, before anything is damaged."""

from __future__ import annotations

import functools
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from scripts.hard.command import OWN

N = 24  # examples of the run
HELD = 15  # of these the answers that a run under way has


def ready() -> None:
    """The stubs and their configuration in reach of this process."""
    os.environ["BENCH_CONF"] = str(OWN / "conf")
    if str(OWN) not in sys.path:
        sys.path.insert(0, str(OWN))


def evaluated(runs: Path, **settings: Any) -> Any:
    """What evaluating the stub on its task gives, in this runs directory: goes on with what is there."""
    ready()
    from hard_stubs import Numbers, Stub

    from bench.models.base import Device
    from bench.run import evaluate
    from bench.runs.settings import Settings

    config = {
        "task": {"_target_": "hard_stubs.Numbers", "n": N},
        "model": {"_target_": "hard_stubs.Stub", "seconds": 0.0},
        "seed": 0,
    }
    asked = Settings(**{"runs_dir": runs, "resamples": 20, "config": config} | settings)
    return evaluate(Numbers(N), Stub(), "hard_stub", Device("cpu", "none", 1), asked)


@functools.lru_cache
def complete() -> tuple[str, dict[str, bytes]]:
    """The path of the run below its runs directory, and its files."""
    with tempfile.TemporaryDirectory() as made:
        _, folder = evaluated(Path(made) / "runs")
        place = str(folder.path.relative_to(made))
        return place, {path.name: path.read_bytes() for path in sorted(folder.path.iterdir()) if path.name != ".lock"}


@functools.lru_cache
def under_way() -> tuple[str, dict[str, bytes]]:
    """The same run, killed behind its answer number `HELD`."""
    place, files = complete()
    held = [line for line in io.BytesIO(files["timings.jsonl"]) if _is_before(json.loads(line))]
    return place, {
        "config.yaml": files["config.yaml"],
        "identity.json": files["identity.json"],
        "predictions.jsonl": b"".join([*io.BytesIO(files["predictions.jsonl"])][:HELD]),
        "timings.jsonl": b"".join(held),
        ".alive": b"1 3.5\n",
    }


def _is_before(reading: dict[str, Any]) -> bool:
    if reading["phase"] == "predict":
        return all(place < HELD for place in reading["places"])
    return reading["phase"] in ("begin", "load", "warmup")


@contextmanager
def inside(folder: str | Path) -> Iterator[None]:
    """In this folder, where a board writes its page."""
    before = os.getcwd()  # noqa: PTH109
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def said(*words: str) -> tuple[int, str]:
    """What a command prints to stdout, with its exit code; BenchError with its line where it ends with 2."""
    from bench.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(words))
    told = [text(stream) for stream in (out, err)]
    if code == 2:
        raise BenchError(" | ".join(line for line in (told[1].strip() or told[0].strip()).split("\n")))
    if code == 70:
        raise RuntimeError(told[1][-600:])
    return code, told[0]


def text(stream: io.TextIOWrapper) -> str:
    """What was written to a stream in memory."""
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
