"""Grounding: whether the numbers that a summary gives stand in the text that it is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bench.metrics.metric import Metric, Row
from bench.metrics.rouge import as_lines
from bench.text.quantities import Number, read_numbers

_SAME = 1e-9  # of the number itself: 1.82 billion and 1,820 million are one


def _read(text: str | Sequence[str]) -> list[Number]:
    # Line by line: no number goes over the end of a line.
    return [number for line in ([text] if isinstance(text, str) else text) for number in read_numbers(line)]


@lru_cache(maxsize=1024)  # of a task's calls, which several metrics ask for
def _values(source: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.unique(np.abs([number.value for number in _read(source.split("\n"))]))


def in_source(numbers: Iterable[Number], source: str | Sequence[str]) -> int:
    """How many of the numbers stand in the source with the same size, whatever their sign and their form.

    A loss of 5 million may be -5,000,000: signs are words as often as signs.

    >>> in_source(read_numbers("sales of $1.2 bn and $3 million"), "revenue was 3,000,000")
    1
    """
    known = _values(as_lines(source))
    if not len(known):
        return 0
    sizes = np.abs([number.value for number in numbers])
    near = (
        np.clip(np.searchsorted(known, sizes), 1, len(known) - 1) if len(known) > 1 else np.zeros(len(sizes), np.intp)
    )
    apart = np.minimum(np.abs(known[near] - sizes), np.abs(known[np.maximum(near - 1, 0)] - sizes))
    return int((apart <= _SAME * sizes).sum())


def _measure(target: Mapping[str, Any], answer: str | Sequence[str]) -> Row:
    numbers = _read(answer)
    return (float(in_source(numbers, target["source"])), float(len(numbers)))


# target {"source": text or lines}, answer text or lines. A failed example counts as one number that is not there.
NUMBERS_IN_SOURCE = Metric(
    "numbers_in_source",
    measure=_measure,
    summarise=lambda totals, n: totals[..., 0] / np.where(totals[..., 1] > 0, totals[..., 1], 1.0),
    worst=lambda target: (0.0, 1.0),
    best=lambda target: _measure(target, target["summary"]) if target.get("summary") else (1.0, 1.0),
    signature="of the numbers of all answers, the same size",
)
