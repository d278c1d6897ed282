"""Sources that fail, disks without room, caches that cannot be written: one line, and nothing half in the cache."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.hard.command import is_clean
from scripts.hard.offline import things
from scripts.hard.offline.served import FAULTS, Server
from scripts.hard.offline.warm import Warm
from scripts.hard.row import Row, Scale, counted, say


def tried(scale: Scale, server: Server, warm: Warm) -> Iterator[Row]:
    """Each fault of a server, a suite of which one source fails, no room, no right to write."""
    folder, server.seconds = scale.folder / "faults", 0.0
    names = {f"fault{i}": things.talk(i, spare_bytes=3_000_000) for i in range(len(FAULTS))}
    conf = things.configured(folder / "conf", server, names)
    for name, fault in zip(names, FAULTS, strict=True):
        server.faults[f"/{name}.json"] = fault
    failed = [_fails(warm, conf, name, folder / "cache", fault) for name, fault in zip(names, FAULTS, strict=True)]
    yield counted("a source that is cut off, damaged, away or another", failed, "nothing")
    server.faults.clear()
    yield counted(
        "one source of a suite fails", [_suite(warm, conf, server, folder, at) for at in range(scale.n(1, 8))]
    )
    yield counted("no room for what is fetched", [_limited(warm, conf, folder, most) for most in (10_000, 1_000_000)])
    full, closed = [_on_disk(warm, conf, folder, state) for state in ("1m", "ro")]
    yield counted("a full disk (tmpfs of 1 MiB)", full)
    yield counted("a cache that is read-only", closed)


def _one_line(done: subprocess.CompletedProcess[str], *parts: str) -> str:
    """ "" where a command failed in one line that holds these parts."""
    lines = [line for line in done.stderr.strip().split("\n") if not line.startswith("bench: fetching ")]
    if said := is_clean(done):
        return said
    if done.returncode != 2 or len(lines) != 1 or not all(part in lines[0] for part in parts):
        return f"code {done.returncode}, expected one line with {parts}: {lines!r}"
    return ""


def _half(cache: Path) -> str:
    """What lies in a cache that should hold nothing but locks."""
    found = [path for path in cache.rglob("*") if path.is_file() and path.parent.name != "turns"]
    return f"left in the cache: {[str(path) for path in found[:3]]}" if found else ""


def _fails(warm: Warm, conf: Path, name: str, cache: Path, fault: str) -> str:
    done = warm.bench("fetch", f"task={name}", BENCH_CONF=str(conf), BENCH_CACHE=str(cache))
    said = _one_line(done, f"{name}.json") or _half(cache)
    return f"{fault}: {said}" if said else ""


def _suite(warm: Warm, conf: Path, server: Server, folder: Path, at: int) -> str:
    cache = folder / f"suite{at}"
    server.faults[f"/fault{at}.json"] = "404"
    done = warm.bench("fetch", "suite=hard_web", "--json", BENCH_CONF=str(conf), BENCH_CACHE=str(cache))
    server.faults.clear()
    if said := is_clean(done):
        return said
    n = len(list((cache / "https").glob("*/*")))
    if done.returncode != 2 or n != len(FAULTS) - 1 or f"task fault{at}" not in done.stderr.strip().split("\n")[-1]:
        return f"code {done.returncode}, {n} sources in the cache: {done.stderr[-300:]!r}"
    return ""


def _limited(warm: Warm, conf: Path, folder: Path, most: int) -> str:
    cache = folder / f"limited{most}"
    done = warm.bench("fetch", "task=fault0", most_bytes=most, BENCH_CONF=str(conf), BENCH_CACHE=str(cache))
    if said := _one_line(done, "fault0.json", "File too large") or _half(cache):
        return said
    again = warm.bench("fetch", "task=fault0", BENCH_CONF=str(conf), BENCH_CACHE=str(cache))
    return f"not fetched with room: {again.stderr[-200:]!r}" if again.returncode else ""


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[bool]:
    """A small disk of its own at this folder; False where it may not be had."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    there = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield there
    finally:
        if there:
            subprocess.run(["umount", str(folder)], check=True)


def _on_disk(warm: Warm, conf: Path, folder: Path, state: str) -> list[str]:
    cache = folder / f"disk-{state}"
    with _mounted(cache, f"size={state}" if state != "ro" else "size=1m,ro") as there:
        if there:
            done = warm.bench("fetch", "task=fault0", BENCH_CONF=str(conf), BENCH_CACHE=str(cache))
            why = "No space left" if state != "ro" else "Read-only"
            return [_one_line(done, "fault0.json", why, "set BENCH_CACHE") or _half(cache)]
    if state != "ro" or os.geteuid() == 0:
        say(f"offline: no disk can be mounted here, so that {state!r} is not tried")
        return []
    cache.chmod(0o500)
    done = warm.bench("fetch", "task=fault0", BENCH_CONF=str(conf), BENCH_CACHE=str(cache))
    return [_one_line(done, "fault0.json", "Permission denied", "set BENCH_CACHE")]
