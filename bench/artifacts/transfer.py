"""What is being fetched right now, for whoever shows it: where it lies so far, and how much it will be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_running: list[Transfer] = []


@dataclass(eq=False)
class Transfer:
    """A source called `name` on its way into `folder`, which holds nothing else; `total` bytes, None while that is unknown.

    `doing` is what is said of it: another process may be fetching it, or making it.
    """

    name: str
    folder: Path
    total: int | None = None
    doing: str = "fetching"

    def n_bytes(self) -> int:
        """The bytes that have come so far."""
        found = 0
        for path in self.folder.rglob("*"):
            with suppress(OSError):  # renamed or removed meanwhile
                found += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        return found


def now() -> Transfer | None:
    """What is on its way at this moment, None for nothing."""
    with suppress(IndexError):
        return _running[-1]
    return None


@contextmanager
def coming(name: str, folder: Path) -> Iterator[Transfer]:
    """A block in which the source comes into the folder; what it learns of the total is to be noted in what it gets."""
    one = Transfer(name, folder)
    _running.append(one)
    try:
        yield one
    finally:
        _running.remove(one)
