"""Eight processes at once on an empty cache: one fetches, the others wait; one that is killed holds up nobody."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from scripts.hard.offline import things
from scripts.hard.offline.served import Server
from scripts.hard.offline.warm import Ask, Warm, owner_in
from scripts.hard.row import Row, Scale, counted

_N = 8
_SPARE = 400_000


def tried(scale: Scale, server: Server, warm: Warm) -> Iterator[Row]:
    """Whole runs at once, then fetches of which the one that fetches is killed again and again."""
    draw, runs = scale.draw("crowd"), scale.n(1, 20)
    names = {f"crowd{i}": things.talk(i, spare_bytes=_SPARE) for i in range(scale.n(2, 60))}
    conf = things.configured(warm.folder / "crowd", server, names)
    verdicts = [_runs(warm, conf, name, server) for name in list(names)[:runs]]
    yield counted("8 runs at once on an empty cache", verdicts, "nothing, 1 download")
    done = [_killed(warm, conf, name, server, draw) for name in list(names)[runs:]]
    kills = sum(n for _, n in done)
    verdicts = [said for said, _ in done] if kills else ["no fetch was killed"]
    yield counted(
        f"8 fetches at once, the one that fetches killed ({kills} kills)", verdicts,
        "nothing, at most 1 download a kill more",
    )  # fmt: skip


def _asks(folder: Path, conf: Path, *words: str) -> list[Ask]:
    more = {"BENCH_CACHE": str(folder / "cache"), "BENCH_CONF": str(conf)}
    return [Ask(words, more=more | {"BENCH_RUNS": str(folder / f"runs{i}")}) for i in range(_N)]


def _runs(warm: Warm, conf: Path, name: str, server: Server) -> str:
    server.seconds, folder = 2.0, warm.folder / name
    words = ("run", f"task={name}", "model=lexical", "limit=20", "resamples=100", "tracking=none", "--json")
    crowd = warm.crowd(_asks(folder, conf, *words))
    for one in crowd:
        if one.returncode:
            return f"a run ended with {one.returncode}: {one.stderr[-200:]!r}"
    if len({json.loads(one.stdout)["run_id"] for one in crowd}) > 1:
        return "one data set made several runs"
    if (asked := server.asked[f"/{name}.json"]) != 1:
        return f"{asked} downloads"
    left = things.left_over(folder / "cache")
    return f"left in the cache: {left[:3]}" if left else ""


def _killed(warm: Warm, conf: Path, name: str, server: Server, draw: random.Random) -> tuple[str, int]:
    """What went wrong, and how many were killed."""
    server.seconds, due, killed = 1.0, draw.randint(1, 3), set[int]()
    cache = warm.folder / name / "cache"
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(warm.crowd, _asks(warm.folder / name, conf, "fetch", f"task={name}"))
        while len(killed) < due and not done.done():
            time.sleep(0.02)
            if (owner := owner_in(cache)) and owner not in killed:
                time.sleep(draw.uniform(0, 0.9))
                if owner == owner_in(cache):
                    with suppress(ProcessLookupError):  # it has just ended
                        os.kill(owner, signal.SIGKILL)
                    killed.add(owner)
        crowd = done.result()
    n = sum(one.returncode == -signal.SIGKILL for one in crowd)
    rest = [one for one in crowd if one.returncode != -signal.SIGKILL]
    problem = next((f"a fetch failed: {one.stderr[-200:]!r}" for one in rest if one.returncode), "")
    if not problem and (asked := server.asked[f"/{name}.json"]) > 1 + n:
        problem = f"{asked} downloads after {n} kills"
    if not problem and (left := things.left_over(cache)):
        problem = f"left in the cache: {left[:3]}"
    return problem, n
