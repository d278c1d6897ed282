"""The mark in a run's folder: in which store it was logged, under which id, and below which suites."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.artifacts.digest import digest
from bench.disk import clear_drafts, plain_text, write_atomically
from bench.runs.folder import RECORD
from bench.text.secret_urls import public_url

MARK = "mlflow.json"


@dataclass(frozen=True)
class Mark:
    """`record` is the digest of the record that was logged. `uri` holds no password."""

    uri: str
    run_id: str
    record: str = ""
    suites: tuple[str, ...] = ()


def read(folder: Path) -> Mark | None:
    """The mark of a run's folder; None where there is none, or none that can be read."""
    try:
        found = json.loads(plain_text(folder / MARK))
        texts, suites = (found["uri"], found["run_id"], found.get("record", "")), found.get("suites", [])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(suites, list) or not all(isinstance(one, str) for one in (*texts, *suites)):
        return None
    return Mark(*texts, tuple(suites))


def of_store(folder: Path, uri: str) -> Mark | None:
    """The mark of this store, whatever the record was then."""
    found = read(folder)
    return found if found is not None and is_store(found.uri, uri) else None


def write(folder: Path, uri: str, run_id: str, suites: Iterable[str], record: str = RECORD) -> None:
    """Leave the mark of the record, a file of this name, that is in the folder now."""
    said = {"uri": public_url(uri), "run_id": run_id, "record": digest(folder / record)}
    named = sorted({*suites})
    clear_drafts(folder, [MARK], but_of_living=True)  # several may log one run
    write_atomically(folder / MARK, json.dumps(said | ({"suites": named} if named else {})) + "\n")


def add_time(folder: Path, at: str, start: float | None, seconds: float) -> None:
    """Say in the mark how long the logging took that left it: it comes behind the record, whose ledger is closed by then.

    It began `at` this time, in UTC, and `start` seconds after the attempt did, None where that was in another process.
    """
    try:
        found = json.loads((folder / MARK).read_text())
    except (OSError, ValueError, RecursionError):  # nothing was logged
        return
    if not isinstance(found, dict):
        return
    time = {"at": at, "seconds": round(seconds, 6)} | ({} if start is None else {"start": round(start, 6)})
    write_atomically(folder / MARK, json.dumps(found | {"time": time}) + "\n")


def is_store(marked: str, uri: str) -> bool:
    """Whether a mark names this store; no mark holds the password of an address."""
    return public_url(marked) == public_url(uri)


def is_logged(folder: Path, uri: str, suite: str = "") -> bool:
    """Whether the run was logged to this store before, and below the suite if one is named, by its mark."""
    found = of_store(folder, uri)
    try:
        is_whole = found is not None and (folder / RECORD).is_file()  # a named pipe would keep us waiting
        return (
            found is not None
            and is_whole
            and found.record == digest(folder / RECORD)
            and (not suite or suite in found.suites)
        )
    except OSError:
        return False


def unlogged(found: Iterable[Path], uri: str) -> Iterator[Path]:
    """The folders of runs that have no mark of this store."""
    return (folder for folder in found if not is_logged(folder, uri))
