"""How many answers of a run may be cut, empty or unparsed before a gate holds it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BenchError
from bench.leaderboard import endings
from bench.record import Run

NAMES = ("cut", "empty", "unparsed")
_NUMBER = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?)(?P<percent> ?%)?")


@dataclass(frozen=True)
class Most:
    """A share of all answers in [0, 1], or a count; `said` is what somebody wrote, for messages."""

    said: str
    share: float | None = None
    n: int = 0

    def of(self, n_examples: int) -> int:
        """How many of so many answers it allows."""
        return self.n if self.share is None else math.floor(self.share * n_examples + 1e-9)

    def count(self, run: Run, name: str) -> int:
        """How many answers of the run are so; raises BenchError where nobody knows, which is not the same as none."""
        if (found := endings.count(run, name)) is not None:
            return found
        why = (
            "nobody said how they ended" if run.answers else "its record does not say it; `bench rescore` may count it"
        )
        raise BenchError(
            f"{run.task}/{run.model}: how many of its answers are {name} is unknown ({why}), so --max-{name} {self} cannot be "
            "judged; leave it out for this run, or bring one that says it"
        )

    def __str__(self) -> str:
        return self.said


def most(name: str, said: str | float) -> Most:
    """What "1%", "0.01" or "3" allows; raises BenchError for what is neither a share nor a count.

    >>> most("cut", "1%").of(242), most("cut", "0.01").of(242), most("cut", "3").of(242), most("cut", 0.5).of(3)
    (2, 2, 3, 1)
    """
    text = str(said).strip()
    found = _NUMBER.fullmatch(text)
    if isinstance(said, bool) or found is None:
        raise _refused(name, text)
    if not found["percent"] and "." not in text:
        return Most(text, n=int(text))
    share = float(found["number"]) / (100 if found["percent"] else 1)
    if share > 1:
        raise _refused(name, text)
    return Most(text, share)


def limits(given: Mapping[str, str | float | None]) -> dict[str, Most]:
    """What was given of each name, as rules take it; those that are None are left out. Raises BenchError for another name."""
    if unknown := set(given) - set(NAMES):
        raise BenchError(f"{min(unknown)!r} is none of {', '.join(NAMES)}, whose answers a gate can hold")
    return {name: most(name, said) for name, said in given.items() if said is not None}


def _refused(name: str, text: str) -> BenchError:
    return BenchError(
        f"--max-{name} {text[:40]!r} is neither a share nor a count; give percent (1%), a share from 0.0 to 1.0 (0.01) or a whole "
        "number of answers (3)"
    )
