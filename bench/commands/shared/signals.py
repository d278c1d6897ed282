"""Ctrl-C, a polite end (SIGTERM) and a terminal that goes away (SIGHUP) are one interruption, however many of them come at once."""

from __future__ import annotations

import signal
import time
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TOGETHER = 2.0  # seconds in which what comes is of the same interruption: what was begun to be put away is put away
_ended = float("-inf")  # when the last one came


def interruptible() -> None:
    """Raise KeyboardInterrupt in the main thread for each of these signals that is not ignored, as `nohup` does with one."""
    for kind in _SIGNALS:
        if signal.getsignal(kind) != signal.SIG_IGN:
            signal.signal(kind, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _ended  # of the process, as its signals are
    now = time.monotonic()
    if now - _ended < _TOGETHER:
        return
    _ended = now
    raise KeyboardInterrupt
