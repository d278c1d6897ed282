"""A suite's runs under one parent in MLflow, which begins with the earliest of them and ends with the latest.

The parent is brought up to date with each run, before the run itself is logged: whatever ends a sweep, it stands there as of
the last one. It is found again by its suite, model and seed, as the one that holds no other run of the same task, so a suite
that is resumed, or logged later by `bench sync`, goes on under it. MLflow cannot change when a run began; where a run turns up
that is earlier than all others, a new parent takes the old one's place.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.record import Run
from bench.runs.identity import fingerprint
from bench.tracking import times
from bench.tracking.fields import name as field_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

PARENT = "mlflow.parentRunId"
_SUITE = "finai_bench.suite"  # the parent's tag by which it is found again
_WAY = "finai_bench.way"  # the parent's tag that tells suites apart whose runs were asked otherwise
_RUN = "finai_bench.run_of."  # begins the parent's tags, one a task, that say which run of the task it holds
_SECONDS = ".seconds"  # ends the parent's metrics, one a task, that say how long the run worked


def of_record(run: Run) -> str:
    """The suite that asked for the run, "" for none, and for a run that somebody else made."""
    suite = run.config.get("suite")
    return str(suite.get("name") or "") if isinstance(suite, Mapping) and not run.origin else ""


def settled(client: MlflowClient, experiment: str, name: str, run: Run) -> str:
    """The id of the parent of this run in the suite `name`, whose experiment is given; with the run's score and times."""
    from mlflow.entities import Metric, RunTag

    start, end = times.span(run)
    found = _parent(client, experiment, name, run)
    if found is not None:
        start, end = min(start, found.info.start_time), max(end, found.info.end_time or end)
    metrics = (dict(found.data.metrics) if found else {}) | _metrics(run)
    work = sum(seconds for name, seconds in metrics.items() if name.endswith(_SECONDS))
    metrics |= {"time.seconds.total": work, "time.seconds.paused": max(0.0, (end - start) / 1000 - work)}
    tags = {"model": run.model, "suite": name, "seed": str(run.seed), "mlflow.source.name": "bench run"}
    tags |= {_SUITE: _key(name, run), _WAY: (found.data.tags.get(_WAY) if found else None) or _way(run)}
    tags |= {key: value for key, value in (found.data.tags.items() if found else ()) if key.startswith(_RUN)}
    tags |= {_RUN + run.task: f"v{run.task_version} {_digest(run)}"}
    if found is None or found.info.start_time != start:
        parent = str(client.create_run(experiment, run_name=run.model, tags=tags, start_time=start).info.run_id)
    else:
        parent = str(found.info.run_id)
    now = int(time.time() * 1000)
    known = found.data.metrics if found is not None and found.info.run_id == parent else {}
    client.log_batch(
        parent,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items() if known.get(name) != value],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    client.set_terminated(parent, end_time=end)
    if found is not None and parent != found.info.run_id:
        _replace(client, found, parent)
    return parent


def adopt(client: MlflowClient, run_id: str, parent: str, suite: str) -> None:
    """Put a run that was logged before below the parent, unless another suite has it."""
    tags = client.get_run(run_id).data.tags
    before = tags.get(PARENT, "")
    if before == parent:
        return
    if before:
        other = client.get_run(before)
        if other.info.lifecycle_stage != "deleted" and other.data.tags.get("suite") != suite:
            return
    client.set_tag(run_id, PARENT, parent)
    if before and other.info.lifecycle_stage != "deleted" and _SUITE not in other.data.tags:
        client.delete_run(before)  # of an earlier version, whose time was that of a whole sweep


def _parent(client: MlflowClient, experiment: str, name: str, run: Run) -> LoggedRun | None:
    """The parent that has this run, else one that has no run of its task: the latest that was asked alike, or the latest."""
    where = f"tags.`{_SUITE}` = '{_key(name, run)}'"
    found: Sequence[LoggedRun] = client.search_runs([experiment], where, max_results=1000)
    mine = f"v{run.task_version} {_digest(run)}"
    free = [one for one in found if _RUN + run.task not in one.data.tags]
    free.sort(key=lambda one: one.data.tags.get(_WAY) != _way(run))  # those that were asked alike come first
    held = [one for one in found if one.data.tags.get(_RUN + run.task) == mine]
    return next(iter([*held, *free]), None)


def _replace(client: MlflowClient, old: LoggedRun, parent: str) -> None:
    """Give the runs below the old parent the new one, and delete the old."""
    for key, value in old.data.tags.items():
        if not key.startswith(_RUN):
            continue
        board = client.get_experiment_by_name(f"{key.removeprefix(_RUN)} {value.partition(' ')[0]}")
        below = f"tags.`{PARENT}` = '{old.info.run_id}'"
        for child in client.search_runs([board.experiment_id], below) if board else ():
            client.set_tag(child.info.run_id, PARENT, parent)
    client.delete_run(old.info.run_id)


def _metrics(run: Run) -> dict[str, float]:
    """The score that ranks, its bounds, and the seconds at work, as a parent has them."""
    score = run.scores[0]
    name = field_name(f"{run.task}.{score.metric}")
    found = {name: score.value, f"{name}.low": score.low, f"{name}.high": score.high}
    found |= {f"{run.task}{_SECONDS}": times.at_work(run)}
    return {key: float(value) for key, value in found.items() if value is not None}


def _digest(run: Run) -> str:
    """Which run it is, also after it was scored again."""
    return fingerprint([run.run_id, run.created])[:12]


def _way(run: Run) -> str:
    """What the runs of one suite mostly have in common, and those of another command do not."""
    suite = run.config.get("suite")
    limits = suite.get("limits") if isinstance(suite, Mapping) else None
    cut = limits.get(run.task) if isinstance(limits, Mapping) else None  # the suite's own, which differs by task
    settings = [run.config.get(name) for name in ("shots", "batch_size", "batch_tokens", "audit")]
    device = [run.environment.get(name) for name in ("device", "dtype")]
    return fingerprint([None if run.limit == cut else run.limit, *device, *settings])[:12]


def _key(name: str, run: Run) -> str:
    """What all parents of this suite, model and seed have in common."""
    return fingerprint([name, run.model, run.seed])[:32]
