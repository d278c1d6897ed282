"""Time of boards: ranks, an index of many runs, and a store of many runs.

    python scripts/bench_board.py ranks
    python scripts/bench_board.py index [--n 10000]
    python scripts/bench_board.py store [--n 300]

Runs are made up in a temporary folder: tasks of 200 examples in 50 clusters, 100 models each. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.config.build import task_class
from bench.record import Run, Score, Timing
from bench.runs import measurements
from bench.runs.folder import CONFIG, RunFolder
from bench.runs.measurements import Measurements
from bench.scoring.source import digest_of
from bench.stats.ranks import by_tasks
from bench.task import Task
from bench.tracking import clock
from bench.tracking.log import Tracker
from bench.tracking.store import default_uri
from bench.types import Prediction

EXAMPLES, CLUSTERS, MODELS = 200, 50, 100
BOARDS = (
    ("squad_v1", "f1", ("exact_match",)), ("squad_v1_parted", "f1", ("exact_match",)), ("xquad_en", "f1", ("exact_match",)),
    ("docvqa", "anls", ()), ("finmm_qa", "f1", ("exact_match",)), ("finmm_docvqa", "anls", ()),
)  # fmt: skip


def made_up(folder: Path, n: int) -> None:
    """`n` complete runs below the folder."""
    rng = np.random.default_rng(0)
    ids = tuple(f"example-{i}" for i in range(EXAMPLES))
    clusters = tuple(f"passage {i % CLUSTERS}" for i in range(EXAMPLES))
    scorers = {task: _scorer(task) for task, _, _ in BOARDS}
    for number in range(n):
        task, metric, more = BOARDS[number // MODELS % len(BOARDS)]
        again, model = number // MODELS // len(BOARDS), f"model-{number % MODELS:03}"
        rows = {
            name: (rng.random((EXAMPLES, 1)) < 0.3 + number % MODELS / 200).astype(float) for name in (metric, *more)
        }
        scores = tuple(Score(name, float(one.mean()), 0.1, 0.9, EXAMPLES, 0) for name, one in rows.items())
        timings = {
            "attempts": 1, "seconds": {"load": 1.5, "predict": 8.0, "score": 0.5, "total": 10.0}, "n": EXAMPLES,
            "examples_per_second": 25.0,
            "tokens_per_second": None, "seconds_per_answer": 0.04, "prompt_tokens": 0, "new_tokens": 0, "usd": None,
        }  # fmt: skip
        run = Run(
            f"{number:012x}", task, 1, model, "r1", "ab" * 32, False, "d" * 64, EXAMPLES, None, 0, 2000, scores, timings,
            {"commit": "abc123", "python": "3.11", "packages": {"numpy": "2", "torch": "2"}, "device": "cpu", "dtype": "float32"},
            {"task": {"path": "data/file.json"}, "model": {f"setting{i}": i for i in range(20)}, "seed": 0},
            f"2026-{1 + again % 12:02}-{1 + again // 12 % 28:02}T00:00:00+00:00",
            asked="a" * 64, scorer=scorers[task], libraries={"python": "3", "finai-bench": "0"},
        )  # fmt: skip
        there = RunFolder(folder / task / model / run.run_id)
        there.path.mkdir(parents=True)
        (there.path / CONFIG).write_text("seed: 0\n")
        there.write_predictions([Prediction("example-0", text="one")])
        there.write_timing(Timing(1, "load", 1.5))
        measured = Measurements(ids, ("0" * 12,) * EXAMPLES, clusters, frozenset(), rows)
        measurements.write(there.path, measured)
        there.finish(run)


def _scorer(task: str) -> dict[str, str]:
    """What scores the task today, so that boards hold rows against the record."""
    cls = task_class(task)
    assert issubclass(cls, Task)
    return {metric.name: digest_of(metric, cls) for metric in cls.metrics}


def timed(what: str, act: Callable[[], object], repeats: int = 1) -> None:
    """Print the median seconds of `act`."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    print(f"{what}: {sorted(seconds)[len(seconds) // 2]:.3f} s", flush=True)


def board(folder: Path, *more: str) -> None:
    """`bench board` as a process of its own, as a user calls it; a store's address is in the environment, for its password."""
    command = [sys.executable, "-m", "bench.cli", "board", "--json", *more]
    environment = os.environ | {
        "BENCH_CACHE": str(folder / "cache"),
        "MLFLOW_TRACKING_URI": more[-1] if "--store" in more else "",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)


def ranks() -> None:
    """332 models by 41 tasks, 1,000 resamples."""
    scores = np.random.default_rng(0).normal(size=(332, 41))
    timed("332 models by 41 tasks, 1,000 resamples", lambda: by_tasks(scores), repeats=9)


def index(folder: Path, n: int) -> None:
    """First and later boards of `n` runs."""
    runs = folder / "runs"
    timed(f"making {n:,} runs", lambda: made_up(runs, n))
    timed(
        "help, for comparison",
        lambda: subprocess.run([sys.executable, "-m", "bench.cli", "--help"], stdout=subprocess.DEVNULL),
        3,
    )
    timed(f"all boards of {n:,} runs, first", lambda: board(folder, "--runs", "runs"))
    timed(f"all boards of {n:,} runs, again", lambda: board(folder, "--runs", "runs"), 3)
    made = next(runs.glob("*/*/*/run.json"))
    made.write_text(made.read_text().replace("2026-", "2027-"))
    timed("all boards after one run changed", lambda: board(folder, "--runs", "runs"))
    timed("one board", lambda: board(folder, "squad_v1", "--runs", "runs"), 3)


class Yesterday:
    """Stands for the module `time`: it is a day earlier."""

    @staticmethod
    def time() -> float:
        """Seconds since the epoch, a day ago."""
        return time.time() - 86_400


def store(folder: Path, n: int) -> None:
    """Logging `n` runs and boards out of the store."""
    runs = folder / "runs"
    made_up(runs, n)
    tracker = Tracker(default_uri(folder), folder)
    folders = [path.parent for path in runs.glob("*/*/*/run.json")]
    tracker.log(RunFolder(folders[0]).read(), folders[0])  # makes the tables
    clock.time = Yesterday  # type: ignore[assignment]  # boards ask again for what was logged in the last minutes
    start = time.perf_counter()
    for path in folders[1:]:
        tracker.log(RunFolder(path).read(), path)
    print(f"logging: {1000 * (time.perf_counter() - start) / (n - 1):.1f} ms a run", flush=True)
    uri = default_uri(folder)
    timed(f"all boards of {n:,} runs in MLflow, first", lambda: board(folder, "--store", uri))
    timed(f"all boards of {n:,} runs in MLflow, again", lambda: board(folder, "--store", uri), 3)


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ranks", "index", "store"])
    parser.add_argument("--n", type=int)
    options = parser.parse_args()
    if options.what == "ranks":
        ranks()
        return
    with tempfile.TemporaryDirectory() as folder:
        act, n = (index, 10_000) if options.what == "index" else (store, 300)
        act(Path(folder), options.n or n)


if __name__ == "__main__":
    main()
