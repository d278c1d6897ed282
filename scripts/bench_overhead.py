"""Times what is not the model: start-up, the loop around a model that does nothing, an interval, a board.

Run it on an idle machine: `python scripts/bench_overhead.py`. Medians of several runs; the budgets are DESIGN's.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.leaderboard import board as boards
from bench.metrics.metric import mean
from bench.metrics.reading import EXACT_MATCH, TOKEN_F1
from bench.models.base import Device
from bench.models.reference import Constant
from bench.run import evaluate
from bench.runs.folder import find_runs
from bench.runs.settings import Settings
from bench.stats.intervals import bootstrap_interval, cluster_sums
from bench.task import Task
from bench.types import Example, Prediction, Request, Span, Text


class Synthetic(Task):
    """Questions on passages of 150 words, five a passage."""

    name, version, metrics, output = "synthetic", 1, (TOKEN_F1, EXACT_MATCH), Span

    def __init__(self, n: int) -> None:
        self.n = n

    def examples(self) -> list[Example]:
        """All of them."""
        passages = [" ".join(f"word{(7 * p + w) % 97}" for w in range(150)) for p in range(self.n // 5)]
        return [
            Example(f"q{i}", {"p": passages[i // 5], "q": f"what {i}"}, ["word1"], str(i // 5)) for i in range(self.n)
        ]

    def request(self, example: Example) -> Request:
        """The passage and the question."""
        text = f"{example.inputs['p']}\n{example.inputs['q']}"
        output = Span(max_new_tokens=8, question=example.inputs["q"], context=example.inputs["p"])
        return Request(example.id, (Text(text),), output)

    def answer(self, prediction: Prediction) -> str:
        """The text."""
        return prediction.text or ""

    def ideal(self, example: Example) -> Prediction:
        """The target."""
        return Prediction(example.id, text=example.target[0])


def median_seconds(action: Callable[[], object], runs: int) -> float:
    """The median time of `runs` calls, after one that does not count."""
    action()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def command(*words: str) -> None:
    """Run `bench` as a process of its own."""
    subprocess.run([sys.executable, "-m", "bench.cli", *words], check=True, stdout=subprocess.DEVNULL)


def start(folder: Path) -> None:
    """Evaluate one example by a model that needs no library: what a run costs before and after its examples."""
    command("run", "task=finmm_qa", "model=constant", "limit=1", "tracking=none", f"runs_dir={folder}/start", "--fresh")


def loop(n: int) -> None:
    """A whole run of a model that answers at once."""
    with tempfile.TemporaryDirectory() as folder:
        evaluate(Synthetic(n), Constant(), "constant", Device("cpu", "none", 1), Settings(runs_dir=Path(folder)))


def interval() -> None:
    """10,000 resamples of 10,000 examples."""
    rows = np.random.default_rng(0).random((10_000, 1))
    sums, sizes = cluster_sums(rows, [str(i) for i in range(10_000)])
    bootstrap_interval(sums, sizes, mean, resamples=10_000)


def board_of(n: int, folder: Path) -> Callable[[], object]:
    """Ranking `n` runs that are read from their directories."""
    _, made = evaluate(Synthetic(50), Constant(), "m", Device("cpu", "float32", 1), Settings(runs_dir=folder / "one"))
    record = json.loads((made.path / "run.json").read_text())
    for i in range(n):
        place = folder / "many" / "synthetic" / f"m{i}" / "run"
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps(record | {"model": f"m{i}"}))
    definition = boards.Board("synthetic", "", "synthetic", 1, "f1")
    return lambda: boards.tables(definition, [run for _, run in find_runs(folder / "many")])


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        found = [
            ("bench --help", median_seconds(lambda: command("--help"), 9), "0.2"),
            ("bench list tasks", median_seconds(lambda: command("list", "tasks"), 9), "0.5"),
            ("bench run, one example: from the command to its end", median_seconds(lambda: start(Path(folder)), 5), ""),
            ("loop, 1,000 examples, model of 0 s", median_seconds(lambda: loop(1_000), 3), "5 % of the run"),
            ("loop, 20,000 examples, model of 0 s", median_seconds(lambda: loop(20_000), 1), ""),
            ("interval, 10,000 examples x 10,000 resamples", median_seconds(interval, 3), "1"),
            ("board of 1,000 runs", median_seconds(board_of(1_000, Path(folder)), 3), "10,000 runs: 1"),
        ]
    print("| what | seconds | budget |\n|---|---|---|")
    for name, seconds, budget in found:
        print(f"| {name} | {seconds:.3f} | {budget} |")


if __name__ == "__main__":
    main()
