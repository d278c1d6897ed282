"""One byte of the cache is changed, and the same command runs offline: the same result, or one line that names the file."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from scripts.hard.command import is_clean
from scripts.hard.offline import things
from scripts.hard.offline.cached import CASES, Case, filled
from scripts.hard.offline.served import Server
from scripts.hard.offline.warm import Warm
from scripts.hard.row import Row, Scale, counted, say

_TRUSTED = 2.2  # seconds after which the times of a file are believed


@dataclass(frozen=True)
class Bench:
    """A cache that was filled, the case that fills it, and what the case gave when nothing was changed."""

    warm: Warm
    case: Case
    cache: Path
    result: Mapping[str, object]

    def run(self, name: str) -> CompletedProcess[str]:
        """The case's command, offline, in a runs directory of its own."""
        runs = self.warm.folder / "runs" / f"{self.case.name}-{name}"
        try:
            own = {"BENCH_CACHE": str(self.cache), "BENCH_RUNS": str(runs), "BENCH_OFFLINE": "1", **self.case.more}
            offline = ["--offline"] if self.case.words[0] == "run" else []
            return self.warm.bench(*self.case.words, *offline, **own)
        finally:
            shutil.rmtree(runs, ignore_errors=True)

    def files(self, kind: str) -> list[Path]:
        """The files of the cache of a kind of this case."""
        found = [path for pattern in self.case.kinds[kind] for path in self.cache.glob(pattern)]
        return sorted(path for path in found if path.is_file() and path.stat().st_size)


def tried(scale: Scale, server: Server, warm: Warm) -> Iterator[Row]:
    """Every kind of file of each case, first in a cache whose times are believed, then as often as is asked for."""
    draw, server.seconds = scale.draw("flips"), 0.0
    cases = [case for case in CASES if scale.long or not case.slow]
    ready = [one for case in cases if (one := _ready(warm, case, server))]
    time.sleep(_TRUSTED)
    for one in ready:
        one.run("believed")  # keeps the times of what it reads
    for one in ready:
        for kind in one.case.kinds:
            verdicts = [_flipped(one, kind, draw, hidden=n % 2 == 0) for n in range(scale.n(2, one.case.most))]
            if not one.files(kind):
                verdicts.append(f"the case {one.case.name} left no such file in the cache")
            yield counted(f"a byte changed in {kind}", verdicts, "nothing: named, or made again")
    yield counted("a byte changed behind all times, found by `bench fetch --verify`", [_verified(one) for one in ready])


def _ready(warm: Warm, case: Case, server: Server) -> Bench | None:
    """Fill a cache by the case's own commands, and run it once; None where this machine lacks what it needs."""
    cache = warm.folder / case.name
    made = filled(warm, case, cache, server)
    if made is None:
        say(f"offline: {case.name} is not tried: {case.needs} is not here")
        return None
    one = Bench(warm, made, cache, {})
    done = one.run("first")
    if done.returncode:
        raise RuntimeError(f"{case.name} does not run: {done.stderr[-1000:]}")
    return Bench(warm, made, cache, made.read(done.stdout))


def _flipped(one: Bench, kind: str, draw: random.Random, *, hidden: bool) -> str:
    """Change a byte, with the time of change put back where it is `hidden`; run; put everything back as it was."""
    if not (files := one.files(kind)):
        return ""
    path = draw.choice(files)
    kept = one.cache.with_name(f"{one.cache.name}-kept")
    shutil.copytree(one.cache, kept)
    try:
        what = _flip(path, draw, hidden=hidden)
        done = one.run("flipped")
        said = _verdict(one, path, done)
        return f"{what}: {said}" if said else ""
    finally:
        _put_back(kept, one.cache)
        shutil.rmtree(kept)


def _flip(path: Path, draw: random.Random, *, hidden: bool) -> str:
    data, before = bytearray(path.read_bytes()), path.stat()
    at = draw.randrange(len(data))
    data[at] ^= 1 << draw.randrange(8)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data[at : at + 1])
    if hidden:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return f"byte {at} of {path.name}"


def _verdict(one: Bench, path: Path, done: CompletedProcess[str]) -> str:
    """ "" for the same result, or for one line that names the file or what it is a part of."""
    if said := is_clean(done):
        return said
    if done.returncode == 0:
        found = one.case.read(done.stdout)
        return (
            ""
            if found == one.result
            else f"another result in silence: {found} instead of {one.result}; {done.stderr[-200:]}"
        )
    lines = [line for line in done.stderr.split("\n") if line.startswith("bench: ") and "/" in line]
    names = [str(place) for place in (path, *path.parents) if one.cache in place.parents and place.parent != one.cache]
    if any(name in line for line in lines for name in names):
        return ""
    return f"not named: {done.stderr[-300:]!r}"


def _put_back(kept: Path, cache: Path) -> None:
    """The files whose bytes are others, those that are gone, and away with new ones; what is the same is left alone."""
    for path in cache.rglob("*"):
        if path.is_file() and not (kept / path.relative_to(cache)).is_file():
            path.unlink()
    for path in kept.rglob("*"):
        here = cache / path.relative_to(kept)
        if path.is_file() and (not here.is_file() or here.read_bytes() != path.read_bytes()):
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, here)


def _verified(one: Bench) -> str:
    """Whether `--verify` is content with a sound cache, and names a file whose record was made to fit its new times: disk rot."""
    read: Callable[..., CompletedProcess[str]] = one.warm.bench
    sound = read("fetch", "--verify", "--json", BENCH_CACHE=str(one.cache))
    if sound.returncode or not json.loads(sound.stdout)["verified"]["things"]:
        return f"{one.case.name}: a sound cache gave {sound.returncode}: {sound.stderr[-300:]}"
    path = max(one.files(next(iter(one.case.kinds))), key=lambda file: file.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    things.believe(one.cache, path)
    rotten = read("fetch", "--verify", BENCH_CACHE=str(one.cache))
    path.write_bytes(data)
    named = rotten.returncode == 1 and str(path) in rotten.stderr
    return "" if named else f"{one.case.name}: rot gave {rotten.returncode}: {rotten.stderr[-300:]!r}"
