"""Models in MLflow: an external one for each revision of which a board has runs, so that MLflow's own pages compare models.

MLflow keeps a model in one experiment, and so in one board. It holds no files: weights stay where they are. Of those that processes
make at once the one that was ready first stays, and whoever made another deletes it. Each is announced (pending) before it takes
its place in line, the time at which it is made ready, and who looks waits for those that are announced: who is not seen yet comes
later. When it was created says nothing: MLflow reads that clock before others can see the model.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.logs.log import say
from bench.record import Run
from bench.runs.identity import fingerprint
from bench.text.secrets import withheld
from bench.tracking.fields import flat
from bench.tracking.fields import name as field_name
from bench.tracking.remedies import is_forbidden

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Metric
    from mlflow.entities import Run as LoggedRun

KEY = "finai_bench.model"  # the tag by which a model is found again
_EXTERNAL = "mlflow.model.isExternal"  # as `mlflow.create_external_model` marks it
_ANNOUNCED_SECONDS, _MOMENT = 5.0, 0.05  # between a model's being made and its being ready lies one request
_LONGEST = 250  # characters of a parameter's value
_NO_SIGNS = str.maketrans(dict.fromkeys("/:.%\"'", "_"))  # which MLflow takes in no name of a model


class Models:
    """The models of one store, each looked for once."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], str] = {}
        self._has_none = False

    def of(self, experiment: str, run: Run) -> str | None:
        """The id of the run's model on its board, made where it is not there; None, and a line, of a server that has no models."""
        from mlflow.exceptions import MlflowException

        key = key_of(run)
        if (experiment, key) not in self._known and not self._has_none:
            try:
                self._known[experiment, key] = self._found(experiment, key) or self._made(experiment, key, run)
            except MlflowException as error:
                if not _is_unknown(error):
                    raise
                self._has_none = True
                say("MLflow's server is of a version without models of their own; runs are logged without them")
        return self._known.get((experiment, key))

    def _found(self, experiment: str, key: str, wait: float = 0.0) -> str | None:
        """The model that was ready first; those that are announced have so many seconds to be: one may be of a killed process."""
        until = time.monotonic() + wait
        while True:
            found = self._client.search_logged_models([experiment], f"tags.`{KEY}` = '{key}'", max_results=100)
            ready = [one for one in found if str(one.status) == "READY"]
            if len(ready) == len(found) or time.monotonic() >= until:
                return min(((one.last_updated_timestamp, str(one.model_id)) for one in ready), default=(0, None))[1]
            time.sleep(_MOMENT)

    def _made(self, experiment: str, key: str, run: Run) -> str:
        made: LoggedModel = self._client.create_logged_model(
            experiment, name=run.model.translate(_NO_SIGNS)[:200], tags={KEY: key, _EXTERNAL: "true"},
            params={name: str(value)[:_LONGEST] for name, value in _about(run).items()}, model_type=run.task,
        )  # fmt: skip
        own = str(made.model_id)
        self._client.finalize_logged_model(own, "READY")  # it has no files that are to come
        if (first := self._found(experiment, key, _ANNOUNCED_SECONDS)) not in (own, None):
            self._drop(own)
        return first or own

    def _drop(self, model: str) -> None:
        """Delete a model that came second; it stays, without a run, where whoever logs may not delete."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.delete_logged_model(model)
        except MlflowException as error:
            if not is_forbidden(error):
                raise

    def forget(self) -> None:
        """Look for each again: one may have been deleted."""
        self._known.clear()


def key_of(run: Run) -> str:
    """What makes two runs those of one model: its name, revision, weights and configuration."""
    return fingerprint([run.model, run.model_revision, run.weights_sha256, withheld(run.config).get("model")])[:32]


def belonging(metrics: list[Metric], model: str | None, data: tuple[str, str]) -> list[Metric]:
    """The metrics as those of a model on these data, by name and digest; as they are without a model."""
    from mlflow.entities import Metric as Linked

    if model is None:
        return metrics
    name, digest = data
    return [
        Linked(one.key, one.value, one.timestamp, one.step, model_id=model, dataset_name=name, dataset_digest=digest)
        for one in metrics
    ]


def of_logged(run: LoggedRun) -> str | None:
    """The id of the model of a run that was logged; None where it was logged without one."""
    found = run.inputs.model_inputs if run.inputs is not None else None
    return str(found[0].model_id) if found else None


def _about(run: Run) -> Mapping[str, object]:
    settings = withheld(run.config).get("model")
    found = {"revision": run.model_revision, "weights_sha256": run.weights_sha256}
    return found | {
        field_name(key): value for key, value in flat(settings if isinstance(settings, Mapping) else {}).items()
    }


def _is_unknown(error: Exception) -> bool:
    """Whether the server does not know the request, as one before MLflow 3."""
    said = str(error)
    return getattr(error, "error_code", "") in ("ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED") or (
        "logged-models" in said and ("error code 404" in said or "error code 405" in said)
    )
