"""What a store has of our runs: whether a mark still says the truth, and what is left there that nobody will finish."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.runs.folder import RECORD, read_run
from bench.tracking import begun, mark
from bench.tracking.fields import ID, KEY, is_of, key_of
from bench.tracking.races import retried
from bench.tracking.store import store_errors
from bench.tracking.suites import SUITE
from bench.tracking.turn import turn

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

_PAGE = 1000
LOGGED, MISSING, DELETED = "logged", "missing", "deleted"


class Held:
    """The runs of one store that have our tags, finished or not, and deleted ones too; asked for once, a thousand at a time."""

    def __init__(self, client: MlflowClient, uri: str) -> None:
        """Raises StoreError where the store cannot be asked."""
        self.client, self.uri = client, uri
        with store_errors(uri):
            self._experiments = [*self._all_experiments()]
            self._runs = {str(one.info.run_id): one for one in self._all_runs(KEY)}
        self._active = {one.data.tags[KEY] for one in self._runs.values() if _is_whole(one)}

    def state(self, folder: Path) -> str:
        """What became of a run that the folder's mark calls logged here: LOGGED, MISSING, or DELETED by a person.

        A run that gave way to another of its key is missing by its id alone: to log it again finds that other.
        """
        marked = mark.of_store(folder, self.uri)
        one = self._runs.get(marked.run_id) if marked else None
        if one is None:
            return MISSING
        is_active, named = not begun.is_gone(one), (folder.name, folder.parent.parent.name)
        if is_active and (one.data.tags.get(ID), one.data.tags.get("task")) == named:
            return LOGGED  # by its path; to read 10,000 records takes seconds
        try:
            run = read_run(folder / RECORD)
        except BenchError:  # a damaged record says nothing
            return LOGGED if is_active else DELETED
        if not is_of(one, run):  # the mark is that of another run's folder
            return MISSING
        if is_active:
            return LOGGED
        return MISSING if key_of(run) in self._active else DELETED

    def tidy(self) -> int:
        """Delete what was begun and never finished, and doubles; how many runs that were."""
        with store_errors(self.uri), turn(self.uri):
            return retried(self._tidied)

    def _tidied(self) -> int:
        active = [one for one in self._runs.values() if one.info.lifecycle_stage != "deleted"]
        halves = filter(_is_half, (*active, *self._all_runs(SUITE)))
        left = sum(begun.drop(self.client, one) for one in halves)
        of_key: dict[tuple[str, str], int] = {}
        for one in filter(_is_whole, active):
            place = str(one.info.experiment_id), one.data.tags[KEY]
            of_key[place] = of_key.get(place, 0) + 1
        for place, n in of_key.items():
            if n > 1:
                begun.settled(self.client, *place)
        return left + sum(n - 1 for n in of_key.values())

    def _all_experiments(self) -> Iterator[str]:
        from mlflow.entities import ViewType

        token = None
        while True:
            page = self.client.search_experiments(ViewType.ALL, max_results=_PAGE, page_token=token)
            yield from (str(one.experiment_id) for one in page)
            token = page.token
            if not token:
                return

    def _all_runs(self, tag: str) -> Iterator[LoggedRun]:
        from mlflow.entities import ViewType

        token = None
        while self._experiments:
            page = self.client.search_runs(
                self._experiments, f"tags.`{tag}` != ''", ViewType.ALL, _PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return


def _is_whole(one: LoggedRun) -> bool:
    return bool(one.info.lifecycle_stage != "deleted" and one.info.status == begun.FINISHED)


def _is_half(one: LoggedRun) -> bool:
    return bool(one.info.lifecycle_stage != "deleted" and one.info.status == "RUNNING")
