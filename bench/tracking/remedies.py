"""What helps against what a store says, by the words of databases, servers and MLflow."""

from __future__ import annotations

import traceback
from pathlib import Path

import bench
from bench.text.rows import rows

NAME = "give a server (http:, https:) or a database (sqlite:, postgresql:, mysql:, mssql:) by MLFLOW_TRACKING_URI or tracking.uri="
START = "start the store"
_SPACE = "free space"
_WRITABLE = "make the file and its folder writable"
_AWAY = "move that file away, or name another store"
_ACCESS = "put the right name and password into MLFLOW_TRACKING_URI, or into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
_NO_STORE = ("unsupported URI", "Can't load plugin", "Could not parse SQLAlchemy URL", "Unity Catalog tracking URI")
_REMEDIES = {  # the first that is said counts
    "database is locked": "wait for the process that is writing there",
    "lock timeout": "wait for the process that is writing there",
    "readonly database": _WRITABLE,
    "attempt to write a readonly": _WRITABLE,
    "file is not a database": _AWAY,
    "malformed": _AWAY,
    "unable to open database": "make it a file that can be written, in a folder that is there",
    "disk is full": _SPACE,
    "No space left on device": _SPACE,
    "Disk quota exceeded": _SPACE,
    "database schema": "use the MLflow that made it, or bring it up to date with `mlflow db upgrade URI`",
    "tracking backend": NAME,  # a folder, which MLflow takes no more
    "Can't locate revision": "use the newer MLflow that made it, or name another store",
    "password authentication failed": _ACCESS,
    "no password supplied": _ACCESS,
    "Access denied": _ACCESS,
    "error code 401": _ACCESS,
    "error code 403": _ACCESS,
    "UNAUTHENTICATED": _ACCESS,
    "PERMISSION_DENIED": _ACCESS,
    "too many clients": "wait until others have ended, or let the database take more connections",
    "remaining connection slots": "wait until others have ended, or let the database take more connections",
    "too many connections": "wait until others have ended, or let the database take more connections",
    "Too many connections": "wait until others have ended, or let the database take more connections",
    "permission denied": "give its user the rights to write there, or name another store",
    "read-only transaction": "name a database that can be written",
    "Permission denied": "make the place of its files writable",
}
_ODD = (ValueError, TypeError, LookupError, AttributeError, AssertionError)  # of an answer that no MLflow store gives


def said(error: BaseException) -> tuple[str, str]:
    """What an error says, in one line, and what to do about it."""
    whole = str(error)
    if any(one in whole for one in _NO_STORE):
        return "this is no address of a store", NAME
    lines = rows(whole.strip())
    line = lines[0] if lines else type(error).__name__
    if isinstance(error, _ODD) or _is_unread(error):
        return (
            f"it answers as no MLflow store does ({type(error).__name__}: {line})",
            "name the address of an MLflow store",
        )
    if 'database "' in whole and "does not exist" in whole:
        return line, "make that database, or name another"
    return line, next((what for one, what in _REMEDIES.items() if one in whole), START)


def is_of_store(error: Exception) -> bool:
    """Whether an error that any code can raise comes from a library that reads what a store answers, and not from here."""
    own = Path(bench.__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    inner = Path(frames[-1].filename) if frames else own
    return (isinstance(error, _ODD) or _is_unread(error)) and own not in inner.parents


def _is_unread(error: BaseException) -> bool:
    return type(error).__module__.startswith("google.protobuf")
