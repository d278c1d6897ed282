"""The SQLite file of an index: opened as it is, made where there is none, and a copy in memory where it cannot be written."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from bench import machine

FILE = ".index.db"  # in the folder that it is of
_FORMAT = 10  # of the tables below and of what is in them
PATIENCE_SECONDS = 10.0  # for another board that writes
COLUMNS = ("root", "path", "stamp", "task", "version", "same", "slot", "created", "error", "checked")
# The texts are apart, so that going through 10,000 records goes through no text.
_SCHEMA = f"""
CREATE TABLE records ({", ".join(COLUMNS)}, PRIMARY KEY (root, path));
CREATE INDEX by_board ON records (task, version, error, root);
CREATE INDEX left_out ON records (root, path, error) WHERE error IS NOT NULL;
CREATE TABLE runs (root TEXT, path TEXT, run TEXT, PRIMARY KEY (root, path));
CREATE TABLE sums (root TEXT, path TEXT, metric TEXT, digest TEXT, design TEXT, groups INTEGER, data BLOB,
                   PRIMARY KEY (root, path, metric));
CREATE TABLE bounds (root TEXT, path TEXT, metric TEXT, rule TEXT, low REAL, high REAL, note TEXT,
                     PRIMARY KEY (root, path, metric));
CREATE TABLE results (name TEXT PRIMARY KEY, value TEXT);
"""


class Damaged(Exception):
    """The index file is no index, or of another version: it can be deleted."""


def file_in(folder: Path) -> Path | None:
    """Where the index of a folder lies; None where it is held in memory."""
    return machine.database_in(folder, FILE)


def opened(file: Path | None) -> sqlite3.Connection:
    """The file with its tables, made again where they are of another version; in memory where it cannot be opened."""
    if file is None or not file.parent.is_dir():
        return _made(sqlite3.connect(":memory:"))
    db = None
    try:
        db = sqlite3.connect(file, timeout=PATIENCE_SECONDS)
        if db.execute("PRAGMA user_version").fetchone()[0] == _FORMAT:
            return db
        if not _empty(db):
            raise Damaged(f"{file} is of another version")
        return _made(db)
    except sqlite3.OperationalError:
        return copied(db) if db else _made(sqlite3.connect(":memory:"))
    except sqlite3.DatabaseError as error:
        raise Damaged(f"{file}: {error}") from None


def _empty(db: sqlite3.Connection) -> bool:
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _made(db: sqlite3.Connection) -> sqlite3.Connection:
    """Make the tables, unless another process just has."""
    db.execute("BEGIN IMMEDIATE")
    if _empty(db):
        for command in filter(str.strip, _SCHEMA.split(";")):
            db.execute(command)
        db.execute(f"PRAGMA user_version = {_FORMAT}")
    db.commit()
    return db


def copied(db: sqlite3.Connection) -> sqlite3.Connection:
    """The same content in memory, empty where it cannot be read."""
    memory = sqlite3.connect(":memory:")
    deadline = time.monotonic() + PATIENCE_SECONDS

    def refuse_waiting(status: int, remaining: int, total: int) -> None:
        if time.monotonic() > deadline:  # else a backup waits for ever while another holds the file
            raise sqlite3.OperationalError("the file is held by another process")

    try:
        db.rollback()
        db.backup(memory, pages=10_000, progress=refuse_waiting, sleep=0.05)
        sound = memory.execute("PRAGMA user_version").fetchone()[0] == _FORMAT
    except sqlite3.Error:
        sound = False
    db.close()
    return memory if sound else _made(sqlite3.connect(":memory:"))
