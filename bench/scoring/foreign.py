"""A run whose task is another harness's: its metrics are means of what that harness measured of each sample.

Nothing of ours defines such a task, so its class is made from the record of a run that was imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bench.errors import BenchError
from bench.metrics.metric import Metric, Row
from bench.record import Run, Score
from bench.runs import measurements
from bench.runs.claimed import IMPORTED
from bench.task import Task
from bench.types import Example, Generate, Json, Prediction, Request

SAID_AND_MEASURED = ("said", "measured")  # the keys of an answer: what the model said, and {metric: value}
ONLY_PAIRED = "only_paired"  # in the configuration of a run of those examples of a task of ours that a log has
_TASK = "task"  # in it: the task's name there, for a run that is scored as the log says


def imported(run: Run) -> Mapping[str, Json]:
    """What a run that was made of another harness' log says of it; {} for any other run."""
    found = run.origin.get(IMPORTED)
    return found if isinstance(found, Mapping) else {}


def is_foreign(run: Run) -> bool:
    """Whether the run's scores are another harness' own, of a task that is none of ours."""
    return bool(imported(run).get(_TASK))


def refuse_figures(run: Run) -> None:
    """Raise BenchError for a run of a log that holds figures and no samples: there is nothing to pair."""
    if is_foreign(run) and measurements.FILE not in run.files:
        log = imported(run)
        raise BenchError(
            f"{run.task}/{run.model} ({run.run_id}) was imported from {log['file']}, which holds figures and no samples: nothing "
            "of it can be paired; it stands on boards alone"
        )


class ForeignTask(Task):
    """A task of another harness. An answer is {"said", "measured": {metric: value}}."""

    version = 1
    output = Generate
    normalises = False

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples

    def examples(self) -> Sequence[Example]:
        """All samples, in the order of the log."""
        return self._examples

    def request(self, example: Example) -> Request:
        """Nothing here asks it."""
        raise BenchError(f"task '{self.name}' is another harness' and cannot be asked here; run that harness")

    def answer(self, prediction: Prediction) -> Json:
        """What the log holds of the answer; nothing here reads a reply."""
        return prediction.answer

    def ideal(self, example: Example) -> Prediction:
        """Nothing here knows it."""
        raise BenchError(f"task '{self.name}' is another harness' and has no ideal answer here")


def class_of(run: Run) -> type[ForeignTask]:
    """The class of a run's task; raises BenchError for a run that is none of another harness."""
    if not is_foreign(run):
        raise BenchError(f"task '{run.task}' is not in conf/task; `bench list tasks` shows what is")
    return made(run.task, run.task_version, [_of_score(score) for score in run.scores])


def made(name: str, version: int, metrics: Sequence[Metric]) -> type[ForeignTask]:
    """A class of another harness' task of this name."""
    doc = f"The task {name} of another harness."
    return type(
        "ForeignTask",
        (ForeignTask,),
        {"__module__": __name__, "__doc__": doc, "name": name, "version": version, "metrics": tuple(metrics)},
    )


def metric(name: str, *, higher_is_better: bool, is_fraction: bool, signature: str = "") -> Metric:
    """The mean of a harness' measurements; of what is no fraction nobody knows the worst, so no sample may have failed."""
    worst, best = ((0.0,), (1.0,)) if higher_is_better else ((1.0,), (0.0,))
    return Metric(
        name, partial(_measured, name), worst=partial(_always, worst), best=partial(_always, best),
        higher_is_better=higher_is_better, is_fraction=is_fraction, signature=signature,
    )  # fmt: skip


def _of_score(score: Score) -> Metric:
    return metric(
        score.metric, higher_is_better=score.higher_is_better, is_fraction=score.is_fraction, signature=score.signature
    )


def _measured(name: str, target: Any, answer: Any) -> Row:
    return (float(answer["measured"][name]),)


def _always(row: Row, target: Any) -> Row:
    return row
