"""Does faults to whole runs and counts what survives: `python -m scripts.hard [--short] [--only crash,stores] [--keep FILE]`.

The long version takes many hours: with `--keep` each part that survived, and each subject of damage, is a line of a file, and the
same call goes on with what is missing.

Each part is a module of this folder whose `tried(scale)` yields rows. Prints one table, and below it what did not survive; ends
with 1 where anything did not, or where a part broke off.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.hard.row import HEAD, Keep, Row, Scale, say

PARTS = (
    "stores",
    "damage",
    "offline",
    "crash",
    "parts",
    "shared",
    "changed",
    "resources",
    "long_runs",
    "degenerate",
)  # the longest of the short ones first
ROOT = Path(__file__).parents[2]


def one_part(name: str, scale: Scale) -> int:
    """Run one part in this process; a line of JSON for each of its rows on stdout."""
    try:
        for row in importlib.import_module(f"scripts.hard.{name}").tried(scale):
            print(json.dumps(row.to_json()), flush=True)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def as_process(name: str, options: argparse.Namespace) -> tuple[list[Row], float, int]:
    """A part in a process of its own: its rows, seconds, and exit code."""
    start, keep = time.monotonic(), Keep(options.keep)
    key = (name, "short" if options.short else "long", options.seed)
    if (before := keep.found(*key)) is not None:
        return [Row(**row) for row in before["rows"]], before["seconds"], 0
    words = ["--part", name, "--seed", str(options.seed), *(["--short"] if options.short else [])]
    words += ["--keep", str(options.keep.absolute())] if options.keep else []
    done = subprocess.run(
        [sys.executable, "-m", "scripts.hard", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    rows = [Row(**json.loads(line)) for line in done.stdout.split("\n") if line.startswith("{")]
    took = time.monotonic() - start
    say(
        f"{name}: {sum(row.tries for row in rows):,} tries in {took:.0f} s" + (", BROKE OFF" if done.returncode else "")
    )
    if (
        not done.returncode
        and not any(row.failures for row in rows)
        and not any(name.startswith("HARD_") for name in os.environ)
    ):
        keep.put({"rows": [row.to_json() for row in rows], "seconds": took}, *key)
    return rows, took, done.returncode


def main() -> int:
    """Run the parts, four beside each other in the short version, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the version that CI runs")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="go on with what this file has not, and add what ends"
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        with tempfile.TemporaryDirectory(prefix=f"hard-{options.part}-") as folder:
            return one_part(options.part, Scale(not options.short, Path(folder), options.seed, Keep(options.keep)))
    names = options.only.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"unknown part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    start = time.monotonic()
    with ThreadPoolExecutor(4 if options.short else 1) as pool:
        found = list(pool.map(lambda name: as_process(name, options), names))
    print(HEAD)
    rows = [row for part, _, _ in found for row in part]
    for row in rows:
        print(row)
    for row in rows:
        for line in row.failures:
            print(f"NOT SURVIVED {row.fault}: {line}")
    broken = [name for name, (_, _, code) in zip(names, found, strict=True) if code]
    tries, survived = sum(row.tries for row in rows), sum(row.survived for row in rows)
    print(f"{tries:,} faults and inputs tried, {survived:,} survived, in {time.monotonic() - start:.0f} s")
    if commits := sorted({line["commit"] for line in Keep(options.keep).lines()}):
        print(f"{options.keep} has what was tried at {', '.join(commits)}")
    if broken:
        print(f"broke off: {', '.join(broken)}")
    return 1 if broken or survived < tries else 0


if __name__ == "__main__":
    sys.exit(main())
