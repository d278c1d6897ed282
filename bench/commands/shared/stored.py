"""Runs of an MLflow store, for the commands that read runs."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import BenchError
from bench.text.shown import tell


def folders_of(uri: str) -> tuple[Path | None, Path, dict[str, str]]:
    """An index file for this store, the folder that run folders are relative to, and the stamps of these by path."""
    from bench.leaderboard.index_file import file_in
    from bench.leaderboard.stamps import folder_stamp
    from bench.text import secret_urls
    from bench.tracking.read import Store
    from bench.tracking.store import StoreError

    secret_urls.refuse({"--store": uri}, but=os.environ.get("MLFLOW_TRACKING_URI"))
    try:
        store = Store(uri)
        folders = store.folders()
    except StoreError as error:
        raise BenchError(f"{error}; {error.remedy}, or leave --store away to read the runs directory") from None
    stamps = {folder: stamp for folder in folders if (stamp := folder_stamp(folder))}
    if deleted := store.deleted_experiments():
        tell(
            f"bench: left out: the runs of {len(deleted)} deleted experiments of {uri}, such as {deleted[0]}; `mlflow experiments "
            "restore` brings them back",
            err=True,
        )
    if gone := [folder for folder in folders if folder not in stamps]:
        tell(
            f"bench: left out: {len(gone)} runs of {uri} whose artifacts are not in their place, such as {gone[0]}",
            err=True,
        )
    return file_in(store.cache), Path("/"), stamps


def one(run_id: str, runs_dir: Path) -> Path:
    """The folder of one run of the store that `bench run` logs to."""
    from bench.tracking.read import Store
    from bench.tracking.store import StoreError, default_uri

    try:
        return Store(os.environ.get("MLFLOW_TRACKING_URI") or default_uri(runs_dir)).run(run_id)
    except StoreError as error:
        raise BenchError(f"{error}; {error.remedy} and try again") from None
