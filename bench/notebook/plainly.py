"""What the functions for a notebook do with errors, and one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.text import secrets
from bench.text.shown import terminal

_TURN = threading.RLock()  # who evaluates in this process; again within that, where a model of its own evaluates


@contextmanager
def plainly() -> Iterator[None]:
    """Raise what the command would say in one line as a BenchError with that line; what is a fault keeps its traceback."""
    from bench.commands.shared import faults

    try:
        yield
    except BenchError as error:
        error.args = (terminal(secrets.clean(str(error))),)
        raise
    except Exception as error:
        if line := faults.limit(error):
            raise BenchError(terminal(secrets.clean(line))) from error
        raise


@contextmanager
def turn(folder: Callable[[], Path]) -> Iterator[None]:
    """One evaluation of this process at a time: times, spans, seeds and logs are each of one run.

    Who comes meanwhile waits, unless it is for the very run that is under way (`folder` is asked for its place): that is refused.
    """
    from bench.logs.log import say
    from bench.runs.locks import holder, in_use

    if not _TURN.acquire(blocking=False):
        place = folder()
        if (owner := holder(place)) is not None:
            raise in_use(place, owner)
        say("another evaluation of this process is under way; this one waits for its end")
        _TURN.acquire()
    try:
        yield
    finally:
        _TURN.release()
