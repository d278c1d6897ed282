"""What a run's metrics measured of each example: `measurements.json` beside the journal.

Comparisons, gates, rank intervals and pages of examples start from these rows, so none of them needs the data or a model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.disk import plain_text, write_atomically
from bench.errors import BenchError
from bench.types import Json

Array = npt.NDArray[np.float64]
FILE = "measurements.json"
_MOST = 100_000_000  # cells of a table: 0.8 GB, far above any data set, so that a hostile file asks for no more
_AT_ONCE = 8192  # values that are written at a time
_DENSE = 8  # columns up to which a row is written whole; of a wider one, whose cells are mostly 0, only the others


@dataclass(frozen=True)
class Measurements:
    """Rows by metric, [n, k] each, and of every example its id, digest, cluster and slices; all in the order of the data.

    A digest is 12 hex digits of the sha256 of an example's id, inputs, target and cluster: only examples of the same digest
    may be compared. `failed` are the ids that have no answer, whose rows are the metrics' worst. `slices` maps a property
    to its value for each example ("" where it has none). `fitted` names metrics whose rows depend on all the targets together,
    so that they may be compared on the whole data only. Metrics that give no rows are not here.
    """

    ids: Sequence[str]
    digests: Sequence[str]
    clusters: Sequence[str]
    failed: frozenset[str]
    rows: Mapping[str, Array]
    slices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fitted: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, *metrics: str) -> Measurements:
        """The rows of these metrics alone."""
        rows = {name: self.rows[name] for name in metrics if name in self.rows}
        return Measurements(
            self.ids, self.digests, self.clusters, self.failed, rows, self.slices, self.fitted & set(rows)
        )

    def take(self, positions: Sequence[int]) -> Measurements:
        """The examples at these positions, in that order."""
        ids = tuple(self.ids[i] for i in positions)
        return Measurements(
            ids,
            tuple(self.digests[i] for i in positions),
            tuple(self.clusters[i] for i in positions),
            self.failed & set(ids),
            {name: rows[list(positions)] for name, rows in self.rows.items()},
            {name: tuple(values[i] for i in positions) for name, values in self.slices.items()},
            self.fitted,
        )

    def to_json(self) -> dict[str, Json]:
        """Columns rather than a record an example: a tenth of the time to read."""
        return {
            "ids": list(self.ids), "digests": list(self.digests), "clusters": list(self.clusters), "failed": sorted(self.failed),
            "slices": {name: list(values) for name, values in self.slices.items()}, "fitted": sorted(self.fitted),
            "rows": {name: _packed(rows) for name, rows in self.rows.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, record: Mapping[str, Json]) -> Measurements:
        """The inverse of `to_json`; raises ValueError, TypeError or KeyError for what is no such record."""
        ids = _texts(record["ids"])
        columns = {name: _texts(record[name]) for name in ("digests", "clusters")}
        columns |= {f"slices.{name}": _texts(values) for name, values in record["slices"].items()}
        rows = {str(name): _unpacked(packed) for name, packed in record["rows"].items()}
        for name, column in {**columns, **rows}.items():
            if len(column) != len(ids):
                raise ValueError(f"{name} has {len(column)} entries for {len(ids)} ids")
        if len(set(ids)) != len(ids):
            raise ValueError("an id comes twice")
        slices = {name: columns[f"slices.{name}"] for name in record["slices"]}
        failed, fitted = frozenset(_texts(record["failed"])), frozenset(_texts(record["fitted"]))
        return cls(ids, columns["digests"], columns["clusters"], failed, rows, slices, fitted)


def _texts(values: Json) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("expected a list of texts")
    return tuple(values)


def _packed(rows: Array) -> Json:
    """[n, 1] as a list of numbers, a few columns as lists, many as [column, value, column, value, …] of what is not 0."""
    k = rows.shape[1]
    if k == 1:
        return {"k": 1, "dense": [_number(value) for value in rows[:, 0]]}
    if _kind(rows) == "dense":
        return {"k": k, "dense": [[_number(value) for value in row] for row in rows]}
    return {"k": k, "sparse": [[x for i in np.flatnonzero(row) for x in (int(i), _number(row[i]))] for row in rows]}


def _kind(rows: Array) -> str:
    return "dense" if rows.shape[1] <= _DENSE else "sparse"


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else float(value)


def _unpacked(packed: Mapping[str, Json]) -> Array:
    k, n = packed["k"], len(packed["dense"] if "dense" in packed else packed["sparse"])
    if type(k) is not int or k < 1 or k * n > _MOST:
        raise ValueError(f"{n} rows of {k!r} columns; expected 1 column or more, and at most {_MOST:,} cells")
    if "dense" in packed:
        dense = np.array(packed["dense"], dtype=np.float64).reshape(len(packed["dense"]), -1)
        if len(dense) and dense.shape[1] != k:
            raise ValueError(f"a row has {dense.shape[1]} columns, expected {k}")
        rows = dense.reshape(-1, k)
    else:
        rows = np.zeros((n, k))
        for i, cells in enumerate(packed["sparse"]):
            if len(cells) % 2:
                raise ValueError(f"row {i} has a column without a value")
            if any(type(column) is not int or not 0 <= column < k for column in cells[::2]):
                raise ValueError(f"row {i} has a column outside 0 to {k - 1}")
            rows[i, cells[::2]] = cells[1::2]
    if not np.isfinite(rows).all():
        raise ValueError("a row holds what is no finite number")
    return rows


def write(folder: Path, measurements: Measurements) -> None:
    """Write the file of a run's folder."""
    write_atomically(folder / FILE, _in_pieces(measurements))


