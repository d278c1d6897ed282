"""A suite's runs under one parent in MLflow, which begins with the earliest of them and ends with the latest.

The parent is brought up to date with each run, before the run itself is logged: whatever ends a sweep, it stands there as of
the last one. It is found again by its suite, model and seed, as the one that holds no other run of the same task, so a suite
that is resumed, or logged later by `bench sync`, goes on under it. MLflow cannot change when a run began; where a run turns up
that is earlier than all others, a new parent takes the old one's place.

Processes that log runs of one suite at once may each make a parent. So each looks again when its run is logged (`kept`): of
parents that go together the first stays, and gets the runs of the others, which are deleted. Their order never changes, so all keep
the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.record import Run
from bench.runs.identity import fingerprint
from bench.tracking import clock, times
from bench.tracking.begun import FINISHED, begun, delete, drop, is_gone, signed
from bench.tracking.fields import name as field_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

PARENT = "mlflow.parentRunId"
SUITE = "finai_bench.suite"  # the parent's tag by which it is found again
_WAY = "finai_bench.way"  # the parent's tag that tells suites apart whose runs were asked otherwise
_RUN = "finai_bench.run_of."  # begins the parent's tags, one a task, that say which run of the task it holds
_TOTAL = "time.seconds.total"
_LOOKS = 5  # at a parent that other processes are changing; each leaves it right, or sees what the others have done
_SECONDS = ".seconds"  # ends the parent's metrics, one a task, that say how long the run worked


def of_record(run: Run) -> str:
    """The suite that asked for the run, "" for none, and for a run that somebody else made."""
    suite = run.config.get("suite")
    return str(suite.get("name") or "") if isinstance(suite, Mapping) and not run.origin else ""


def settled(client: MlflowClient, experiment: str, name: str, run: Run) -> str:
    """The id of the parent of this run in the suite `name`, whose experiment is given; with the run's score and times."""
    from mlflow.entities import Metric, RunTag

    group = _group(client, experiment, name, run)
    start, end = times.span(run)
    start, end = (
        min([start, *(one.info.start_time for one in group)]),
        max([end, *(one.info.end_time or end for one in group)]),
    )
    metrics = _merged([one.data.metrics for one in group]) | _metrics(run)
    metrics |= {_TOTAL: (work := _work(metrics)), "time.seconds.paused": max(0.0, (end - start) / 1000 - work)}
    held = _merged([one.data.tags for one in group])
    tags = {"model": run.model, "suite": name, "seed": str(run.seed), "mlflow.source.name": "bench run"}
    tags |= {SUITE: _key(name, run), _WAY: held.get(_WAY) or _way(run)}
    tags |= {key: value for key, value in held.items() if key.startswith(_RUN)} | {_RUN + run.task: _mine(run)}
    first = group[0] if group and group[0].info.start_time == start else None
    if first is None:
        made = client.create_run(
            experiment, run_name=run.model, tags=tags | signed(clock.now(client)), start_time=start
        )
    parent = str((first or made).info.run_id)
    now, known = int(clock.now(client)), first.data.metrics if first else {}
    client.log_batch(
        parent,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items() if known.get(name) != value],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    client.set_terminated(parent, end_time=end)
    for one in group:
        if one.info.run_id != parent:
            _replace(client, one, parent)
    return parent


def kept(client: MlflowClient, experiment: str, name: str, run: Run, parent: str) -> str:
    """The parent that stays, which has the run: this one, unless another process has made or deleted one in between."""
    for _ in range(_LOOKS):
        group = _group(client, experiment, name, run)
        if [str(one.info.run_id) for one in group] == [parent] and _has(group[0], run):
            break
        parent = settled(client, experiment, name, run)
    return parent


def adopt(client: MlflowClient, run_id: str, parent: str, suite: str) -> None:
    """Put a run that was logged before below the parent, unless another suite has it."""
    before = client.get_run(run_id).data.tags.get(PARENT, "")
    if before == parent:
        return
    other = _active(client, before) if before else None
    if other is not None and other.data.tags.get("suite") != suite:
        return
    client.set_tag(run_id, PARENT, parent)
    if other is not None and SUITE not in other.data.tags:
        delete(client, before)  # of an earlier version, whose time was that of a whole sweep


def _active(client: MlflowClient, run_id: str) -> LoggedRun | None:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return None if is_gone(found) else found


def _group(client: MlflowClient, experiment: str, name: str, run: Run) -> list[LoggedRun]:
    """The parents that go together and have this run, or could have it, in the order in which they stay; halves are deleted.

    With the run goes the parent that has it, else one that has no run of its task: the latest that was asked alike, or the latest.
    With a parent go those that were asked alike and have no other run of any of its tasks: they were made at once.
    """
    where = f"tags.`{SUITE}` = '{_key(name, run)}'"
    found: list[LoggedRun] = []
    for one in client.search_runs([experiment], where, max_results=1000):
        if one.info.status == FINISHED:
            found.append(one)
        else:
            drop(client, one)
    free = [one for one in found if _RUN + run.task not in one.data.tags]
    free.sort(key=lambda one: one.data.tags.get(_WAY) != _way(run))  # those that were asked alike come first
    held = [one for one in found if one.data.tags.get(_RUN + run.task) == _mine(run)]
    chosen = next(iter([*held, *free]), None)
    alike = [one for one in found if chosen is not None and one.data.tags.get(_WAY) == chosen.data.tags.get(_WAY)]
    groups: list[list[LoggedRun]] = []
    for one in sorted(alike, key=lambda one: (one.info.start_time, *begun(one))):
        for group in groups:
            if not _differ(_merged([other.data.tags for other in group]), one.data.tags):
                group.append(one)
                break
        else:
            groups.append([one])
    return next((group for group in groups if any(one is chosen for one in group)), [])


def _differ(tags: Mapping[str, str], others: Mapping[str, str]) -> bool:
    """Whether two parents have different runs of one task."""
    return any(tags.get(key, value) != value for key, value in others.items() if key.startswith(_RUN))


def _has(parent: LoggedRun, run: Run) -> bool:
    """Whether a parent says all of this run, and what it says of all its runs is of those that it has now."""
    start, end = times.span(run)
    metrics = parent.data.metrics
    inside = parent.info.start_time <= start and end <= (parent.info.end_time or 0)
    said = parent.data.tags.get(_RUN + run.task) == _mine(run) and all(
        metrics.get(name) == value for name, value in _metrics(run).items()
    )
    return inside and said and abs(metrics.get(_TOTAL, 0.0) - _work(metrics)) < 1e-6


def _work(metrics: Mapping[str, float]) -> float:
    return sum(seconds for name, seconds in sorted(metrics.items()) if name.endswith(_SECONDS))


def _merged(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several as one; of two that say the same thing the earlier counts."""
    return {name: value for one in reversed(found) for name, value in one.items()}


def _replace(client: MlflowClient, old: LoggedRun, parent: str) -> None:
    """Give the runs below the old parent the new one, and delete the old."""
    for key, value in old.data.tags.items():
        if not key.startswith(_RUN):
            continue
        board = client.get_experiment_by_name(f"{key.removeprefix(_RUN)} {value.partition(' ')[0]}")
        below = f"tags.`{PARENT}` = '{old.info.run_id}'"
        for child in client.search_runs([board.experiment_id], below) if board else ():
            client.set_tag(child.info.run_id, PARENT, parent)
    delete(client, str(old.info.run_id))


def _mine(run: Run) -> str:
    """What the tag of a parent says of its run of a task."""
    return f"v{run.task_version} {_digest(run)}"


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
