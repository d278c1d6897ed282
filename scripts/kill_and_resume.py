"""Kills a run at random moments, resumes it, and says what was lost and whether the predictions are the same bytes.

`python scripts/kill_and_resume.py --dtype float32 --kills 20 task=squad_v1 model=smollm2 limit=60`, on a machine that does nothing
else. Each run is killed (SIGKILL) as often as it lasts, at moments drawn evenly from `--within` seconds behind the start of its
process, until there are enough kills; then it is let finish. Work is lost where its seconds came to nothing: what was under way at
the kill, and answers that are given again for the company that others were computed in.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.record import Timing
from bench.runs.folder import RunFolder
from bench.runs.heartbeat import ALIVE
from bench.runs.journal import JOURNAL, owners
from bench.runs.timing import summarise


@dataclass
class Kill:
    """One kill: seconds behind the start of the process, what was done then, answers kept, seconds of work that came to nothing."""

    attempt: int
    after: float
    doing: str
    kept: int
    lost: float = 0.0


def command(words: list[str], dtype: str, runs: Path) -> list[str]:
    """The command of a run."""
    return [
        sys.executable,
        "-m",
        "bench.cli",
        "run",
        *words,
        f"device.dtype={dtype}",
        "tracking=none",
        f"runs_dir={runs}",
    ]


def folder_of(runs: Path) -> RunFolder | None:
    """The one run's folder, None while there is none."""
    found = list(runs.glob("*/*/*/timings.jsonl"))
    return RunFolder(found[0].parent) if found else None


def digest(folder: RunFolder) -> str:
    """The sha256 of the journal."""
    return hashlib.sha256((folder.path / JOURNAL).read_bytes()).hexdigest()


def killed(words: list[str], dtype: str, runs: Path, after: float) -> Kill | None:
    """Start the run and kill it after so many seconds; None where it was done before, or had not begun."""
    process = subprocess.Popen(command(words, dtype, runs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after)
        return None
    process.kill()
    process.wait()
    folder = folder_of(runs)
    if folder is None or not (folder.path / ALIVE).exists():
        return None
    readings = folder.timings()
    attempt = max(one.attempt for one in readings)
    doing = "answers" if any(one.attempt == attempt and one.phase == "load" for one in readings) else "loads"
    return Kill(attempt, after, doing, len(list(folder.predictions())))


def work_lost(readings: list[Timing], attempt: int) -> float:
    """The seconds of an attempt's answering that came to nothing: under way at the kill, or given again later."""
    predicted = [one for one in readings if one.phase == "predict"]
    useful = set(owners(predicted).values())
    again = sum(one.seconds for i, one in enumerate(predicted) if one.attempt == attempt and i not in useful)
    loaded = any(one.attempt == attempt and one.phase == "load" for one in readings)
    return again + sum(one.seconds for one in readings if one.attempt == attempt and one.phase == "lost" and loaded)


def series(
    words: list[str], dtype: str, place: Path, n: int, draw: random.Random, within: float
) -> tuple[list[Kill], RunFolder]:
    """One run, killed at most `n` times and then let finish: its kills and its folder."""
    kills: list[Kill] = []
    while len(kills) < n and (one := killed(words, dtype, place, draw.uniform(2, within))):
        kills.append(one)
    subprocess.run(command(words, dtype, place), check=True, stdout=subprocess.DEVNULL)
    folder = folder_of(place)
    assert folder is not None
    for one in kills:
        one.lost = work_lost(folder.timings(), one.attempt)
    return kills, folder


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="+", help="overrides of `bench run`")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--within", type=float, help="seconds; else those of an uninterrupted run")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw, place, start = random.Random(options.seed), Path(tempfile.mkdtemp(prefix="kills-")), time.monotonic()
    _, whole = series(options.words, options.dtype, place / "whole", 0, draw, 0.0)
    took = time.monotonic() - start
    rows: list[tuple[int, Kill]] = []
    attempts: list[int] = []
    equal = True
    while len(rows) < options.kills:
        left, runs = options.kills - len(rows), place / str(len(attempts) + 1)
        kills, folder = series(options.words, options.dtype, runs, left, draw, options.within or took)
        attempts.append(summarise(folder.timings())["attempts"])
        rows += [(len(attempts), one) for one in kills]
        equal &= digest(folder) == digest(whole)
    shutil.rmtree(place)
    same = "are the same bytes after every resumed run" if equal else "DIFFER after a resumed run"
    print(f"{options.dtype}, {' '.join(options.words)}: uninterrupted {took:.1f} s; the predictions {same}")
    print("| run | attempt | killed after, s | it | answers kept | work lost, s |\n|---|---|---|---|---|---|")
    for run, one in rows:
        print(f"| {run} | {one.attempt} | {one.after:.1f} | {one.doing} | {one.kept} | {one.lost:.1f} |")
    worst, load = max(one.lost for _, one in rows), os.getloadavg()[0]
    print(f"most work lost: {worst:.1f} s; attempts in the ledgers: {attempts}; load average {load:.1f}")


if __name__ == "__main__":
    main()