def _in_pieces(measured: Measurements) -> Iterator[bytes]:
    """The JSON text of the record, piece by piece: it is never held as a whole."""
    yield b"{"
    for name, column in (("ids", measured.ids), ("digests", measured.digests), ("clusters", measured.clusters)):
        yield from _listed(f"{_text(name)}:", column, list)
        yield b","
    yield f'"failed":{_text(sorted(measured.failed))},"slices":{{'.encode()
    for number, (name, values) in enumerate(measured.slices.items()):
        yield from _listed(f"{',' * bool(number)}{_text(name)}:", values, list)
    yield f'}},"fitted":{_text(sorted(measured.fitted))},"rows":{{'.encode()
    for number, (name, rows) in enumerate(measured.rows.items()):
        head = f'{"," * bool(number)}{_text(name)}:{{"k":{rows.shape[1]},"{_kind(rows)}":'
        yield from _listed(head, rows, lambda some: _packed(some)[_kind(some)])
        yield b"}"
    yield b"}}\n"


def _listed(head: str, values: Sequence[Json] | Array, plain: Callable[[Json], list[Json]]) -> Iterator[bytes]:
    """A JSON list behind its head, so many values at a time."""
    yield f"{head}[".encode()
    for start in range(0, len(values), _AT_ONCE):
        yield ("," * bool(start) + _text(plain(values[start : start + _AT_ONCE]))[1:-1]).encode()
    yield b"]"


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def found(folder: Path) -> Measurements | None:
    """What the file of a run's folder holds, None where there is none; raises BenchError when it is damaged."""
    return read(folder) if (folder / FILE).exists() else None


def read(folder: Path, text: str | None = None) -> Measurements:
    """Read the file of a run's folder, or the `text` that it would have; raises BenchError when there is none or it is damaged."""
    path = folder / FILE
    try:
        if text is not None:
            text.encode()  # what no file in UTF-8 holds is refused as there
        return Measurements.from_json(json.loads(plain_text(path) if text is None else text))
    except FileNotFoundError:
        raise BenchError(
            f"{folder} has no {FILE}: an earlier version made the run, or its references are held out; the same "
            "`bench run` command writes it from the predictions"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BenchError(f"{path} is damaged ({type(error).__name__}: {error}); run the same command again") from None


def shared(a: Measurements, b: Measurements) -> tuple[Measurements, Measurements]:
    """Both on the examples that they have in common, by id and digest, in the order of `a`."""
    place = {pair: i for i, pair in enumerate(zip(b.ids, b.digests, strict=True))}
    both = [(i, place[pair]) for i, pair in enumerate(zip(a.ids, a.digests, strict=True)) if pair in place]
    return a.take([i for i, _ in both]), b.take([j for _, j in both])
