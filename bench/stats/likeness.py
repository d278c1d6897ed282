"""How alike two annotators' answers, boxes and fields are: each a part, and the whole that it is a part of."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

from bench.metrics.reading import anls, token_f1

Compare: TypeAlias = Callable[[Any, Any], tuple[float, float]]
_Box = tuple[int, int, int, int]
_FOUND = 0.5  # intersection over union from which two boxes are one field


def equal(one: Hashable, other: Hashable) -> tuple[float, float]:
    """Whether both are the same, character for character."""
    return float(one == other), 1.0


def spans_alike(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[float, float]:
    """Token F1 of the two spans that are most alike."""
    return max(token_f1(a, b) for a in one for b in other), 1.0


def answers_alike(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[float, float]:
    """ANLS of each one's first answer against what the other accepts, in the mean."""
    return (anls(one[0], other) + anls(other[0], one)) / 2, 1.0


def boxes_alike(one: _Box, other: _Box) -> tuple[float, float]:
    """Intersection over union of two boxes x0, y0, x1, y1, which are not empty.

    >>> boxes_alike((0, 0, 2, 2), (1, 0, 3, 2))
    (0.3333333333333333, 1.0)
    """
    width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    both = width * height
    return both / (_area(one) + _area(other) - both), 1.0


def _area(box: _Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def fields_found(one: tuple[tuple[str, _Box], ...], other: tuple[tuple[str, _Box], ...]) -> tuple[float, float]:
    """F1 over fields of one name whose boxes overlap by half or more: twice those, of all fields of both."""
    left = list(other)
    n_both = 0
    for name, box in one:
        match = next((each for each in left if each[0] == name and boxes_alike(box, each[1])[0] >= _FOUND), None)
        if match is not None:
            left.remove(match)
            n_both += 1
    return 2.0 * n_both, float(len(one) + len(other))


ALIKE: dict[str, Compare] = {
    "answers": answers_alike,
    "spans": spans_alike,
    "boxes": boxes_alike,
    "fields": fields_found,
    "values": equal,
}
MEASURES = {
    "answers": "ANLS",
    "spans": "token F1",
    "boxes": "intersection over union",
    "fields": "F1, boxes overlap by half",
    "values": "exact match",
}
