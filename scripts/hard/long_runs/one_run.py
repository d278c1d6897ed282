"""One whole run in this process, watched from a thread: `python -m scripts.hard.long_runs.one_run N list|lazy FOLDER`."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from scripts.hard.command import OWN


class Watched:
    """The most resident memory while this lasts, of all of it and of each phase, in bytes."""

    def __init__(self) -> None:
        self.phase, self.most = "before", dict[str, int]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._looks, daemon=True)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def __call__(self, done: int, n: int) -> None:
        """An answer came."""
        self.phase = "answering"

    def doing(self, text: str) -> None:
        """Something else is done."""
        self.phase = text

    def _looks(self) -> None:
        while not self._over.wait(0.01):
            self.most[self.phase] = max(self.most.get(self.phase, 0), resident())


def resident() -> int:
    """The resident memory of this process, in bytes."""
    return 4096 * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


def measure(n: int, kind: str, folder: Path) -> dict[str, Any]:
    """A whole run of `n` examples in this process, behind a small one that imports what all need."""
    sys.path.append(str(OWN))
    from hard_stubs import Numbers, Stub
    from hard_stubs.long import LazyNumbers

    from bench.models.base import Device
    from bench.run import evaluate
    from bench.runs.settings import Settings

    make = Numbers if kind == "list" else LazyNumbers
    evaluate(make(100), Stub(), "hard_stub", Device("cpu", "float32", 1), Settings(runs_dir=folder / "small"))
    before, task = resident(), make(n)
    task.examples()
    held = resident()
    with Watched() as watched:
        start = time.perf_counter()
        run, _ = evaluate(
            task, Stub(), "hard_stub", Device("cpu", "float32", 1), Settings(runs_dir=folder), progress=watched
        )
        seconds = time.perf_counter() - start
    right = n - -(-n // 7)
    if (run.scores[0].value, run.scores[0].n, run.timings["n"]) != (right / n, n, n) or run.scores[0].low is None:
        raise RuntimeError(f"the run of {n} examples has another result than it must: {run.scores[0]}")
    ledger = run.timings["seconds"]
    return {
        "n": n, "kind": kind, "list": held - before, "seconds": seconds, "growth": max(watched.most.values()) - held,
        "answering": watched.most.get("answering", held) - held, "us": 1e6 * (seconds - ledger["score"]) / n,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))))
