"""Runs out of MLflow: as folders like those below a runs directory."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.artifacts.digest import cache_dir
from bench.errors import BenchError
from bench.runs.folder import ORIGIN, RECORD
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.text.secret_urls import public_url
from bench.text.secrets import clean
from bench.timing.summary import FOLDER
from bench.tracking import carried
from bench.tracking.carried import Carried
from bench.tracking.fields import FILES, KEY
from bench.tracking.listed import Unlike, listed
from bench.tracking.rest import Odd, Rest
from bench.tracking.searched import ID, ByClient, found
from bench.tracking.seen import Place, Seen
from bench.tracking.store import connect, is_database, refuse_address, store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

_AT_ONCE = 8  # runs whose files are downloaded
_SHOWN = (RECORD, ORIGIN, MEASUREMENTS, FOLDER)  # what a board needs


class Store:
    """The finished runs of one MLflow store. Whatever it raises becomes StoreError."""

    def __init__(self, uri: str) -> None:
        refuse_address(uri)
        refuse_missing(uri)
        self.uri = uri
        self.cache = cache_dir() / "mlflow" / hashlib.sha256(public_url(uri).encode()).hexdigest()[:12]
        self.notes: list[str] = []  # what a person should know of how the store was read
        self.deleted_experiments: list[
            str
        ] = []  # the names of those that can be restored, once the folders were asked for
        self._rest: Rest | None = None
        self._seen = Seen(machine.database_in(self.cache, "seen.db"))
        self._carried: dict[str, str] = {}  # runs by the folder that their files come into

    @functools.cached_property
    def client(self) -> MlflowClient:
        """MLflow's own client, which takes seconds to import."""
        return connect(self.uri)

    def folders(self, stamp_of: Callable[[str], str]) -> dict[str, str]:
        """The folder of every finished run, one a key, with its stamp; of one on another machine what its tags lack is downloaded.

        `stamp_of` gives that of a folder on this machine, "" where it holds no record. What a store says is remembered, so that
        only what is new or changed is asked for.
        """
        self._seen = seen = Seen(machine.database_in(self.cache, "seen.db"))
        stamp_of = functools.cache(stamp_of)
        places = self._listed(seen, stamp_of)
        if places is None:
            places = self._searched(seen)
        first: dict[str, Place] = {}
        for place in sorted(places, key=lambda place: (place.logged, place.run_id)):
            first.setdefault(place.key, place)
        stamps, bare, names = dict[str, str](), dict[str, Path](), seen.names()
        self._carried = {}
        for place in first.values():
            local, kept = place.local, f"{self.cache}/boards/{place.name}"
            stamp = stamp_of(local) if local else ""
            if place.name in names and not stamp and (not local or place.is_away):
                # The folder's name has the time of logging in it, so that a record that is carried needs no look at the disk.
                stamps[kept] = "carried"
                self._carried[kept] = place.run_id
            elif local:
                stamps[local] = stamp
            else:
                bare[place.run_id] = Path(kept)
        self._download(bare, _SHOWN)
        return stamps | {str(folder): stamp_of(str(folder)) for folder in bare.values()}

    def carried(self, folder: str) -> Carried | None:
        """What came with the search of the run of this folder; None where nothing did that can be read."""
        tags = self._seen.tags(self._carried[folder]) if folder in self._carried else None
        return carried.read(json.loads(tags)) if tags is not None else None

    def need(self, folders: Iterable[str], *, whole: bool = True) -> None:
        """Bring the files that a board needs beside the record into these folders, where they are not there.

        Unless they are to be `whole`, those of which all came with the search are left out.
        """
        wanted = [one for one in folders if one in self._carried]
        if not whole:
            wanted = [one for one in wanted if (found := self.carried(one)) is None or not found.whole]
        self._download({self._carried[one]: Path(one) for one in wanted}, _SHOWN)

    def _listed(self, seen: Seen, stamp_of: Callable[[str], str]) -> list[Place] | None:
        """What the database holds, by reading it; None where it is none, or has to be asked by MLflow."""
        if not is_database(self.uri):
            return None
        try:
            with listed(self.uri) as database:
                places = {one.run_id: one for one in database.places() if ID.fullmatch(one.run_id)}
                self.deleted_experiments = database.deleted_experiments()
                kept = seen.names()
                new = [
                    name
                    for name, one in places.items()
                    if (
                        one.name not in kept and not stamp_of(local) and one.is_away
                        if (local := one.local)
                        else seen.places.get(name) != one
                    )
                ]  # fmt: skip
                seen.keep(places, (), database.tags(new) if new else {})  # a later search asks for all experiments
        except Unlike as why:
            self.notes.append(
                f"{public_url(self.uri)} is read by MLflow's search, which takes longer: {clean(str(why))[:200]}"
            )
            return None
        return [*places.values()]

    def _searched(self, seen: Seen) -> list[Place]:
        """What a server holds, by searches of what is new; by MLflow's own client where the plain requests do not do."""
        try:
            self._rest = Rest(self.uri)
            places, self.deleted_experiments = found(self._rest, seen)
        except Odd:
            self._rest = None
            with store_errors(self.uri):
                places, self.deleted_experiments = found(ByClient(self.client), seen)
        return places

    def run(self, run_id: str) -> Path:
        """The folder of one run with all its files, downloaded once; raises BenchError where it is none of ours."""
        if not ID.fullmatch(run_id):
            raise BenchError(f"mlflow:{run_id} is no id of a run; MLflow's are 32 hex digits")
        folder = self.cache / "whole" / run_id
        if (folder / RECORD).exists():
            return folder
        from mlflow.exceptions import MlflowException

        with store_errors(self.uri):
            try:
                one = self.client.get_run(run_id)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise BenchError(
                    f"mlflow:{run_id} is not in {public_url(self.uri)}; set MLFLOW_TRACKING_URI to its store"
                ) from None
            if KEY not in one.data.tags or one.info.status != "FINISHED":
                raise BenchError(f"mlflow:{run_id} in {public_url(self.uri)} is no finished run of `bench run`")
            return self._downloaded(self.client, run_id, folder, (*FILES, FOLDER))

    def _download(self, wanted: Mapping[str, Path], names: Sequence[str]) -> None:
        """Have files of these runs in folders: out of what is carried, else downloaded, several at a time from a server."""
        missing = [(run_id, folder) for run_id, folder in wanted.items() if not (folder / RECORD).exists()]
        asked: list[tuple[str, Path, Carried | None]] = []
        for run_id, folder in missing:
            found = self.carried(str(folder))
            if found is not None and (found.whole or self._seen.places[run_id].is_away):
                _written(found.texts, folder)
            else:
                asked.append((run_id, folder, found))
        if asked and (server := self._files()) is not None:
            done = server.at_once(lambda one: self._fetched(server, *one), asked)
            asked = [one for one, is_there in zip(asked, done, strict=True) if not is_there]
        if not asked:
            return
        with store_errors(self.uri), ThreadPoolExecutor(1 if is_database(self.uri) else _AT_ONCE) as pool:
            client = self._client_of_files(asked)
            _ = [*pool.map(lambda one: self._downloaded(client, one[0], one[1], names), asked)]

    def _client_of_files(self, asked: Sequence[tuple[str, Path, Carried | None]]) -> MlflowClient:
        """MLflow's client for these runs' files: of a database that of its server, where it is a server that keeps them."""
        behind = [one for one in asked if self._seen.places[one[0]].artifacts.startswith("mlflow-artifacts:")]
        if not is_database(self.uri) or not behind:
            return self.client
        server = os.environ.get("MLFLOW_TRACKING_URI", "")
        if not server.startswith(("http:", "https:")):
            raise BenchError(
                f"files of {len(behind)} runs in {public_url(self.uri)} are behind MLflow's server; set MLFLOW_TRACKING_URI to its "
                "address beside --store"
            )
        return connect(server)

    def _files(self) -> Rest | None:
        """The server that has the files, where plain requests bring them: of a database that which the environment names."""
        if self._rest is None and is_database(self.uri):
            with suppress(Odd):
                self._rest = Rest(os.environ.get("MLFLOW_TRACKING_URI", ""))
        return self._rest

    def _fetched(self, server: Rest, run_id: str, folder: Path, found: Carried | None) -> bool:
        """Bring the measurements of a run by a plain request, beside the record that is carried; whether that was enough."""
        if found is None or json.loads(found.texts[RECORD]).get("scenarios"):  # which has more files than one
            return False
        try:
            measured = server.file(f"{self._seen.places[run_id].artifacts}/{MEASUREMENTS}")
        except Odd:
            return False
        _written({**found.texts} | ({MEASUREMENTS: measured} if measured is not None else {}), folder)
        return True

    def _downloaded(self, client: MlflowClient, run_id: str, folder: Path, names: Iterable[str]) -> Path:
        """Download files of a run all or none; another process may be doing the same."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        there = {artifact.path for artifact in client.list_artifacts(run_id)}
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
        try:
            for name in names:
                if name in there:
                    client.download_artifacts(run_id, name, str(draft))
            _moved(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return folder


def _written(texts: Mapping[str, str | bytes], folder: Path) -> None:
    """Make a folder of these files, all or nothing; another process may be doing the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    for name, text in texts.items():
        (draft / name).write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogateescape"))
    _moved(draft, folder)


def _moved(draft: Path, folder: Path) -> None:
    """Give a draft its name, unless another process has made one; one without a record is given up."""
    if (draft / RECORD).exists() and not (folder / RECORD).exists():
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # it is there by now
        draft.rename(folder)
    shutil.rmtree(draft, ignore_errors=True)


def refuse_missing(uri: str) -> None:
    """Raise BenchError for a SQLite store that is not there: MLflow would make one."""
    if uri.startswith("sqlite:///") and not Path(path := uri.removeprefix("sqlite:///")).is_file():
        raise BenchError(f"store {uri}: there is no file {path}; give the URI of an MLflow store that has runs")
