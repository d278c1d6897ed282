"""What a trained model has been taught, beside its weights: so that it is not evaluated on that by oversight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.artifacts.digest import digest
from bench.disk import write_atomically
from bench.errors import BenchError
from bench.runs.asked import name_of
from bench.types import Request

FILE = "taught.txt"  # a line for each request that was taught: the digest of what it holds, without its id


def write(folder: Path, requests: Iterable[Request]) -> None:
    """Write what was taught into the folder of the model."""
    names = sorted({name_of(request, digest) for request in requests})
    write_atomically(folder / FILE, "".join(f"{name}\n" for name in names))


def read(folder: Path) -> frozenset[str]:
    """What a model in this folder was taught, as far as that stands there."""
    path = folder / FILE
    return frozenset(path.read_text(encoding="ascii", errors="replace").split()) if path.is_file() else frozenset()


def refuse_taught(name: str, taught: frozenset[str], requests: Sequence[Request], task: str) -> None:
    """Raise BenchError where some of the requests of a task were taught to the model called `name`."""
    n = sum(name_of(request, digest) in taught for request in requests) if taught else 0
    if n:
        raise BenchError(
            f"model '{name}' was trained on {n:,} of the {len(requests):,} examples that task '{task}' evaluates here, so its "
            "score would say nothing; evaluate it on the task that it was trained for, whose examples it has not seen"
        )
