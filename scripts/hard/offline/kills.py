"""`bench fetch` killed at random moments, then run again: whole, and nothing half in the cache."""

from __future__ import annotations

import random
from collections.abc import Iterator

from scripts.hard.offline import things
from scripts.hard.offline.served import Server
from scripts.hard.offline.warm import Ask, Warm
from scripts.hard.row import Row, Scale, counted


def tried(scale: Scale, server: Server, warm: Warm) -> Iterator[Row]:
    """From the web, and out of a wheel by pip."""
    draw, server.seconds = scale.draw("kills"), 0.8
    for kind, n in (("web", scale.n(2, 60)), ("wheel", scale.n(1, 30))):
        found = [_one(warm, server, draw, kind, i) for i in range(n)]
        hit = sum(was for _, was in found)
        verdicts = [said for said, _ in found] if hit else ["no fetch was killed"] * n
        yield counted(f"kill -9 of a fetch ({kind}; {hit} before it ended), then again", verdicts)


def _one(warm: Warm, server: Server, draw: random.Random, kind: str, number: int) -> tuple[str, bool]:
    name, data = f"{kind}{number}", things.talk(number, spare_bytes=300_000)
    cache, wheels = warm.folder / name / "cache", warm.folder / name / "wheels"
    conf = things.configured(warm.folder / name / "conf", server, {name: data})
    more = {"BENCH_CONF": str(conf), "BENCH_CACHE": str(cache), "BENCH_RUNS": str(cache.parent / "runs")}
    words = [f"task={name}"]
    if kind == "wheel":
        words.append(f"task.source='{things.wheel(wheels, data)}'")
        more |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    _, was = warm.killed(Ask(["fetch", *words], more=more), cache, draw.uniform(0, 0.4 if kind == "wheel" else 0.8))
    again = warm.bench("fetch", *words, **more)
    if again.returncode:
        return f"fetched again it ended with {again.returncode}: {again.stderr[-200:]!r}", was
    run = warm.bench("run", *words, "model=lexical", "limit=5", "tracking=none", "--offline", **more)
    if run.returncode:
        return f"the run ended with {run.returncode}: {run.stderr[-200:]!r}", was
    left = things.left_over(cache)
    return f"left in the cache: {left[:3]}" if left else "", was
