"""Dialogues as wholes: one counts where each of its turns does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.metrics.metric import Array, RankedMetric, Row


def whole_dialogues(
    name: str, measure: Callable[[Any, Any], float], *, key: str = "dialogue", signature: str = ""
) -> RankedMetric:
    """The share of dialogues whose turns are all right, in [0, 1]; `measure(target, answer)` is 1 where a turn is.

    Targets name their dialogue under `key`. A failed turn makes its dialogue wrong. A dialogue counts as often as its turns were
    drawn on average: intervals draw dialogues whole.
    """

    def row(target: Mapping[str, Any], right: float) -> Row:
        return _number(str(target[key])), float(right)

    def summarise(rows: Array, weights: Array) -> Array:
        _, which = np.unique(rows[:, 0], return_inverse=True)
        order = np.argsort(which, kind="stable")
        starts = np.flatnonzero(np.diff(which[order], prepend=-1))
        wrong = np.add.reduceat(
            weights[:, order] * (rows[order, 1] < 1.0), starts, axis=1
        )  # turns that were not drawn do not count
        times = np.add.reduceat(weights[:, order], starts, axis=1) / np.diff(starts, append=len(order))
        total = times.sum(axis=1)
        return np.asarray((times * (wrong == 0)).sum(axis=1) / np.where(total > 0, total, 1.0))

    return RankedMetric(
        name,
        measure=lambda target, answer: row(target, measure(target, answer)),
        summarise=summarise,
        worst=lambda target: row(target, 0.0),
        best=lambda target: row(target, 1.0),
        signature=signature or "all turns right",
    )


def _number(key: str) -> float:
    """A dialogue's name as a number that a row can hold: 48 bits of its digest."""
    return float(int(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12], 16))
