"""Durations as texts."""

from __future__ import annotations

import math


def duration(value: float | None) -> str:
    """Seconds with their unit, "–" for none.

    >>> [duration(x) for x in (None, 0.0123, 0.5, 123.4)]
    ['–', '12.3 ms', '0.50 s', '123.4 s']
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.1f} s" if value >= 10 else f"{value:.2f} s" if value >= 0.1 else f"{1000 * value:.3g} ms"
