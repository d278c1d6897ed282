"""What is wrong with the address of a store, told before it is asked: much of it MLflow takes, and goes somewhere else."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from bench.text.secret_urls import hides_a_password
from bench.tracking import remedies

_SQLITE = re.compile(r"(sqlite(?:\+\w+)?):(.*)", re.DOTALL)
_IN_MEMORY = re.compile(r"(/{0,3}(\?.*)?|.*(:memory:|\bmode=memory\b).*)")
_HOST_AND_PORT = re.compile(r"[\w.-]+:\d{1,5}(?:/.*)?")
_ANOTHER = "name another with MLFLOW_TRACKING_URI or tracking.uri="
_SIGNS = (
    "write such signs there as %40 for @, %3A for :, %2F for /, %23 for #, %3F for ? and %25 for %, or put a server's name and "
    "password into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
)


def fault(uri: str) -> tuple[str, str] | None:
    """What is wrong with this address and what to do about it, None for nothing; no password is said."""
    if uri != uri.strip():
        return "its address begins or ends with a space", "leave that away in MLFLOW_TRACKING_URI or tracking.uri="
    try:
        found = urlsplit(uri)
        is_one = found.port != 0 and (found.scheme not in ("http", "https") or bool(found.hostname))
    except ValueError:
        found, is_one = None, False
    if hides_a_password(uri) or (uri.partition("://")[2].count("@") > 1 and not _SQLITE.match(uri)):
        return "a sign in the name or password ends it before its @", _SIGNS
    if found is None or not is_one:
        return "this is no address of a store", f"{remedies.NAME}; {_SIGNS}" if "@" in uri else remedies.NAME
    if file := _SQLITE.fullmatch(uri):
        return _of_sqlite(file[1], file[2])
    return _of_server(uri, found)


def _of_server(uri: str, found: SplitResult) -> tuple[str, str] | None:
    if found.scheme in ("http", "https") and (found.query or found.fragment):
        return "this is the address of a page", f"leave away what stands from its {'?' if found.query else '#'} on"
    if _HOST_AND_PORT.fullmatch(uri):
        return "it does not say how it is asked", "write http:// (or https://) before it"
    return None


def _of_sqlite(scheme: str, rest: str) -> tuple[str, str] | None:
    if _IN_MEMORY.fullmatch(rest):
        return (
            "it lies in memory, and what is logged there ends with this command",
            "name a file (sqlite:///PATH) by MLFLOW_TRACKING_URI or tracking.uri=",
        )
    if not rest.startswith("///"):
        return "this is no address of a store", f"a SQLite file is {scheme}:///PATH; {remedies.NAME}"
    path = rest.removeprefix("///")
    if re.search(r"%[0-9a-fA-F]{2}", path):
        return "a path with % and two digits is another one in the address of a SQLite file", _ANOTHER
    if "?" in path:  # MLflow's readings take it for the name's, and SQLite heeds it behind uri=true alone
        return (
            "a ? ends the path in the address of a SQLite file, and nothing behind it is heeded",
            f"leave away what stands from the ? on, or {_ANOTHER}",
        )
    if path.startswith("~"):
        return "~ is the name of a folder in an address", "write the whole path"
    return None
