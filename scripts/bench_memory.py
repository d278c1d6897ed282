"""Shows that peak memory does not grow with the number of examples: 1,000 beside 20,000, a process each.

    python scripts/bench_memory.py [--n 1000 20000] [--models lexical minilm]

Whole runs through `evaluate`, scores and record included: short questions, `lexical` (plain Python) and MiniLM-L6 (torch).
What grows is the list of examples itself, which is given beside the peak.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.config import compose as conf
from bench.config.build import build
from bench.metrics.reading import EXACT_MATCH, TOKEN_F1
from bench.models.base import Device
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.task import Task
from bench.types import Example, Prediction, Request, Span, Text


class Synthetic(Task):
    """Five short questions on each passage of a few sentences."""

    name, version, metrics, output = "synthetic", 1, (TOKEN_F1, EXACT_MATCH), Span

    def __init__(self, n: int) -> None:
        passages = [
            f"Account {p} was opened in May. Its fee is {p % 90 + 10} euros. It pays {p % 7}.5 percent."
            for p in range(-(-n // 5))
        ]
        self.made = [
            Example(f"q{i}", {"context": passages[i // 5], "question": "What is its fee?"}, ["10 euros"], f"p{i // 5}")
            for i in range(n)
        ]

    def examples(self) -> list[Example]:
        """All of them."""
        return self.made

    def request(self, example: Example) -> Request:
        """The passage, then the question."""
        context, question = example.inputs["context"], example.inputs["question"]
        return Request(example.id, (Text(f"{context}\n{question}"),), Span(8, ("\n",), question, context))

    def answer(self, prediction: Prediction) -> str:
        """As it is."""
        return prediction.text or ""

    def ideal(self, example: Example) -> Prediction:
        """The target."""
        return Prediction(example.id, text=example.target[0])


def measure(name: str, n: int) -> dict[str, Any]:
    """One run in this process."""
    model = build(conf.choice("model", name), "model")
    before = peak()
    task = Synthetic(n)
    held = peak() - before
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        settings = Settings(runs_dir=Path(folder), resamples=200)
        run, _ = evaluate(task, model, name, Device("cpu", "float32", 2), settings)
        seconds = time.perf_counter() - start
    assert run.scores[0].n == n
    assert run.scores[0].n_failed == 0
    return {"seconds": seconds, "peak": peak(), "examples": held}


def peak() -> int:
    """The most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Print a row for each model and size."""
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
        return
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, nargs="+", default=[1000, 20000])
    options.add_argument("--models", nargs="+", default=["lexical", "minilm"])
    given = options.parse_args()
    print(f"{'model':<10} {'examples':>9} {'seconds':>8} {'peak MiB':>9} {'of it the examples':>19}")
    for name in given.models:
        for n in given.n:
            command = [sys.executable, __file__, "one", name, str(n)]
            out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            found = json.loads(out.rstrip("\n").split("\n")[-1])
            print(
                f"{name:<10} {n:>9,} {found['seconds']:>8.1f} {found['peak'] / 2**20:>9.0f} {found['examples'] / 2**20:>19.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
