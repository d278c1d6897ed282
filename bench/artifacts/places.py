"""Where a source lies in the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from bench.artifacts import mlflow_registry
from bench.artifacts.digest import cache_dir
from bench.artifacts.uri import Source
from bench.text.secret_urls import public_url


def cached(source: Source) -> Path:
    """The place of a source in the cache, whether it is there or not."""
    if source.scheme == "https":
        folder = hashlib.sha256(source.uri.encode()).hexdigest()[:16]  # a file and its folder in one archive stay apart
        return (
            cache_dir() / "https" / folder / (source.inside or PurePosixPath(urlsplit(source.name).path).name or "file")
        )
    name = source.name.replace("/", "--")
    if source.scheme == "mlflow":  # two registries may hold a model of one name
        name += "-" + hashlib.sha256(public_url(mlflow_registry.uri()).encode()).hexdigest()[:8]
    return cache_dir() / source.scheme / f"{name}-{source.revision}" / (source.inside or "repository")
