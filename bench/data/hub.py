"""Data sets from the Hub at a pinned revision, through `datasets`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from bench.artifacts import Source, cache_dir
from bench.errors import BenchError
from bench.types import Json


def rows(source: Source, split: str) -> Iterable[Mapping[str, Json]]:
    """The rows of one split of `hub:OWNER/NAME@REVISION`, memory-mapped from the cache.

    Raises BenchError when the data set is not in the cache and cannot be reached.
    """
    offline = bool(os.environ.get("BENCH_OFFLINE"))
    if offline:
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    import datasets

    try:
        loaded = datasets.load_dataset(
            source.name, revision=source.revision, split=split, cache_dir=str(cache_dir() / "datasets")
        )
    except (OSError, ValueError, RuntimeError) as error:  # what datasets and the hub client raise without a network
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BenchError(
            f"{source.uri} cannot be loaded from the Hub ({type(error).__name__}: {reason[:200]}); check the network, or set "
            f"BENCH_DATA to a local data directory"
        ) from None
    found: Iterable[Mapping[str, Json]] = loaded
    return found
