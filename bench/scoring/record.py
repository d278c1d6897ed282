"""What a run stands on, and the one place that makes its record."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.metrics.metric import AnyMetric
from bench.models.base import Device
from bench.record import Run
from bench.runs import environment, measurements
from bench.runs.code import code_of
from bench.runs.folder import RunFolder
from bench.runs.settings import Settings
from bench.scoring.foreign import ForeignTask
from bench.scoring.measure import Measured
from bench.scoring.source import scorer_of
from bench.task import Task
from bench.types import Example, Json


@dataclass(frozen=True)
class Basis:
    """What a run stands on: its task and examples, what was asked, whose answers they are, and what computes them.

    `data` is the fingerprint of the examples, `asked` the digest of the requests, `code` what is known of outside modules;
    `environment` is where its answers were computed, {} for this machine.
    """

    task: Task
    examples: Sequence[Example]
    settings: Settings
    data: str
    asked: str
    model: str
    revision: str
    device: Device
    weights_sha256: str = ""
    is_reference: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Json] = field(default_factory=dict)

    def measured(self, folder: RunFolder, found: Measured) -> Measured:
        """Write the measurements, if there are any; what is left to be recorded."""
        if found.rows is not None:
            measurements.write(folder.path, found.rows)
        return found._replace(rows=None)

    def _environment(self) -> dict[str, Json]:
        """This machine's, or that of the parts with the names and threads of their devices; kind and precision are the run's."""
        of_parts = {name: self.environment[name] for name in ("device_name", "threads") if name in self.environment}
        return {**(self.environment or environment.describe()), **self.device.describe(), **of_parts}

    def finish(self, folder: RunFolder, found: Measured, timings: Mapping[str, Json], **more: Any) -> Run:
        """Write the measurements and the record; from now on the run is complete. `more` are fields that only some runs have."""
        scores, _, endings = self.measured(folder, found)
        return folder.finish(
            Run(
                run_id=folder.path.name, task=self.task.name, task_version=self.task.version, model=self.model,
                model_revision=self.revision, weights_sha256=self.weights_sha256, is_reference=self.is_reference,
                data_fingerprint=self.data, n_examples=len(self.examples), limit=self.settings.limit, seed=self.settings.seed,
                resamples=self.settings.resamples, scores=tuple(scores), timings=timings,
                environment=self._environment(),
                config=self.settings.config, created=now(),
                asked=self.asked, data_files=self.files, code=code_of(modules_of_task(self.task)) | dict(self.code),
                libraries=self.libraries, scorer={} if isinstance(self.task, ForeignTask) else scorer_of(self.task),
                answers=endings.record(generates=not self.is_reference), **more,
            )
        )  # fmt: skip


def rescored(run: Run, task: Task, folder: RunFolder, scored: Measured, resamples: int) -> Run:
    """The record with scores that today's parser and metrics made; those of before go into its history."""
    scores, rows, endings = scored
    before = {
        "created": run.history[-1]["replaced"] if run.history else run.created, "replaced": now(), "scorer": run.scorer,
        "resamples": run.resamples, "scores": [vars(score) for score in run.scores],
    }  # fmt: skip
    if rows is not None:
        measurements.write(folder.path, rows)
    return folder.finish(
        replace(
            run, scores=tuple(scores), scorer=scorer_of(task), resamples=resamples, history=(*run.history, before),
            code={**run.code, **code_of(modules_of_task(task))}, answers=endings.record(generates=not run.is_reference),
        )
    )  # fmt: skip


def now() -> str:
    """The time, in UTC, as records have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def modules_of_task(task: Task) -> set[str]:
    """The modules that a task and its metrics are defined in."""
    return {cls.__module__ for cls in type(task).__mro__} | {name for one in task.metrics for name in _modules(one)}


def _modules(metric: AnyMetric) -> set[str]:
    found = [getattr(value, "func", value) for value in vars(metric).values() if callable(value)]
    return {str(one.__module__) for one in found if getattr(one, "__module__", None)}
