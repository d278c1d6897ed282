"""Data sets from the Hub at a pinned revision, through `datasets`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.artifacts import kept, transfer
from bench.artifacts.digest import cache_dir
from bench.artifacts.failing import keeping, unreachable
from bench.artifacts.fetch import hub_client
from bench.artifacts.turn import turn
from bench.artifacts.uri import Source
from bench.errors import BenchError
from bench.text.shown import tell
from bench.types import Json


def rows(source: Source, split: str) -> Iterable[Mapping[str, Json]]:
    """The rows of one split of `hub:OWNER/NAME@REVISION`, memory-mapped from the cache, where they are kept as Arrow.

    Raises BenchError when the data set is not in the cache and cannot be reached.
    """
    place = cache_dir() / "rows" / f"{source.name.replace('/', '--')}-{source.revision}-{split}"
    if not place.exists():
        if os.environ.get("BENCH_OFFLINE"):
            raise BenchError(f"{source.uri} is not in {place.parent} and --offline forbids fetching it; fetch it first")
        with keeping(source.uri), turn(place, "fetching", source.uri) as folder:
            if not place.exists():  # else another process has brought it meanwhile
                kept.put(_fetched(source, split, folder), place)
    kept.refuse_exchanged(place, source.uri)
    import datasets

    found: Iterable[Mapping[str, Json]] = datasets.load_from_disk(str(place))
    return found


def _fetched(source: Source, split: str, folder: Path) -> Path:
    client = hub_client()
    try:
        # One question first: `load_dataset` asks five times and for half a minute where there is no network.
        client.HfApi().dataset_info(source.name, revision=source.revision, timeout=20)
        import datasets

        datasets.disable_progress_bars()  # one a file and step: ours shows them all
        tell(f"bench: fetching {source.uri}", err=True)
        with transfer.coming(source.uri, folder):
            loaded = datasets.load_dataset(
                source.name, revision=source.revision, split=split, cache_dir=str(folder / "cache")
            )
            loaded.save_to_disk(str(folder / "rows"))
    except Exception as error:  # the client and `datasets` raise what their HTTP libraries raise
        raise unreachable(source, error, "set BENCH_DATA to a local data directory") from None
    return folder / "rows"
