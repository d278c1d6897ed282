"""Which runs of ours a server holds, by MLflow's search: of what earlier boards saw only the changes are asked for."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.tracking import carried
from bench.tracking.fields import KEY, LOGGED
from bench.tracking.rest import Rest
from bench.tracking.seen import Place, Seen
from bench.types import Json

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

ID = re.compile(r"[0-9a-f]{32}")
_PAGE = 1000
_NAMED = 100  # runs that are asked for by their ids at once
_OURS = f"tags.`{KEY}` != '' and attributes.status = 'FINISHED'"
_SLACK = 600_000.0  # milliseconds: how far apart the clocks of two who log may be, and how long logging may take


def found(asks: Rest | ByClient, seen: Seen) -> tuple[list[Place], list[str]]:
    """The runs that there are, and the names of deleted experiments: asked for are those that were logged since the last time,
    those that are deleted, and those of experiments that were not there before.

    A run that was deleted and is no longer is restored, or gone for good: it is asked for by its id.
    """
    active = {one for one, _ in asks.experiments()}
    gone = [name for _, name in asks.experiments(deleted=True)]
    known = {name: one for name, one in seen.places.items() if one.experiment in active}
    # By the server's own clock, so that what was logged long before the last look is not asked for again.
    after = (seen.at or max((one.logged for one in known.values()), default=0.0)) - _SLACK
    old, new = sorted(active & seen.experiments), sorted(active - seen.experiments)
    late = f"{_OURS} and metrics.`{LOGGED}` > {after}"
    searches: list[tuple[list[str], str, bool]] = [([one], _OURS, False) for one in new]
    searches += [(old, late, False), (sorted(active), _OURS, True)]
    answers = asks.at_once(lambda one: asks.runs(one[0], one[1], deleted=one[2]), searches)
    new_runs = [*itertools.chain.from_iterable(answers[:-1])]
    deleted = {one["info"]["run_id"]: one for one in answers[-1]}
    back = [name for name, one in known.items() if one.deleted and name not in deleted]
    for at in range(0, len(back), _NAMED):
        names = ", ".join(f"'{name}'" for name in back[at : at + _NAMED])
        new_runs += asks.runs(sorted(active), f"{_OURS} and attributes.run_id IN ({names})")
    for name in back:
        known.pop(name)
    tags: dict[str, str] = {}
    for one in (*new_runs, *deleted.values()):
        if place := _place(one, deleted=one["info"]["run_id"] in deleted):
            known[place.run_id] = place
            own = {tag["key"]: tag["value"] for tag in one["data"].get("tags", ()) if tag["key"] in carried.NAMES}
            tags |= {place.run_id: json.dumps(own)} if own and (not place.local or place.is_away) else {}
    seen.keep(known, active, tags, asks.now)
    return [one for one in known.values() if not one.deleted], gone


def _place(one: Json, *, deleted: bool) -> Place | None:
    info, data = one["info"], one["data"]
    run_id = str(info["run_id"])
    if not ID.fullmatch(run_id):
        return None
    key = next(tag["value"] for tag in data["tags"] if tag["key"] == KEY)
    logged = next((metric["value"] for metric in data.get("metrics", ()) if metric["key"] == LOGGED), 0.0)
    return Place(run_id, str(info["artifact_uri"]), str(key), float(logged), str(info["experiment_id"]), deleted)


class ByClient:
    """The same questions as `Rest` answers, by MLflow's client."""

    now = 0.0  # it does not show the server's clock

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def experiments(self, *, deleted: bool = False) -> list[tuple[str, str]]:
        """The ids and names of the experiments that are active, or of those that were deleted."""
        from mlflow.entities import ViewType

        view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
        found = paged(lambda token: self._client.search_experiments(view, max_results=_PAGE, page_token=token))
        return [(str(one.experiment_id), str(one.name)) for one in found]

    def runs(self, experiments: Sequence[str], where: str, *, deleted: bool = False) -> list[Json]:
        """The runs of these experiments that the filter takes, as the API has them."""
        from mlflow.entities import ViewType

        if not experiments:
            return []
        view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
        found = paged(lambda token: self._client.search_runs([*experiments], where, view, _PAGE, page_token=token))
        return [_plain(one) for one in found]

    def at_once(self, act: Callable[..., Json], given: Sequence[Any]) -> list[Json]:
        """What `act` makes of each, one after the other."""
        return [act(one) for one in given]


def paged(ask: Callable[[str | None], Any]) -> Iterator[Any]:
    """What `ask` gives, page by page."""
    token = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def _plain(one: LoggedRun) -> Json:
    """What the API says of a run, as far as it is read here."""
    names = {KEY, *carried.NAMES}
    return {
        "info": {
            "run_id": one.info.run_id,
            "artifact_uri": one.info.artifact_uri,
            "experiment_id": one.info.experiment_id,
        },
        "data": {
            "tags": [{"key": name, "value": text} for name, text in one.data.tags.items() if name in names],
            "metrics": [{"key": LOGGED, "value": one.data.metrics.get(LOGGED, 0.0)}],
        },
    }
