"""How MLflow's own pages show an experiment: as runs of models, with a view that has the ranked score, its bounds and the time.

By itself its table of runs shows name, time, data, duration, source and models, whatever the metrics are called: those are chosen
by whoever looks, in the browser, or by a view that is saved as a tag of the experiment and stands under "Views" (MLflow 3.17). No
view opens by itself, so the experiment's description links to this one. The kind of an experiment is a tag as well; where MLflow's
sidebar has a switch between generative AI and model training, the browser's choice comes before it, and the link sets that too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.tracking.races import retried
from bench.types import Json

if TYPE_CHECKING:
    from mlflow import MlflowClient

KIND, MODELS = "mlflow.experimentKind", "custom_model_development"
VIEW = "finai-bench"  # its key in links
TAG = f"mlflow.sharedViewState.{VIEW}"
_TITLE = "Score and time"
_NOTE = "mlflow.note.content"
_ALWAYS = ("tags.`device`", "tags.`dtype`")


def marked(
    client: MlflowClient, experiment: str, tags: Mapping[str, str], columns: Sequence[str], order: str = ""
) -> dict[str, str]:
    """Give the experiment what it lacks: its kind, and a view of these metrics beside those that it has already.

    `order` is the metric by which the view sorts, with "-" before it where more is better. What a person has chosen stays. Returns
    the tags that were set.
    """
    wanted: dict[str, str] = {}
    kind = tags.get(KIND, "")
    if kind in ("", "no_inferred_type") or kind.endswith("_inferred"):
        wanted[KIND] = MODELS
    seen = _columns(tags.get(TAG, ""))
    metrics = [f"metrics.`{name}`" for name in columns]
    if not set(metrics) <= set(seen):
        wanted[TAG] = _view(list(dict.fromkeys([*(seen or _ALWAYS), *metrics])), order)
    if _NOTE not in tags:
        wanted[_NOTE] = (
            f"[{_TITLE}](#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW})"
        )
    for name, value in wanted.items():
        _set(client, experiment, name, value)
    return wanted


def _set(client: MlflowClient, experiment: str, name: str, value: str) -> None:
    """Set a tag; where another process has just set it for the first time, which the store takes for a fault, set it again."""
    retried(lambda: client.set_experiment_tag(experiment, name, value))


def _view(columns: Sequence[str], order: str) -> str:
    """A saved view as MLflow's page reads it: an envelope around the state of the table, which is JSON in it."""
    state: dict[str, Json] = {"selectedColumns": list(columns), "runsHiddenMode": "SHOW_ALL"}
    if order:
        state |= {"orderByKey": f"metrics.`{order.lstrip('-')}`", "orderByAsc": not order.startswith("-")}
    return json.dumps({"name": _TITLE, "createdAt": 1, "updatedAt": 1, "state": json.dumps(state)})


def _columns(tag: str) -> list[str]:
    """The columns of a saved view; [] for none, and for one that was saved in MLflow's packed form."""
    try:
        return [str(name) for name in json.loads(json.loads(tag)["state"])["selectedColumns"]]
    except (ValueError, TypeError, KeyError):
        return []
