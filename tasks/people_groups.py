"""Groups of people by an attribute, as a table's task names them: by the bands of a number, or by what values stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from bench.errors import BenchError
from bench.task import checked_keys
from bench.types import Json
from tasks.about_values import word


@dataclass(frozen=True)
class Group:
    """How an attribute of a person parts the rows: by the number in `column` at `bands`, or by what its values stand for."""

    column: str
    bands: tuple[float, ...] = ()
    of: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The groups, in order."""
        if self.of:
            return tuple(dict.fromkeys(name for _, name in self.of))
        ends = [f"{one:g}" for one in self.bands]
        between = [f"above {a} to {b}" for a, b in pairwise(ends)]
        return (f"up to {ends[0]}", *between, f"above {ends[-1]}")

    def name(self, value: float | str | None, where: str) -> str:
        """The group of a row; raises BenchError for a value that is of none."""
        if self.of:
            if (found := dict(self.of).get(f"{value:g}" if isinstance(value, float) else str(value))) is None:
                raise BenchError(f"{where}: {self.column} {value!r} is of no group; name it in task.about.groups")
            return found
        if not isinstance(value, float):
            raise BenchError(f"{where}: {self.column} is {value!r}, expected a number to tell the group by")
        return self.names[sum(value > end for end in self.bands)]


def group_of(told: Json, where: str) -> Group:
    """What a file of conf/task says of one attribute; raises BenchError, naming `where`, for anything else."""
    found = checked_keys(told, where, ("column",), ("column", "bands", "of"))
    bands, of = found.get("bands"), found.get("of")
    if (bands is None) is (of is None) or not isinstance(bands or [0], list) or not isinstance(of or {}, Mapping):
        raise BenchError(f"{where}: give bands, a list of numbers, or of, {{value: group}}")
    ends = tuple(float(one) for one in bands or () if isinstance(one, int | float))
    if bands is not None and (len(ends) != len(bands) or not ends or list(ends) != sorted(set(ends))):
        raise BenchError(f"{where}.bands: found {bands}, expected rising numbers")
    return Group(
        str(found["column"]),
        ends,
        tuple((word(a, f"{where}.of"), word(b, f"{where}.of")) for a, b in (of or {}).items()),
    )
