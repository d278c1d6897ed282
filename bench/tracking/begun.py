"""Who has begun to log a run, and when, so that another process can tell whether somebody will finish it."""

from __future__ import annotations

import datetime
import functools
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.record import Run
from bench.runs.identity import fingerprint
from bench.tracking.fields import LOGGED

if TYPE_CHECKING:
    from mlflow.entities import Run as LoggedRun

BY = "finai_bench.by"  # the tag that says which process logs it, so that another can tell whether it is gone
_PATIENCE_SECONDS = 3600.0  # for a process elsewhere that has begun to log a run


def is_new(run: Run) -> bool:
    """Whether the run was made just now, so that no other store or process can know it."""
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(run.created)
    return datetime.timedelta(0) <= age < datetime.timedelta(seconds=30)


def begun(one: LoggedRun) -> tuple[float, str]:
    """The order in which runs were begun; of two at once the lesser id is first."""
    return float(one.data.tags.get(LOGGED, 0)), str(one.info.run_id)


def is_abandoned(one: LoggedRun) -> bool:
    """Whether nobody will finish an unfinished run: its process is gone, or is this one, or it has been at it too long."""
    where, _, pid = one.data.tags.get(BY, "").partition(" ")
    if where == machine() and pid.isdigit():
        return int(pid) == os.getpid() or not _runs(int(pid))
    return time.time() - begun(one)[0] / 1000 > _PATIENCE_SECONDS


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@functools.cache
def machine() -> str:
    """A name for this machine since it was started, that tells nothing about it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        boot = ""
    return fingerprint([socket.gethostname(), boot])[:12]
