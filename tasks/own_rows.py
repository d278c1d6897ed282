"""What tasks over a file of one's own share: rows with an id each, columns that may be called otherwise, clusters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench.data.files import all_or_none
from bench.data.submissions import kind
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric
from bench.task import ConfiguredTask
from bench.types import Example, Json
from tasks.labels import mixed
from tasks.text_records import alike, records

ROWS = ("rows.csv", "rows.jsonl")  # the file of rows in a folder that holds pictures or recordings too


class RowsTask(ConfiguredTask):
    """Rows of a CSV, TSV, JSON Lines or JSON file, an example each, in a fixed mixed order.

    `about` says `columns` {what the task reads: how the file calls it} where they differ. An `id` column is used where there is one
    (else row numbers from 0), and a `cluster` column (else rows whose text, passage or file is the same are one). References that
    are empty in every row are held out; in some rows only they are an error.
    """

    about_too: ClassVar[tuple[str, ...]] = ("columns",)
    roles: ClassVar[tuple[str, ...]]  # what the task reads
    told: ClassVar[Mapping[str, Json]]
    columns: ClassVar[Mapping[str, str]]

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """The names of the columns."""
        found = about.get("columns") or {}
        known = ("id", "cluster", *cls.roles)
        if not isinstance(found, Mapping) or not all(isinstance(one, str) and one for one in found.values()):
            raise BenchError(
                f"task.about.columns: found {str(found)[:60]!r}, expected {{{known[2]}: name in the file}}"
            )
        if unknown := [str(name) for name in found if name not in known]:
            raise BenchError(
                f"task.about.columns.{unknown[0]} is nothing that this task reads; it reads {', '.join(known)}"
            )
        return {"told": about, "columns": dict(found)}

    def examples(self) -> Sequence[Example]:
        """The rows; raises BenchError with file and line for one that is none, and for an id that comes twice."""
        return self._examples

    @cached_property
    def _examples(self) -> Sequence[Example]:
        return mixed(self.data.read(lambda path: all_or_none(self._made(file_of(path)), str(path))))

    @abstractmethod
    def of_row(self, where: str, row: Mapping[str, Json]) -> tuple[Mapping[str, Json], Json, str]:
        """Inputs, target (None where it is held out) and what rows of one cluster have alike."""

    def named(self, role: str) -> str:
        """How the file calls what the task reads."""
        return self.columns.get(role, role)

    def text(self, row: Mapping[str, Json], role: str, where: str) -> str:
        """The text of a cell; raises BenchError for an empty one, and for what is no text and no number."""
        if (found := self.may_be(row, role, where)) is None:
            name = self.named(role)
            there = (
                "empty; fill it in, or take the row out" if name in row else f"no column; found {', '.join(row)[:200]}"
            )
            raise BenchError(f"{where}: {name!r} is {there}")
        return found

    def may_be(self, row: Mapping[str, Json], role: str, where: str) -> str | None:
        """The text of a cell, None for an empty one or where there is no such column."""
        return a_cell(row.get(self.named(role)), f"{where}: {self.named(role)!r}")

    def _made(self, path: Path) -> Iterator[Example]:
        first: dict[str, str] = {}
        seen: dict[str, str] = {}
        for number, (where, row) in enumerate(records(path)):
            key = self.text(row, "id", where) if self.named("id") in row else str(number)
            if key in seen:
                raise BenchError(
                    f"{where}: the id {key[:80]!r} comes twice, first in {seen[key]}; give each row its own"
                )
            seen[key] = where.removeprefix(f"{path} ")
            inputs, target, shared = self.of_row(where, row)
            given = self.may_be(row, "cluster", where)
            yield Example(key, inputs, target, given or first.setdefault(alike(shared), key))


def a_cell(found: Json, where: str) -> str | None:
    """A text without white space around it, a number as its digits, None for nothing; raises BenchError for anything else."""
    if isinstance(found, bool) or not isinstance(found, str | int | float | None):
        raise BenchError(f"{where} is {kind(found)}, expected a text")
    return None if found is None else str(found).strip() or None


def some(found: Json, where: str) -> list[str]:
    """The texts of a cell: one, those of a list, or none."""
    given = [a_cell(one, where) for one in found] if isinstance(found, list) else [a_cell(found, where)]
    return [one for one in given if one]


def file_of(path: Path) -> Path:
    """The file of rows: of a folder that which is called so."""
    if not path.is_dir():
        return path
    found = next((path / name for name in ROWS if (path / name).is_file()), None)
    if found is None:
        raise BenchError(f"{path} holds neither {' nor '.join(ROWS)}; put one of them there")
    return found


def ranked(metrics: Sequence[AnyMetric], ranks: Json) -> tuple[AnyMetric, ...]:
    """The metrics, the one called `ranks` first (None: as they are); raises BenchError for an unknown one."""
    names = [one.name for one in metrics]
    if ranks is not None and ranks not in names:
        raise BenchError(f"task.about.ranks: found {ranks!r}, expected one of {', '.join(names)}")
    return tuple(sorted(metrics, key=lambda one: ranks is not None and one.name != ranks))


def a_length(found: Json, default: int) -> int:
    """The most tokens of an answer; raises BenchError for what is no whole number above 0."""
    if found is None:
        return default
    if type(found) is not int or found < 1:
        raise BenchError(f"task.about.max_new_tokens: found {str(found)[:40]!r}, expected a whole number above 0")
    return found
