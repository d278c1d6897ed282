"""What a part reports: one row a fault."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
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
class Keep:
    """What ended and survived, a line of a file each, so that hours of trials go on where they were stopped; None keeps nothing.

    What did not survive is not kept: it is tried again by the next call, which may be one of mended code. Each line has its commit.
    """

    file: Path | None = None

    def found(self, *name: object) -> dict[str, Any] | None:
        """What was kept under a name; None for nothing."""
        wanted = [str(one) for one in name]
        return next((line["found"] for line in reversed(self.lines()) if line["name"] == wanted), None)

    def put(self, found: dict[str, Any], *name: object) -> None:
        """Keep it under a name."""
        if self.file is None:
            return
        line = {"name": [str(one) for one in name], "commit": commit(), "found": found}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[dict[str, Any]]:
        """All that is kept; a line that a kill cut off is none."""
        if self.file is None or not self.file.exists():
            return []
        lines = []
        for text in self.file.read_text(encoding="utf-8").split("\n"):
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                continue
        return lines


def commit() -> str:
    """The short name of this tree's commit, with + where files differ from it."""
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False).stdout.strip() or "unknown"


@dataclass(frozen=True)
class Scale:
    """How much is tried: all, or the short version that CI runs; where files may lie, the seed of every draw, and what is kept."""

    long: bool
    folder: Path
    seed: int = 0
    keep: Keep = field(default_factory=Keep)

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
