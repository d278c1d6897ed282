"""Runs of an MLflow store, for the commands that read runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.text.secret_urls import public_url
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.tracking.read import Store


def opened(uri: str) -> tuple[Store, dict[str, str]]:
    """The store of this address, and the stamps of the folders of its runs by path; each is absolute."""
    from bench.leaderboard.stamps import folder_stamp
    from bench.text import secret_urls
    from bench.tracking.read import Store

    secret_urls.refuse({"--store": uri}, but=os.environ.get("MLFLOW_TRACKING_URI"))
    with said():
        store = Store(uri)
        found = store.folders(folder_stamp)
    stamps = {folder: stamp for folder, stamp in found.items() if stamp}
    if deleted := store.deleted_experiments:
        store.notes.append(
            f"left out: the runs of {len(deleted)} deleted experiments of {public_url(uri)}, such as {deleted[0]}; "
            "`mlflow experiments restore` brings them back"
        )
    if gone := [folder for folder, stamp in found.items() if not stamp]:
        store.notes.append(
            f"left out: {len(gone)} runs of {public_url(uri)} whose artifacts are not in their place, such as {gone[0]}"
        )
    for note in store.notes:
        tell(f"bench: {note}", err=True)
    return store, stamps


@contextmanager
def said() -> Iterator[None]:
    """Say what a store says against being read, with what helps."""
    from bench.tracking.store import StoreError

    try:
        yield
    except StoreError as error:
        raise BenchError(f"{error}; {error.remedy}, or leave --store away to read the runs directory") from None


def one(run_id: str, runs_dir: Path) -> Path:
    """The folder of one run of the store that `bench run` logs to."""
    from bench.tracking.read import Store
    from bench.tracking.store import StoreError, default_uri

    try:
        return Store(os.environ.get("MLFLOW_TRACKING_URI") or default_uri(runs_dir)).run(run_id)
    except StoreError as error:
        raise BenchError(f"{error}; {error.remedy} and try again") from None
