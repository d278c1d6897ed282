"""What one task's board takes where a thousand models answered ten thousand examples each: 1 % of 1,000 models by 100 tasks.

    python scripts/bench_scale.py [--models 1000] [--examples 10000]

Runs are made up in a temporary folder, with the rows of two metrics; docs/scale.md does the arithmetic from what this prints. Run
it alone on the machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scripts import bench_board


def seconds_and_memory(command: Sequence[str], folder: Path) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and the peak of memory in GB, of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=os.environ)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def size(paths: Sequence[Path]) -> float:
    """Megabytes of files."""
    return sum(path.stat().st_size for path in paths) / 1e6


def main() -> None:
    """Print sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--examples", type=int, default=10_000)
    options = parser.parse_args()
    bench_board.EXAMPLES, bench_board.CLUSTERS = options.examples, max(1, options.examples // 5)
    bench_board.MODELS, bench_board.BOARDS = options.models, bench_board.BOARDS[:1]
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as name:
        folder = Path(name)
        bench_board.made_up(folder / "runs", options.models)
        files = list((folder / "runs").rglob("measurements.json"))
        print(f"{options.models:,} models on one task of {options.examples:,} examples", flush=True)
        print(f"measurements.json: {size(files) / len(files):.3f} MB a run", flush=True)
        command = [sys.executable, "-m", "bench.cli", "board", bench_board.BOARDS[0][0], "--json", "--runs", "runs"]
        for which in ("first", "again"):
            wall, processor, memory = seconds_and_memory(command, folder)
            print(f"the board, {which}: {wall:.2f} s, {processor:.2f} s of the processor, {memory:.2f} GB", flush=True)
        changed = next((folder / "runs").glob("*/*/*/run.json"))
        changed.write_text(changed.read_text().replace("2026-", "2027-"))
        wall, processor, memory = seconds_and_memory(command, folder)
        print(
            f"the board, after one run changed: {wall:.2f} s, {processor:.2f} s of the processor, {memory:.2f} GB",
            flush=True,
        )
        print(f"the index: {size([folder / 'runs' / '.index.db']):.1f} MB", flush=True)


if __name__ == "__main__":
    main()
