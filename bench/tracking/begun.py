"""Who has begun to log a run, and when; and of several of one key the one that stays.

MLflow has no unique keys, so two processes may both log a run that neither has seen. Each looks again when it has finished: the run
that was begun first stays, and whoever sees a later one beside it deletes that. Nobody deletes an earlier one, so never both; an
unfinished one only where the process that began it is gone.
"""

from __future__ import annotations

import datetime
import functools
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from bench.machine import lives
from bench.record import Run
from bench.runs.identity import fingerprint
from bench.tracking import clock
from bench.tracking.fields import KEY, LOGGED
from bench.tracking.remedies import is_forbidden

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

BY = "finai_bench.by"  # the tag that says which process logs it, so that another can tell whether it is gone
FINISHED = "FINISHED"
_GIVEN_UP = "KILLED"  # the state of a run that was to be deleted by somebody who may not: no board shows it
_PATIENCE_SECONDS = 3600.0  # for a process that has begun to log a run


def is_new(run: Run) -> bool:
    """Whether the run was made just now, so that no other store or process can know it."""
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(run.created)
    return datetime.timedelta(0) <= age < datetime.timedelta(seconds=30)


def signed(at: float) -> dict[str, str]:
    """The tags of what this process begins to log `at` this time, in milliseconds since 1970 by the clock of the store."""
    return {LOGGED: f"{at:.0f}", BY: f"{machine()} {os.getpid()}"}


def begun(one: LoggedRun) -> tuple[float, str]:
    """The order in which runs were begun; of two at once the lesser id is first."""
    return float(one.data.tags.get(LOGGED, 0)), str(one.info.run_id)


def is_abandoned(one: LoggedRun, now: float) -> bool:
    """Whether nobody will finish an unfinished run: its process is gone, or is this one, or it has been at it too long.

    `now` are milliseconds since 1970 by the clock of the store.
    """
    where, _, pid = one.data.tags.get(BY, "").partition(" ")
    if where == machine() and pid.isdigit() and (int(pid) == os.getpid() or not lives(int(pid))):
        return True  # a number that still runs may be another process by now, so the hour holds for it too
    return now - begun(one)[0] > 1000 * _PATIENCE_SECONDS


def is_gone(one: LoggedRun) -> bool:
    """Whether a run was deleted, or would have been if whoever logs might."""
    return bool(one.info.lifecycle_stage == "deleted" or one.info.status == _GIVEN_UP)


def settled(client: MlflowClient, experiment: str, key: str) -> str | None:
    """The finished run of this key that was begun first, None where there is none; later and abandoned ones are deleted."""
    found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=100)
    finished = min((begun(one) for one in found if one.info.status == FINISHED), default=None)
    for one in found:
        if finished is not None and begun(one) > finished:
            delete(client, str(one.info.run_id))
        elif one.info.status != FINISHED:
            drop(client, one)
    return finished[1] if finished else None


def drop(client: MlflowClient, one: LoggedRun) -> bool:
    """Delete an unfinished run if nobody will finish it; whether that was so.

    Its process may have finished it and ended since the store was asked: so it is asked again when that is gone.
    """
    run_id = str(one.info.run_id)
    if one.info.status == _GIVEN_UP:
        return False
    if not is_abandoned(one, clock.now(client)) or client.get_run(run_id).info.status == FINISHED:
        return False
    delete(client, run_id)
    return True


def delete(client: MlflowClient, run_id: str) -> None:
    """Delete a run that another process may be deleting too; end it for good where that needs a right that whoever asks lacks.

    MLflow's basic auth has runs deleted by who made their experiment, and edited by all who log there.
    """
    from mlflow.exceptions import MlflowException

    try:
        client.delete_run(run_id)
    except MlflowException as error:
        if client.get_run(run_id).info.lifecycle_stage == "deleted":
            return
        if not is_forbidden(error):
            raise
        client.update_run(run_id, status=_GIVEN_UP)


@functools.cache
def machine() -> str:
    """A name for this machine since it was started, that tells nothing about it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        boot = ""
    return fingerprint([socket.gethostname(), boot])[:12]
