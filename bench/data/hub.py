"""Data sets from the Hub at a pinned revision, through `datasets`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.artifacts import transfer
from bench.artifacts.digest import cache_dir
from bench.artifacts.fetch import hub_client, unreachable
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
        _fetch(source, split, place)
    import datasets

    found: Iterable[Mapping[str, Json]] = datasets.load_from_disk(str(place))
    return found


def _fetch(source: Source, split: str, place: Path) -> None:
    client = hub_client()
    try:
        # One question first: `load_dataset` asks five times and for half a minute where there is no network.
        client.HfApi().dataset_info(source.name, revision=source.revision, timeout=20)
        import datasets

        place.parent.mkdir(parents=True, exist_ok=True)
        datasets.disable_progress_bars()  # one a file and step: ours shows them all
        tell(f"bench: fetching {source.uri}", err=True)
        with TemporaryDirectory(dir=place.parent) as folder, transfer.coming(source.uri, Path(folder)):
            loaded = datasets.load_dataset(source.name, revision=source.revision, split=split, cache_dir=folder)
            loaded.save_to_disk(str(Path(folder) / "rows"))
            os.replace(Path(folder) / "rows", place)
    except Exception as error:  # the client and `datasets` raise what their HTTP libraries raise
        raise unreachable(source, error, "set BENCH_DATA to a local data directory") from None
