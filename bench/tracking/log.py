"""Runs into MLflow: one experiment a board, one MLflow run a Run, nested under its suite's.

A run is logged once, whoever logs it and from wherever: its key is made of what the run is and scored, not of where it lies. Of
several of one key one stays (see `begun`), and what another process spoils in passing is done again (see `races`).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.logs.log import say
from bench.record import Run
from bench.runs import readings
from bench.runs.folder import ARTIFACTS, RECORD
from bench.text.secret_urls import public_url
from bench.text.secrets import places, withheld
from bench.timing.summary import FOLDER
from bench.tracking import carried, clock, mark, models, remedies, suites, times, views
from bench.tracking.begun import is_gone, is_new, settled, signed
from bench.tracking.fields import FILES, KEY, LOGGED, LONGEST_TAG, is_of, key_of, metrics, params
from bench.tracking.fields import name as field_name
from bench.tracking.fields import tags as tags_of
from bench.tracking.races import TRIES, is_unreachable, retried
from bench.tracking.store import (
    DeletedExperiment,
    ForbiddenExperiment,
    StoreError,
    connect,
    default_uri,
    is_database,
    store_errors,
)
from bench.tracking.turn import turn

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Experiment


@dataclass(frozen=True)
class Logged:
    """Where a run is in MLflow; `made` says that this call has put it there."""

    uri: str
    run_id: str
    made: bool = field(default=True, compare=False)


def update(folder: Path, run: Run, runs_dir: Path) -> None:
    """Give a run that was scored again, or measured, what is new in the store that its mark names; nothing where there is no mark.

    Raises StoreError where that store cannot be reached: `bench sync` does it later.
    """
    marked = mark.read(folder)
    if marked is None:
        return
    whole = os.environ.get("MLFLOW_TRACKING_URI", "")
    uri = whole if mark.is_store(marked.uri, whole) else marked.uri  # the mark has no password
    Tracker(uri, runs_dir).log(run, folder)


class Tracker:
    """Logs complete runs to one store. Whatever the store raises becomes StoreError."""

    def __init__(self, uri: str, runs_dir: Path) -> None:
        # A database has no place for files of its own; MLflow would put them where the command happens to be started.
        self.uri, self.artifacts = uri, (runs_dir / ARTIFACTS).resolve().as_uri() if is_database(uri) else None
        self.client = connect(uri)
        self._runs_dir, self._told = runs_dir, False
        self._experiments: dict[str, tuple[str, dict[str, str], set[str]]] = {}
        self._models = models.Models(self.client)

    def log(self, run: Run, folder: Path, suite: str = "") -> Logged:
        """Log a complete run once: scores, bounds and timings as metrics, config as params, fingerprints as tags.

        Below the parents of the suites that asked for it: `suite`, that of its record, and those that had it before.
        """
        if held := next(places(run.config), ""):  # of a run that was made before records withheld it
            raise BenchError(
                f"{folder / RECORD} holds a secret in {held}, which the store would show; delete it, and run it again"
            )
        marked = mark.of_store(folder, self.uri)
        before = set(marked.suites) if marked else set()
        named = list(dict.fromkeys(filter(None, [suite, suites.of_record(run), *sorted(before)])))
        try:
            with store_errors(self.uri), turn(self.uri):
                run_id, made = retried(lambda: self._settled(run, folder, named), tries=TRIES)
        except StoreError as error:
            if (why := error.__cause__) is not None and remedies.is_forbidden(why):
                raise ForbiddenExperiment(self.uri, f"{run.task} v{run.task_version}", why) from why
            raise
        mark.write(folder, self.uri, run_id, named)
        return Logged(public_url(self.uri), run_id, made)

    def _settled(self, run: Run, folder: Path, named: Sequence[str]) -> tuple[str, bool]:
        """The id of the run below the parents of these suites, and whether it was made now; once more where a race was lost."""
        try:
            experiment = self._board(run)
            parents = {name: suites.settled(self.client, self._suite(name, run), name, run) for name in named}
            known = self._updated(run, folder)
            if known is None and not is_new(
                run
            ):  # else nobody else can know it: one look, after it was logged, is enough
                known = settled(self.client, experiment, key_of(run))
            first = next(iter(parents.values()), None)
            run_id, made = (known, False) if known else self._logged(run, folder, experiment, first)
            for name, parent in parents.items():
                kept = suites.kept(self.client, self._suite(name, run), name, run, parent)
                if name == named[0] and (known or kept != parent):
                    suites.adopt(self.client, run_id, kept, name)
        except Exception:
            self._experiments.clear()  # one that was deleted meanwhile is looked for again
            self._models.forget()
            raise
        return run_id, made

    def _board(self, run: Run) -> str:
        """The experiment of the run's board, with a view of its ranked score, the bounds of that, and the time per answer."""
        score = run.scores[0]
        name = field_name(score.metric)
        order = f"-{name}" if score.higher_is_better else name
        columns = (name, f"{name}.low", f"{name}.high", "time.seconds_per_answer")
        return self.experiment(f"{run.task} v{run.task_version}", columns, order)

    def _suite(self, name: str, run: Run) -> str:
        """The experiment of a suite, with a view of the score that each of its tasks ranks by, and the time of all."""
        columns = (field_name(f"{run.task}.{run.scores[0].metric}"), "time.seconds.total")
        return self.experiment(f"suite {name}", columns)

    def _updated(self, run: Run, folder: Path) -> str | None:
        """The run of a folder that was logged here, brought up to its record of now; None where this store has it not.

        A record changes where it is scored again, or gets a reading or an audit. What a metric was before stays in its history, a
        step for each time that it was scored.
        """
        from mlflow.entities import Metric, RunTag
        from mlflow.exceptions import MlflowException

        marked = mark.of_store(folder, self.uri)
        if marked is None:
            return None
        run_id = marked.run_id
        try:
            stored = self.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise  # the store did not say that it has not got the run
            return None
        if is_gone(stored) or not is_of(stored, run):  # the mark is that of another run's folder
            return None
        if mark.is_logged(folder, self.uri):
            return run_id
        now, step = int(clock.now(self.client)), len(run.history)
        found = {field_name(name): float(value) for name, value in metrics(run).items()}
        new = {name: value for name, value in found.items() if stored.data.metrics.get(name) != value}
        scored = [Metric(name, value, now, step) for name, value in new.items()]
        tags = {name: str(value)[:LONGEST_TAG] for name, value in tags_of(run).items()} | {KEY: key_of(run)}
        tags |= carried.tags(folder)
        self.client.log_batch(
            run_id,
            # The last says when, so that whoever reads the store asks for its files again.
            metrics=[
                *models.belonging(scored, models.of_logged(stored), _data(run)),
                Metric(LOGGED, float(now), now, step),
            ],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        self._log_files(run_id, folder)
        return run_id

    def _log_files(self, run_id: str, folder: Path) -> None:
        for name in FILES:
            if (folder / name).exists():
                self.client.log_artifact(run_id, str(folder / name))
        for name in readings.FILES:
            if (folder / name).exists():
                self.client.log_artifact(run_id, str(folder / name), FOLDER)

    def _logged(self, run: Run, folder: Path, experiment: str, parent: str | None) -> tuple[str, bool]:
        """The id of the run, and whether it is the one that was made here: another may have been begun before."""
        key = key_of(run)
        try:
            own = self._create(run, folder, experiment, {KEY: key}, parent)
        except Exception as error:
            # A process that had finished before deletes what was begun later: then its run is the one. And a half of ours goes.
            if not is_unreachable(error) and (found := settled(self.client, experiment, key)):
                return found, False
            raise
        if found := settled(self.client, experiment, key):
            return found, found == own
        raise StoreError(
            f"MLflow store {public_url(self.uri)} took run {run.run_id} and does not show it", "look at the store"
        )

    def _create(self, run: Run, folder: Path, experiment: str, tags: dict[str, str], parent: str | None) -> str:
        from mlflow.entities import Dataset as Data
        from mlflow.entities import DatasetInput, InputTag, Metric, Param

        # Tags given at once cost no second look at the run.
        tags |= {name: str(value)[:LONGEST_TAG] for name, value in tags_of(run).items()} | carried.tags(folder)
        at = clock.now(self.client)
        tags |= signed(at)
        tags |= {suites.PARENT: parent} if parent else {}
        start, now = times.span(run)
        model = self._models.of(experiment, run)
        created = self.client.create_run(experiment, run_name=run.model, tags=tags, start_time=start)
        run_id = str(created.info.run_id)
        scored = [Metric(field_name(name), float(value), now, 0) for name, value in metrics(run).items()]
        self.client.log_batch(
            run_id,
            # A search can ask for more than a number, not than a tag.
            metrics=[*models.belonging(scored, model, _data(run)), Metric(LOGGED, at, now, 0)],
            params=[Param(name, value) for name, value in params(replace(run, config=withheld(run.config))).items()],
        )
        name, digest = _data(run)
        data = Data(
            name=name, digest=digest, source_type="finai-bench",
            source=json.dumps({"task": run.task}), profile=json.dumps({"n_examples": run.n_examples}),
        )  # fmt: skip
        self._use(run_id, DatasetInput(data, [InputTag("mlflow.data.context", "evaluation")]), model)
        self._log_files(run_id, folder)
        self.client.set_terminated(run_id, end_time=now)
        return run_id

    def _use(self, run_id: str, data: DatasetInput, model: str | None) -> None:
        """Say which data and model the run used; a second try finds data where another process has made them in between."""
        from mlflow.entities import LoggedModelInput
        from mlflow.exceptions import MlflowException

        used = None if model is None else [LoggedModelInput(model)]
        try:
            self.client.log_inputs(run_id, datasets=[data], models=used)
        except MlflowException:
            self.client.log_inputs(run_id, datasets=[data], models=used)

    def experiment(self, name: str, columns: Sequence[str], order: str = "") -> str:
        """The experiment's id; it is made where it is not there, and marked for MLflow's pages once for each of the columns."""
        if name not in self._experiments:
            found = self._found(name) or self._made(name)
            self._tell_moved(str(found.artifact_location))
            self._experiments[name] = str(found.experiment_id), dict(found.tags), set[str]()
        experiment, tags, shown = self._experiments[name]
        if not shown.issuperset(columns):
            tags |= views.marked(self.client, experiment, tags, columns, order)
            shown.update(columns)
        return experiment

    def _tell_moved(self, place: str) -> None:
        """Say once where files of runs go if the runs directory was moved with its store, or copied: the store keeps the place."""
        is_own = self.artifacts is not None and self.uri == default_uri(self._runs_dir)
        if is_own and not self._told and place.startswith("file:") and place != self.artifacts:
            self._told = True
            say(
                f"MLflow store {public_url(self.uri)} was made where the runs directory was before, and puts the files of runs "
                f"there: {place}; move {self._runs_dir / 'mlflow.db'} away, and `bench sync` makes one for this place",
                logging.WARNING,
            )

    def _found(self, name: str) -> Experiment | None:
        """The experiment; raises DeletedExperiment for one that is there and takes no runs."""
        found = self.client.get_experiment_by_name(name)
        if found and found.lifecycle_stage == "deleted":
            raise DeletedExperiment(self.uri, name, str(found.experiment_id))
        return found

    def _made(self, name: str) -> Experiment:
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_experiment(self.client.create_experiment(name, artifact_location=self.artifacts))
        except MlflowException:
            if found := self._found(name):  # another process made it in between
                return found
            raise


def _data(run: Run) -> tuple[str, str]:
    """The name and digest by which MLflow knows the data of a run."""
    return run.task, run.data_fingerprint[:32]
