"""What a store raises only because another process was there in the same moment: the same again, a moment later, succeeds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

_Found = TypeVar("_Found")

_LOST = (  # a race, in the words of SQLite, PostgreSQL, MySQL, SQL Server and MLflow
    "UNIQUE constraint", "duplicate key", "Duplicate entry", "UniqueViolation", "deadlock", "could not serialize",
    "must be in the 'active' state", "tuple concurrently", "current transaction is aborted",
)  # fmt: skip
_MAKING = (  # in a new database, while another process makes its tables
    "already exists", "DuplicateTable", "DuplicateColumn", "UndefinedTable", "UndefinedColumn", "UndefinedObject",
    "does not exist", "no such table", "duplicate column", "lock timeout", "database is locked",
)  # fmt: skip
_BUSY = ("too many clients", "remaining connection slots", "too many connections", "Too many connections")
_UNREACHABLE = ("failed with exception", "failed with timeout exception", "Connection refused", "could not connect")
TRIES = 10  # of a logging at least: each is a race with whoever logs the same runs
_NEVER = ('database "', "Can't locate revision", "database schema")  # of which waiting helps nothing


def is_lost(error: Exception) -> bool:
    """Whether an operation failed because another process did the same, or deleted what it was about."""
    return any(said in str(error) for said in _LOST)


def is_unreachable(error: Exception) -> bool:
    """Whether the store is not there at all, so that asking it again only costs time."""
    return any(said in str(error) for said in _UNREACHABLE)


def is_being_made(error: Exception) -> bool:
    """Whether a database cannot be used yet because another process makes it, or others have all its connections."""
    said = str(error)
    if any(never in said for never in _NEVER):
        return False
    return is_lost(error) or any(one in said for one in (*_MAKING, *_BUSY))


def retried(
    act: Callable[[], _Found],
    is_passing: Callable[[Exception], bool] = is_lost,
    *,
    seconds: float = 10.0,
    tries: int = 1,
    pause: float = 0.1,
) -> _Found:
    """What `act` gives, tried again while it raises what passes, for so many seconds; then its error is raised.

    It is tried so many times at least: where many processes share a busy machine, the seconds may be those of a single try.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    until, left = time.monotonic() + seconds, tries
    while True:
        left -= 1
        try:
            return act()
        except (MlflowException, SQLAlchemyError) as error:
            if not is_passing(error) or (left <= 0 and time.monotonic() > until):
                raise
        time.sleep(pause * random.uniform(0.5, 2))  # not in step with the others
