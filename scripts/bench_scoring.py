"""Times `bench score` on a whole SQuAD 1.1 submission with a 10,000-resample interval, beside the official script.

    python scripts/bench_scoring.py PREDICTIONS.json --data dev-v1.1.json [--official evaluate-v1.1.py]

Whole processes, from start to printed numbers, five runs each in turn, on an idle machine. The official script is not part
of this project: it comes from the SQuAD explorer, and both must print the same figures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed(command: list[str]) -> tuple[float, dict[str, float]]:
    """Seconds of a whole process and the JSON object on its last line."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, json.loads(done.stdout.strip().split("\n")[-1])


def main() -> None:
    """Print medians, minima and maxima, and whether the figures agree."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("predictions", type=Path)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--official", type=Path)
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    bench = str(Path(sys.executable).with_name("bench"))
    with tempfile.TemporaryDirectory() as folder:
        score = [bench, "score", "squad_v1", str(given.predictions), "--data", str(given.data), "--json", "--fresh"]
        commands = {
            f"bench score, {n:,} resamples": [*score, f"resamples={n}", f"runs_dir={folder}"]
            for n in (10_000, 2_000, 1)
        }
        if given.official:
            official = [sys.executable, str(given.official), str(given.data), str(given.predictions)]
            commands["official script, no interval"] = official
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        figures: dict[str, dict[str, float]] = {}
        for _ in range(given.repeats):
            for name, command in commands.items():
                taken, found = timed(command)
                seconds[name].append(taken)
                figures[name] = found.get("official", found)
    for name, values in seconds.items():
        figure = ", ".join(f"{key} {value:.4f}" for key, value in sorted(figures[name].items()))
        print(f"{name:<32} {statistics.median(values):.2f} s [{min(values):.2f}, {max(values):.2f}]  {figure}")


if __name__ == "__main__":
    main()
