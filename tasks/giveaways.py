"""Columns of a table that alone tell the label: what was written down after the event, or the label under another name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from bench.types import Column, Example

FEWEST = 50  # rows below which a column may tell the label by chance
_ROWS_A_VALUE = 10  # names and numbers of customers are of one row each, and tell nothing


def giveaways(columns: Sequence[Column], rows: Sequence[Example], label_of: Callable[[Example], str]) -> Iterator[str]:
    """The names of such columns, of `FEWEST` rows or more whose inputs hold `values`.

    A number tells the label where the labels' ranges lie apart; any column does where each value, of some rows on average, has
    one label only. What needs two columns together is not found.
    """
    rows = [one for one in rows if "values" in one.inputs]
    labels = [label_of(one) for one in rows]
    if len(rows) < FEWEST or len(set(labels)) < 2:
        return
    for place, column in enumerate(columns):
        of: dict[float | str | None, set[str]] = defaultdict(set)
        ranges: dict[str, list[float]] = defaultdict(list)
        for one, label in zip(rows, labels, strict=True):
            value = one.inputs["values"][place]
            of[value].add(label)
            if isinstance(value, float):
                ranges[label].append(value)
        few = len(of) * _ROWS_A_VALUE <= len(rows) and all(len(found) == 1 for found in of.values())
        if few or (None not in of and column.kind == "number" and _apart(ranges)):
            yield column.name


def _apart(ranges: dict[str, list[float]]) -> bool:
    ends = sorted((min(found), max(found)) for found in ranges.values())
    return all(one[1] < other[0] for one, other in pairwise(ends))
