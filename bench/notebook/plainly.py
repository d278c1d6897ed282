"""What the functions for a notebook do with errors, and one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.errors import BenchError
from bench.text import secrets
from bench.text.asked import as_asked, in_python
from bench.text.shown import terminal

_TURN = threading.RLock()  # who evaluates in this process; again within that, where a model of its own evaluates


@contextmanager
def plainly() -> Iterator[None]:
    """Raise what the command would say in one line as a BenchError with that line; what is a fault keeps its traceback."""
    from bench.commands.shared import faults

    with in_python():
        try:
            yield
        except BenchError as error:
            error.args = (as_asked(terminal(secrets.clean(str(error)))),)
            raise
        except Exception as error:
            if line := faults.limit(error):
                raise BenchError(as_asked(terminal(secrets.clean(line)))) from error
            raise


@contextmanager
def turn() -> Iterator[None]:
    """One evaluation of this process at a time: times, spans, seeds and logs are each of one run. Who comes meanwhile waits."""
    from bench.logs.log import say

    if not _TURN.acquire(blocking=False):
        say("another evaluation of this process is under way; this one waits for its end")
        _TURN.acquire()
    try:
        yield
    finally:
        _TURN.release()
