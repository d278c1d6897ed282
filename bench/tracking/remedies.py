"""What helps against what a store says, by the words of databases, servers and MLflow."""

from __future__ import annotations

import re
import traceback
from http import HTTPStatus
from pathlib import Path

import bench
from bench.text.rows import rows

NAME = "give a server (http:, https:) or a database (sqlite:, postgresql:, mysql:, mssql:) by MLFLOW_TRACKING_URI or tracking.uri="
START = "start the store"
_SPACE = "free space"
_WRITABLE = "make the file and its folder writable"
_AWAY = "move that file away, or name another store"
OTHER = "name the address of an MLflow store"
_ACCESS = "put the right name and password into MLFLOW_TRACKING_URI, or into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
_LOGIN = "put the right name and password into its address, MLFLOW_TRACKING_URI"
RIGHT = "ask who keeps the store for that right, or log in as another by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
_WAIT = "wait until it takes more requests"
_REBOUND = "ask it by a name that it takes, or let it take this one (--allowed-hosts of the server)"
_PROXY = "correct the proxy in HTTP_PROXY and HTTPS_PROXY, or name the store's machine in NO_PROXY"
_SCHEME = "see whether it is http: or https:, and whether this machine trusts its certificate (REQUESTS_CA_BUNDLE)"
_CONNECTIONS = "wait until others have ended, or let the database take more connections"
_OPTION = "correct what stands behind the ? of its address"
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
    "password authentication failed": f"{_LOGIN}, or into PGUSER and PGPASSWORD",
    "no password supplied": f"{_LOGIN}, or into PGUSER and PGPASSWORD",
    "Access denied": _LOGIN,
    "UNAUTHENTICATED": _ACCESS,
    "PERMISSION_DENIED": RIGHT,
    "REQUEST_LIMIT_EXCEEDED": _WAIT,
    "too many clients": _CONNECTIONS,
    "remaining connection slots": _CONNECTIONS,
    "too many connections": _CONNECTIONS,
    "Too many connections": _CONNECTIONS,
    "invalid sslmode": _OPTION,
    "invalid connection option": _OPTION,
    "does not support SSL": _OPTION,
    "Invalid SQLite URL": NAME,
    "Failed to resolve": "correct the name of its machine",
    "could not translate host name": "correct the name of its machine",
    "to proxy": _PROXY,
    "[SSL: ": _SCHEME,
    "redirects": OTHER,
    "header value": _ACCESS,
    "'latin-1' codec": _ACCESS,
    "Databricks credential": "give DATABRICKS_HOST and DATABRICKS_TOKEN, or name another store",
    "permission denied": "give its user the rights to write there, or name another store",
    "read-only transaction": "name a database that can be written",
    "Permission denied": "make the place of its files writable",
}
_OF_STATUS = {
    401: _ACCESS,
    403: RIGHT,
    407: _PROXY,
    413: "let the server, and the proxy before it, take larger requests",
    429: _WAIT,
    **dict.fromkeys((301, 302, 303, 307, 308), "name the address that it leads to"),
    **dict.fromkeys((204, 400, 404, 405, 406, 410), OTHER),
}
_STATUS = re.compile(r"error code (\d{3}) != |too many (\d{3}) error responses|\b(\d{3}) (?:Client|Server) Error")
_BODY = re.compile(r"Response (?:body: '|text: )([^<>]{1,100}?)'?$")
_CAUSE = re.compile(r"\(Caused by \w+\((.*)\)\)", re.DOTALL)
_INNER = re.compile(
    r"(?:[A-Za-z]*Pool|[A-Za-z]*Connection)\(host='[^']*', port=\d+\): |\w+(?:Error|Disconnected)\(|[\"')]+$"
)
_MODULES = {  # what the driver of a database is installed by, where that is not its name
    "MySQLdb": "`pip install mysqlclient`, or write mysql+pymysql: and `pip install pymysql`",
    "psycopg2": "`pip install psycopg2-binary`",
    "psycopg": "`pip install 'psycopg[binary]'`, or write postgresql+psycopg2:",
}
_ODD = (ValueError, TypeError, LookupError, AttributeError, AssertionError)  # of an answer that no MLflow store gives


def said(error: BaseException) -> tuple[str, str]:
    """What an error says, in one line, and what to do about it."""
    whole = str(error)
    if any(one in whole for one in _NO_STORE):
        return "this is no address of a store", NAME
    if "tracking backend" in whole:
        return "it is a folder, which MLflow takes no more", NAME
    if status := status_of(error):
        return _of_answer(status, whole), _REBOUND if "Invalid Host header" in whole else _OF_STATUS.get(status, START)
    lines = rows(whole.strip())
    line = lines[0] if lines else type(error).__name__
    if isinstance(error, _ODD) or _is_unread(error):
        return f"it answers as no MLflow store does ({type(error).__name__}: {line})", OTHER
    if "not in a valid JSON format" in whole:
        return "it answers as no MLflow store does (no JSON)", OTHER
    if 'database "' in whole and "does not exist" in whole:
        return line, "make that database, or name another"
    remedy = next((what for one, what in _REMEDIES.items() if one in whole), START)
    if cause := _CAUSE.search(whole):
        return f"it cannot be asked ({_reason(cause[1])})", remedy
    return line, remedy


def installed_by(module: str | None) -> str:
    """How a module that a store needs is installed."""
    return f"install it: {_MODULES[module]}" if module in _MODULES else "install it"


def status_of(error: BaseException) -> int:
    """The status of the answer that an error tells of; 0 where it tells of none."""
    found = _STATUS.search(str(error))
    return int(next(filter(None, found.groups()))) if found else 0


def is_forbidden(error: BaseException) -> bool:
    """Whether the store knows who asks, and lets them not."""
    return status_of(error) == 403 or "PERMISSION_DENIED" in (
        getattr(error, "error_code", ""),
        str(error).partition(":")[0],
    )


def _reason(cause: str) -> str:
    """What hindered a request, without the objects that it came through."""
    found = _INNER.sub("", cause).strip("\"'")
    return found + ")" * (found.count("(") - found.count(")"))


def _of_answer(status: int, whole: str) -> str:
    """What the store answered, with its own words where they are few."""
    named = {one.value: one.phrase for one in HTTPStatus}.get(status, "")
    body = _BODY.search(whole)
    said = " ".join(body[1].split()) if body else ""
    words = ": ".join(filter(None, [named, said if said != named else ""]))
    return f"it answers {status}" + (f" ({words})" if words else "")


def is_of_store(error: Exception) -> bool:
    """Whether an error that any code can raise comes from a library that reads what a store answers, and not from here."""
    own = Path(bench.__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    inner = Path(frames[-1].filename) if frames else own
    return (isinstance(error, _ODD) or _is_unread(error)) and own not in inner.parents


def _is_unread(error: BaseException) -> bool:
    return type(error).__module__.startswith("google.protobuf")
