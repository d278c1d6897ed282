"""A process that was launched for a part ends with the one that launched it, also where that is killed."""

from __future__ import annotations

import os
import signal
import threading
import time

LAUNCHED_BY = "BENCH_LAUNCHED_BY"  # the number of the process that launched this one
_EVERY_SECONDS = 0.25


def end_with_parent() -> None:
    """Interrupt this process, which keeps what it has answered, when the one that launched it has gone."""
    said = os.environ.pop(LAUNCHED_BY, "")
    if said.isdecimal():
        threading.Thread(target=_watch, args=(int(said),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
