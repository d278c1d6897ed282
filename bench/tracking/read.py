"""Runs out of MLflow: as folders like those below a runs directory."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bench.artifacts.digest import cache_dir
from bench.disk import write_atomically
from bench.errors import BenchError
from bench.runs.folder import ORIGIN, RECORD
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.text.secret_urls import public_url
from bench.timing.summary import FOLDER
from bench.tracking.fields import FILES, KEY, LOGGED
from bench.tracking.store import connect, store_errors
from bench.types import Json

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

_PAGE = 1000
_SLACK = 600_000.0  # milliseconds: how far apart the clocks of two who log may be, and how long logging may take
_SHOWN = (RECORD, ORIGIN, MEASUREMENTS, FOLDER)  # what a board needs


@dataclass(frozen=True)
class Place:
    """Where a finished run's artifacts are, and its key and time of logging."""

    run_id: str
    artifacts: str
    key: str
    logged: float


class Store:
    """The finished runs of one MLflow store. Whatever it raises becomes StoreError."""

    def __init__(self, uri: str) -> None:
        refuse_missing(uri)
        self.uri = uri
        self.cache = cache_dir() / "mlflow" / hashlib.sha256(public_url(uri).encode()).hexdigest()[:12]
        self.client: MlflowClient = connect(uri)

    def folders(self) -> list[str]:
        """The folder of every finished run, one a key; what a board needs of a run that is not on this machine is downloaded.

        Only runs that were logged since the last call are asked for, and those that are deleted.
        """
        known = self._known()
        after = max((place.logged for place in known.values()), default=0.0) - _SLACK
        with store_errors(self.uri):
            where = f"tags.`{KEY}` != '' and attributes.status = 'FINISHED'"
            late = f" and metrics.`{LOGGED}` > {after}" if known else ""
            new = [place for one in self._search(where + late) if (place := _place(one))]
            deleted = {str(one.info.run_id) for one in self._search(where, deleted=True)}
            fresh = {place.run_id: place for place in new if known.get(place.run_id) != place}
            if fresh:
                known |= fresh
                self._keep(known)
            first: dict[str, Place] = {}
            for place in sorted(known.values(), key=lambda place: (place.logged, place.run_id)):
                if place.run_id not in deleted:
                    first.setdefault(place.key, place)
            return [self._folder(place) for place in first.values()]

    def deleted_experiments(self) -> list[str]:
        """The names of the experiments that were deleted and can be restored."""
        from mlflow.entities import ViewType

        with store_errors(self.uri):
            page = self.client.search_experiments(ViewType.DELETED_ONLY, max_results=_PAGE)
            return [str(one.name) for one in page]

    def run(self, run_id: str) -> Path:
        """The folder of one run with all its files, downloaded once; raises BenchError where it is none of ours."""
        if not re.fullmatch(r"[0-9a-f]{32}", run_id):
            raise BenchError(f"mlflow:{run_id} is no id of a run; MLflow's are 32 hex digits")
        folder = self.cache / "whole" / run_id
        if (folder / RECORD).exists():
            return folder
        from mlflow.exceptions import MlflowException

        with store_errors(self.uri):
            try:
                found = self.client.get_run(run_id)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise BenchError(
                    f"mlflow:{run_id} is not in {public_url(self.uri)}; set MLFLOW_TRACKING_URI to its store"
                ) from None
            if KEY not in found.data.tags or found.info.status != "FINISHED":
                raise BenchError(f"mlflow:{run_id} in {public_url(self.uri)} is no finished run of `bench run`")
            return self._downloaded(run_id, folder, (*FILES, FOLDER))

    def _search(self, where: str, *, deleted: bool = False) -> Iterator[LoggedRun]:
        from mlflow.entities import ViewType

        experiments = [str(one.experiment_id) for one in self._experiments()]
        token = None
        while experiments:
            view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
            page = self.client.search_runs(experiments, where, view, _PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _experiments(self) -> Iterable[Json]:
        token = None
        while True:
            page = self.client.search_experiments(max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _known(self) -> dict[str, Place]:
        """The runs that earlier calls saw; none where that file is damaged."""
        try:
            found = json.loads((self.cache / "runs.json").read_text(encoding="utf-8"))
            return {name: Place(name, *rest) for name, rest in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _keep(self, known: dict[str, Place]) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        lines = {place.run_id: [place.artifacts, place.key, place.logged] for place in known.values()}
        write_atomically(self.cache / "runs.json", json.dumps(lines))

    def _folder(self, place: Place) -> str:
        """Where the run's files lie: its artifacts where they are on this machine, else a copy of what a board needs."""
        parts = urlsplit(place.artifacts)
        if parts.scheme in ("file", ""):
            return unquote(parts.path)
        folder = (
            self.cache / "boards" / f"{place.run_id}-{place.logged:.0f}"
        )  # a run that was measured since is another
        return str(folder if (folder / RECORD).exists() else self._downloaded(place.run_id, folder, _SHOWN))

    def _downloaded(self, run_id: str, folder: Path, names: Iterable[str]) -> Path:
        """Download files of a run all or none; another process may be doing the same."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        there = {artifact.path for artifact in self.client.list_artifacts(run_id)}
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as draft:
            for name in names:
                if name in there:
                    self.client.download_artifacts(run_id, name, draft)
            if not folder.exists():
                shutil.copytree(draft, part := Path(f"{draft}.done"))
                try:
                    part.rename(folder)
                except OSError:  # it is there by now
                    shutil.rmtree(part)
        return folder


def refuse_missing(uri: str) -> None:
    """Raise BenchError for a SQLite store that is not there: MLflow would make one."""
    if uri.startswith("sqlite:///") and not Path(path := uri.removeprefix("sqlite:///")).is_file():
        raise BenchError(f"store {uri}: there is no file {path}; give the URI of an MLflow store that has runs")


def _place(one: LoggedRun) -> Place | None:
    run_id = str(one.info.run_id)
    if not re.fullmatch(r"[0-9a-f]{32}", run_id):
        return None
    return Place(run_id, str(one.info.artifact_uri), one.data.tags[KEY], float(one.data.metrics.get(LOGGED, 0.0)))
