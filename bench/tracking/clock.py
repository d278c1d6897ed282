"""What time it is for a store: by its server's clock, since what was logged on one machine is looked for on another.

A machine whose clock is hours behind would else log runs that no board sees, since a board asks for what was logged after the last.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.tracking.rest import Odd, Rest

if TYPE_CHECKING:
    from mlflow import MlflowClient

_AGREES = 10_000.0  # milliseconds: a server says whole seconds, and its answer takes a while
_ahead: dict[str, float] = {}  # milliseconds by which the clock of a store's server is ahead of ours


def now(client: MlflowClient) -> float:
    """Milliseconds since 1970 by the clock of the store's server; by our own where it is a database, or does not say.

    The server is asked once a process, behind an answer of the store: one that is down costs no second wait.
    """
    uri = str(client.tracking_uri)
    if uri not in _ahead:
        _ahead[uri] = _difference(uri)
    return float(round(time.time() * 1000 + _ahead[uri]))


def _difference(uri: str) -> float:
    try:
        there = Rest(uri).clock()
    except Odd:
        return 0.0
    found = there - time.time() * 1000 if there else 0.0
    return found if abs(found) > _AGREES else 0.0
