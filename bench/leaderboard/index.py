"""An index of runs: one SQLite file beside them, so that a board reads only what is new, and decodes only what it shows.

It holds nothing that is not in the runs themselves: a file that is damaged or of another version is made again, and where none can
be written (a read-only directory, a full disk, another process that holds it) the index lives in memory for this once.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.errors import BenchError
from bench.leaderboard.index_file import COLUMNS, Damaged, copied, opened
from bench.leaderboard.ranking import Sums
from bench.record import Run, Score
from bench.runs.identity import canonical
from bench.types import Json

T = TypeVar("T")
_KEPT = 500  # results of rankings


@dataclass(frozen=True)
class Record:
    """A run that the index knows: `root` and `path` say where it is, as they were given to `refresh`.

    One that is not `checked` has rows that nobody has held against its record yet.
    """

    root: str
    path: str
    run: Run
    checked: bool = True


def using(file: Path | None, act: Callable[[Index], T]) -> T:
    """What `act` makes of the index in this file; where that is damaged it is deleted, and `act` called again."""
    try:
        return _used(file, act)
    except Damaged:
        if file is None:
            raise
        with suppress(OSError):
            file.unlink()
        return _used(None if file.exists() else file, act)


def _used(file: Path | None, act: Callable[[Index], T]) -> T:
    index = Index(file)
    try:
        return act(index)
    finally:
        index.close()


class Index:
    """Runs by board, and the cluster sums and results that their rankings need."""

    def __init__(self, file: Path | None) -> None:
        """`file` is made where it can be; None keeps the index in memory."""
        self.file = file
        self._db = opened(file)

    def refresh(
        self, root: str, stamps: Mapping[str, str], load: Callable[[str], Run], slot: Callable[[Run], Json],
        *, checked: bool = True,
    ) -> None:  # fmt: skip
        """Bring what is known of `root` to what is there now: `stamps` by path; `load` reads one that is new or changed.

        Of several runs that `slot` gives the same, a board shows the latest. What `load` refuses is kept as a problem; what it
        takes and is not `checked` is for `check` to say, when it is shown.
        """
        query = "SELECT path, stamp FROM records WHERE root = ?"
        known = dict(self._safely(lambda: self._db.execute(query, (root,)).fetchall()))
        new = [path for path, stamp in stamps.items() if known.get(path) != stamp]
        old = [(root, path) for path in (*(path for path in known if path not in stamps), *new)]
        rows, texts = [], []
        for path in new:
            *row, text, error = _row(path, load, slot)
            rows.append((root, path, stamps[path], *row, error, checked))
            texts.append((root, path, text))
        if old:
            self._safely(lambda: self._replace(old, rows, texts))

    def problems(self, root: str) -> list[str]:
        """Why runs of this root are left out, one line each."""
        query = "SELECT error FROM records WHERE root = ? AND error IS NOT NULL ORDER BY path"
        return [str(error) for (error,) in self._safely(lambda: self._db.execute(query, (root,)).fetchall())]

    def boards(self, *roots: str) -> set[tuple[str, int]]:
        """The tasks, with their versions, of which there are runs."""
        # The sign has SQLite go through the index of boards, not through every record.
        query = f"SELECT DISTINCT task, version FROM records WHERE error IS NULL AND +root IN ({_marks(roots)})"
        return set(self._safely(lambda: self._db.execute(query, roots).fetchall()))

    def runs(self, task: str, version: int, *roots: str) -> list[Record]:
        """The latest run of each slot of this board, oldest first.

        The same run in several roots (task, model, data and run id) is one, that of the root named first.
        """
        query = f"""
            WITH roots (root, place) AS (VALUES {", ".join(["(?, ?)"] * len(roots))}),
            known AS (
                SELECT root, path, slot, created, checked, place, min(place) OVER (PARTITION BY same) AS first
                FROM records JOIN roots USING (root) WHERE task = ? AND version = ? AND error IS NULL
            ),
            latest AS (
                SELECT root, path, created, checked, row_number() OVER (PARTITION BY slot ORDER BY created DESC, path DESC) AS nth
                FROM known WHERE place = first
            )
            SELECT root, path, run, checked FROM latest LEFT JOIN runs USING (root, path) WHERE nth = 1 ORDER BY created, path
            """
        places = [one for place in enumerate(roots) for one in reversed(place)]
        return self._safely(lambda: self._records(query, (*places, task, version)))

    def check(self, record: Record, problem: str | None) -> None:
        """Say that the rows of a run were held against its record, with what is wrong, for which it is left out from now on."""
        change = "checked = 1" if problem is None else "checked = 1, error = ?"
        values = (record.root, record.path) if problem is None else (problem, record.root, record.path)
        command = f"UPDATE records SET {change} WHERE root = ? AND path = ?"
        self._safely(lambda: self._write(command, values))

    def every(self, *roots: str) -> list[Record]:
        """All runs, also the earlier ones, in order of root and path."""
        query = (
            "SELECT root, path, run, checked FROM records LEFT JOIN runs USING (root, path) "
            f"WHERE error IS NULL AND root IN ({_marks(roots)}) ORDER BY root, path"
        )
        return self._safely(lambda: self._records(query, roots))

    def digest(self, record: Record, metric: str, make: Callable[[], Sums | None]) -> str:
        """The digest of the cluster sums of this run's metric, which `make` gives where they are not known yet; "" for none."""
        place = (record.root, record.path, metric)
        query = "SELECT digest FROM sums WHERE root = ? AND path = ? AND metric = ?"
        known = self._safely(lambda: self._db.execute(query, place).fetchone())
        if known:
            return str(known[0])
        sums, digest, row = make(), "", ("", 0, b"")
        if sums is not None:
            table = np.ascontiguousarray(np.column_stack([sums.sizes, sums.sums])).tobytes()
            digest = sha256(sums.design.encode() + table).hexdigest()
            row = (sums.design, len(sums.sizes), zlib.compress(table, 1))
        self._safely(
            lambda: self._write("INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?, ?, ?, ?)", (*place, digest, *row))
        )
        return digest

    def sums(self, record: Record, metric: str) -> Sums:
        """The cluster sums whose digest `digest` gave."""
        query = "SELECT design, groups, data FROM sums WHERE root = ? AND path = ? AND metric = ?"

        def read() -> Sums:
            design, groups, data = self._db.execute(query, (record.root, record.path, metric)).fetchone()
            table = np.frombuffer(zlib.decompress(data)).reshape(groups, -1)
            return Sums(table[:, 1:], table[:, 0], design)

        return self._safely(read)

    def ruled(self, record: Record, score: Score, rule: str, make: Callable[[], Score]) -> Score:
        """This score of a run with the interval that `make` gives it, or gave it earlier by the same `rule`."""
        place = (record.root, record.path, score.metric)
        query = "SELECT rule, low, high, note FROM bounds WHERE root = ? AND path = ? AND metric = ?"
        known = self._safely(lambda: self._db.execute(query, place).fetchone())
        if known and known[0] == rule:
            return replace(score, low=known[1], high=known[2], note=known[3])
        found = make()
        row = (*place, rule, found.low, found.high, found.note)
        self._safely(lambda: self._write(f"INSERT OR REPLACE INTO bounds VALUES ({_marks(row)})", row))
        return found

    def result(self, name: str, make: Callable[[], Json]) -> Json:
        """What `make` gives, or gave earlier under this name, as JSON."""
        query = "SELECT value FROM results WHERE name = ?"
        known = self._safely(lambda: self._db.execute(query, (name,)).fetchone())
        if known:
            return self._safely(lambda: json.loads(known[0]))
        found = make()
        self._safely(lambda: self._write("INSERT OR REPLACE INTO results VALUES (?, ?)", (name, canonical(found))))
        old = f"DELETE FROM results WHERE rowid <= (SELECT max(rowid) FROM results) - {_KEPT}"
        self._safely(lambda: self._write(old, ()))
        return found

    def commit(self) -> None:
        """Let other boards see, and write after, what was added so far."""
        self._safely(self._db.commit)

    def close(self) -> None:
        """Write what was added and let the file go."""
        with suppress(sqlite3.Error):  # another board held it: the next one adds it
            self._db.commit()
        self._db.close()

    def _replace(
        self, old: list[tuple[str, str]], rows: list[tuple[Json, ...]], texts: list[tuple[str, str, str | None]]
    ) -> None:
        for table in ("records", "runs", "sums", "bounds"):
            self._db.executemany(f"DELETE FROM {table} WHERE root = ? AND path = ?", old)
        self._db.executemany(f"INSERT INTO records VALUES ({_marks(COLUMNS)})", rows)
        self._db.executemany("INSERT INTO runs VALUES (?, ?, ?)", texts)
        self._db.commit()

    def _records(self, query: str, values: Sequence[Json]) -> list[Record]:
        """What a query for root, path, run and checked finds."""
        found = self._db.execute(query, values).fetchall()
        return [Record(root, path, Run.from_json(json.loads(run)), bool(checked)) for root, path, run, checked in found]

    def _write(self, command: str, row: tuple[Json, ...]) -> None:
        self._db.execute(command, row)

    def _safely(self, act: Callable[[], T]) -> T:
        """Do it; where the file cannot be written, in a copy in memory."""
        try:
            try:
                return act()
            except sqlite3.OperationalError:  # read-only, full, or held by another for longer than the timeout
                self._db = copied(self._db)
                return act()
        except (sqlite3.DatabaseError, zlib.error, ValueError, TypeError, KeyError) as error:
            raise Damaged(f"{self.file}: {type(error).__name__}: {error}") from error


def _row(path: str, load: Callable[[str], Run], slot: Callable[[Run], Json]) -> tuple[Json, ...]:
    """task, version, same, slot, created, run and error of a record."""
    try:
        run = load(path)
        same = json.dumps([run.model, run.data_fingerprint, run.run_id])
        # Plain dumps: with any option it makes an encoder for each call, and this is most of the time of a first index.
        return run.task, run.task_version, same, json.dumps(slot(run)), run.created, json.dumps(run.to_json()), None
    except BenchError as error:
        return (*[None] * 6, str(error))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
