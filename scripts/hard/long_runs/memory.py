"""How much memory a whole run takes beside its examples: a process for each number of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.hard.command import ROOT, environment
from scripts.hard.row import Row, Scale, counted, say

MEGABYTE = 1_000_000
CONSTANT = 45 * MEGABYTE  # bytes that a run may take beside its examples: buffers and resamples,
EACH = 150  # and for each example


def tried(scale: Scale) -> Iterator[Row]:
    """The curve: examples in a list, and made when they are asked for."""
    sizes = (10_000, 100_000, 1_000_000) if scale.long else (20_000,)
    found = [_one(scale.folder, n, kind) for kind in ("list", "lazy")[: scale.n(1, 2)] for n in sizes]
    say("| examples | of them the list, MB | seconds | µs per answer | growth beyond it, MB | of it answering |")
    say("|---|---|---|---|---|---|")
    for one in found:
        say(
            f"| {one['n']:,} ({one['kind']}) | {one['list'] / MEGABYTE:.0f} | {one['seconds']:.1f} | {one['us']:.0f} | "
            f"{one['growth'] / MEGABYTE:.0f} | {one['answering'] / MEGABYTE:.0f} |"
        )
    last = found[-1]
    lost = f"nothing; {last['n']:,} examples ({last['kind']}) take {last['growth'] / MEGABYTE:.0f} MB beside themselves"
    yield counted("examples by the million: resident memory beyond their list", list(map(_verdict, found)), lost)


def _verdict(one: dict[str, Any]) -> str:
    bound = CONSTANT + EACH * one["n"]
    if one["growth"] < bound:
        return ""
    return f"{one['n']:,} examples ({one['kind']}): grew by {one['growth'] / MEGABYTE:.0f} MB, {bound / MEGABYTE:.0f} are allowed"


def _one(folder: Path, n: int, kind: str) -> dict[str, Any]:
    words = [sys.executable, "-m", "scripts.hard.long_runs.one_run", str(n), kind, str(folder / f"memory-{n}-{kind}")]
    done = subprocess.run(words, cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
