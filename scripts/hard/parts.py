"""Runs in parts: killed while parts are taken in, and parts, drivers and whole launches killed at random moments."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.machine import lives
from scripts.hard import forked
from scripts.hard.command import bench, start
from scripts.hard.crash import RUN, Undisturbed, complete, end, finished, with_faults
from scripts.hard.row import Row, Scale, counted

ALONE = (*RUN, "tracking=none")
SLOW = (*ALONE, "model.seconds=0.01")


def tried(scale: Scale) -> Iterator[Row]:
    """The rows of this part."""
    whole = Undisturbed(scale.folder / "whole")
    yield killed_while_taken_in(scale, whole)
    yield killed_launches(scale, whole)


def killed_while_taken_in(scale: Scale, whole: Undisturbed) -> Row:
    """Kill before the K-th time that a file is touched by who takes three parts in, one of which was killed; up to twice."""
    template = scale.folder / "template"
    for number in (1, 2):
        forked.bench(*ALONE, f"shard={number}/3", folder=template)
    forked.bench(*ALONE, "shard=3/3", folder=template, HARD_FAULT="torn:20", **with_faults(template))
    count = scale.folder / "count"
    counting = scale.folder / "counting"
    shutil.copytree(template, counting)
    bench(*ALONE, folder=counting, HARD_FAULT="count", HARD_COUNT=str(count), **with_faults(counting))
    n, draw, verdicts = int(count.read_text().split()[0]), scale.draw("taken in"), []
    moments = range(1, n + 1) if scale.long else sorted(draw.sample(range(1, n + 1), 2))
    for at in moments:
        folder = scale.folder / f"taken{at}"
        shutil.copytree(template, folder)
        for moment in (at, draw.randint(1, n)):
            forked.bench(*ALONE, folder=folder, HARD_FAULT=f"file:{moment}", **with_faults(folder))
        verdicts.append(finished(folder, whole) or once(folder))
        shutil.rmtree(folder, ignore_errors=True)
    return counted(f"kill -9 before each of the {n} files that who takes parts in touches, twice", verdicts)


def killed_launches(scale: Scale, whole: Undisturbed) -> Row:
    """Kill some parts of a launch, its driver, or both, at random moments; go on with another count, and at the end alone."""
    draw, verdicts, asked = scale.draw("launches"), [], 0
    for number in range(scale.n(1, 20)):
        folder = scale.folder / f"launch{number}"
        for _ in range(draw.randint(1, 3)):
            driver = start(*SLOW, "launch=local", f"launch.parts={draw.randint(2, 5)}", folder=folder)
            time.sleep(draw.uniform(1.0, 4.0))
            killed(folder, draw)
            if draw.random() < 0.7:
                driver.kill()
            end(driver, 60.0)
            alone(folder)
        verdicts.append(finished(folder, whole) or once(folder))
        asked = max(asked, given(folder) - 300)
        shutil.rmtree(folder, ignore_errors=True)
    return counted(
        "kill -9 of parts and of who launched them, gone on with in other counts of parts", verdicts,
        f"at most {asked} answers of 300, asked again",
    )  # fmt: skip


def killed(folder: Path, draw: random.Random) -> None:
    """Kill some of the processes that are at parts."""
    for path in (folder / "runs").glob("*/*/*/shards/*-of-*/.lock"):
        if draw.random() < 0.5:
            with suppress(OSError, ValueError, KeyError):
                os.kill(int(json.loads(path.read_text())["pid"]), signal.SIGKILL)


def alone(folder: Path) -> None:
    """Wait until no process is at a part: they end with whoever launched them."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        pids = []
        for path in (folder / "runs").glob("*/*/*/shards/*-of-*/.lock"):
            with suppress(OSError, ValueError, KeyError):
                pids.append(int(json.loads(path.read_text())["pid"]))
        if not any(map(lives, pids)):
            return
        time.sleep(0.1)


def given(folder: Path) -> int:
    """How many answers were given, those that were given again included."""
    ledger = (complete(folder)[0] / "timings.jsonl").read_text().split("\n")
    return sum(json.loads(line).get("n", 0) for line in ledger if '"phase":"predict"' in line)


def once(folder: Path) -> str:
    """What is wrong with the ledger of a run whose parts were taken in, or with what is left of them; "" for nothing."""
    own = complete(folder)[0]
    readings = [json.loads(line) for line in (own / "timings.jsonl").read_text().split("\n") if line]
    if {place for one in readings for place in one.get("places", ())} != set(range(300)):
        return "the ledger has not every answer"
    total = json.loads((own / "run.json").read_text())["timings"]["seconds"]["total"]
    if abs(total - sum(one["seconds"] for one in readings)) > 1e-6:
        return f"the ledger does not add up to the {total} s of the record"
    left = [path.name for path in (own / "shards").glob("*") if path.name not in (".lock", ".launch.lock", "logs")]
    return f"left behind: {left}" if left else ""
