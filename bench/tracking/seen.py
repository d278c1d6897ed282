"""What earlier boards saw of a store: a SQLite file in the cache, so that a board asks only for what is new.

It holds nothing that is not in the store: a file that is damaged or of another version is made again.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_FORMAT = 1  # of the tables below
_PATIENCE_SECONDS = 10.0
_PLAIN = re.compile(r"file://(/[\w./-]+)")  # an address in which nothing is quoted
_SCHEMA = (
    "CREATE TABLE places (run_id TEXT PRIMARY KEY, artifacts TEXT, key TEXT, logged REAL, experiment TEXT, deleted INTEGER)",
    "CREATE TABLE records (run_id TEXT PRIMARY KEY, logged REAL, tags TEXT)",
    "CREATE TABLE experiments (id TEXT PRIMARY KEY)",
    "CREATE TABLE asked (at REAL)",
)


class Place(NamedTuple):
    """Where a finished run's artifacts are, its key and time of logging (milliseconds since 1970), and whether it is deleted.

    A tuple: a board of 10,000 runs makes each of them twice, and compares them.
    """

    run_id: str
    artifacts: str
    key: str
    logged: float
    experiment: str
    deleted: bool = False

    @property
    def local(self) -> str:
        """The folder of its artifacts, where that is one of this machine; "" elsewhere."""
        if self.artifacts.startswith(
            "mlflow-artifacts:"
        ):  # kept by a server, as nearly all are that are not plain files
            return ""
        if plain := _PLAIN.fullmatch(self.artifacts):
            return plain[1]
        parts = urlsplit(self.artifacts)
        return unquote(parts.path) if parts.scheme in ("file", "") else ""

    @property
    def is_away(self) -> bool:
        """Whether its artifacts should be on this machine and are not: the store was copied, or the runs directory moved."""
        return bool(local := self.local) and not os.path.isdir(local)  # noqa: PTH112  # a quarter of the time, 10,000 times

    @property
    def name(self) -> str:
        """What it is called in the cache: a run that was measured or scored again since is another."""
        return f"{self.run_id}-{self.logged:.0f}"


class Seen:
    """The places of a store's runs, the tags that carry their records, and the experiments that were read."""

    def __init__(self, file: Path | None) -> None:
        """`file` is made where it can be; None keeps nothing for the next board."""
        self.file = file
        self.places: dict[str, Place] = {}
        self.experiments: set[str] = set()
        self.at = 0.0  # when the store was asked last, in milliseconds since 1970 by its own clock; 0 for not known
        self._reading: sqlite3.Connection | None = None
        self._fresh: dict[str, str] = {}  # tags that were read now, also where the file cannot be written
        with suppress(sqlite3.Error), closing(self._opened()) as db:
            rows = db.execute("SELECT run_id, artifacts, key, logged, experiment, deleted FROM places").fetchall()
            self.at = next((at for (at,) in db.execute("SELECT at FROM asked")), 0.0)
            self.experiments = {one for (one,) in db.execute("SELECT id FROM experiments")}
            self.places = {
                row[0]: Place._make(row) for row in rows
            }  # of SQLite's 0 and 1, which are equal to False and True

    def keep(
        self, places: Mapping[str, Place], experiments: Iterable[str], tags: Mapping[str, str], at: float = 0.0
    ) -> None:
        """Remember this instead: `tags` are those of runs that were read now, as JSON by run; those of others stay."""
        changed = [one for name, one in places.items() if self.places.get(name) != one]
        gone = [name for name in self.places if name not in places]
        experiments = {*experiments}
        if not changed and not gone and not tags and experiments == self.experiments and (at > 0) == (self.at > 0):
            return  # an earlier time only has more asked for
        self.places, self.experiments, self._fresh, self.at = {**places}, experiments, {**tags}, at
        try:
            self._written(changed, gone, tags)
        except sqlite3.OperationalError:  # held, read-only, full: the next board asks again
            return
        except sqlite3.DatabaseError:  # damaged
            if self.file is not None:
                with suppress(OSError):
                    self.file.unlink(missing_ok=True)

    def _written(self, changed: Iterable[Place], gone: Iterable[str], tags: Mapping[str, str]) -> None:
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._opened()) as db, db:
            for table in ("places", "records"):
                db.executemany(f"DELETE FROM {table} WHERE run_id = ?", [(name,) for name in gone])
            db.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", changed)
            carried = [(name, self.places[name].logged, text) for name, text in tags.items() if name in self.places]
            db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", carried)
            db.execute("DELETE FROM asked")
            db.execute("INSERT INTO asked VALUES (?)", (self.at,))
            db.execute("DELETE FROM experiments")
            db.executemany("INSERT INTO experiments VALUES (?)", [(one,) for one in self.experiments])

    def names(self) -> set[str]:
        """`Place.name` of the runs whose tags are kept."""
        try:
            with closing(self._opened()) as db:
                rows = db.execute("SELECT run_id, logged FROM records").fetchall()
        except sqlite3.Error:
            rows = []
        fresh = {self.places[run_id].name for run_id in self._fresh if run_id in self.places}
        return {f"{run_id}-{logged:.0f}" for run_id, logged in rows} | fresh

    def tags(self, run_id: str) -> str | None:
        """The kept tags of this run, as JSON; None where there are none."""
        if run_id in self._fresh:
            return self._fresh[run_id]
        try:
            self._reading = self._reading or self._opened()
            found = self._reading.execute("SELECT tags FROM records WHERE run_id = ?", (run_id,)).fetchone()
        except sqlite3.Error:
            return None
        return str(found[0]) if found else None

    def _opened(self) -> sqlite3.Connection:
        """The file with its tables; those of another version are made again. Raises sqlite3.Error."""
        if self.file is None or not self.file.parent.is_dir():
            raise sqlite3.OperationalError("no folder")
        db = sqlite3.connect(self.file, timeout=_PATIENCE_SECONDS)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:
                db.execute("BEGIN IMMEDIATE")
                if db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:  # unless another process just has
                    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                        db.execute(f'DROP TABLE "{name}"')
                    for command in _SCHEMA:
                        db.execute(command)
                    db.execute(f"PRAGMA user_version = {_FORMAT}")
                db.commit()
        except sqlite3.Error:
            db.close()
            raise
        return db
