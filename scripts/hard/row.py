"""What a part reports: one row a fault."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HEAD = "| fault | tries | survived | lost |\n|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """One kind of fault: how often it was done, how often the work ended as it must, and what was lost.

    To survive is to end with the result of an undisturbed run, or with the line that says what to do, nothing computed lost; `lost`
    counts what was ("nothing", "at most 1 answer of 300, asked again"). `failures` are those that did not survive, a line each.
    """

    fault: str
    tries: int
    survived: int
    lost: str = "nothing"
    failures: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"| {self.fault} | {self.tries:,} | {self.survived:,} | {self.lost} |"

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Scale:
    """How much is tried: all of it, or the short version that CI runs; where files may lie, and the seed of every draw."""

    long: bool
    folder: Path
    seed: int = 0

    def n(self, short: int, long: int) -> int:
        """This many in the short version, that many in the long one."""
        return long if self.long else short

    def draw(self, name: str) -> random.Random:
        """A source of random numbers of its own for each thing that is tried."""
        return random.Random(f"{self.seed} {name}")


def counted(fault: str, verdicts: Sequence[str], lost: str = "nothing") -> Row:
    """The row of tries of which each gave "" where it survived, else the reason why not."""
    failures = tuple(one for one in verdicts if one)
    return Row(fault, len(verdicts), len(verdicts) - len(failures), lost, failures[:20])


def say(line: str) -> None:
    """One line to whoever waits."""
    print(line, file=sys.stderr, flush=True)
