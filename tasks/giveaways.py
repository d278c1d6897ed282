"""Columns of a table that alone tell the label: what was written down after the event, or the label under another name."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby

from bench.types import Column, Example

FEWEST = 50  # rows below which a column may tell the label by chance
_BY_CHANCE = math.log(1e-6)  # how likely, at most, a column is that tells every label without a reason
_LEAST = 5  # rows of the rarest label among numbers that lie around it


def giveaways(columns: Sequence[Column], rows: Sequence[Example], label_of: Callable[[Example], str]) -> Iterator[str]:
    """The names of such columns, of `FEWEST` rows or more whose inputs hold `values`.

    A column tells the label where each of its values has one label only, or where its cell is filled for some labels and empty for
    the others; a number does also where the labels' ranges lie apart, or one label's lie around another's. What needs two columns
    together is not found, nor what tells nearly all labels.
    """
    rows = [one for one in rows if "values" in one.inputs]
    labels = [label_of(one) for one in rows]
    if len(rows) < FEWEST or len(set(labels)) < 2:
        return
    for place, column in enumerate(columns):
        values = [one.inputs["values"][place] for one in rows]
        if (
            _tells(values, labels)
            or _tells([value is None for value in values], labels)
            or _tells_by_size(values, labels)
        ):
            yield column.name


def _tells(values: Sequence[Hashable], labels: Sequence[str]) -> bool:
    """Whether each value has one label only, of so many rows that it is not by chance: names of customers have one row each."""
    of: dict[Hashable, set[str]] = defaultdict(set)
    for value, label in zip(values, labels, strict=True):
        of[value].add(label)
    if any(len(found) > 1 for found in of.values()):
        return False
    shares = [count / len(labels) for count in Counter(labels).values()]
    return sum(math.log(sum(share**n for share in shares)) for n in Counter(values).values()) < _BY_CHANCE


def _tells_by_size(values: Sequence[float | str | None], labels: Sequence[str]) -> bool:
    """Whether the numbers of each label lie in ranges of their own, and empty cells have a label for themselves."""
    empty = {label for value, label in zip(values, labels, strict=True) if value is None}
    filled = [(value, label) for value, label in zip(values, labels, strict=True) if isinstance(value, float)]
    if len(filled) + values.count(None) < len(values) or empty & {label for _, label in filled}:
        return False
    counts = Counter(label for _, label in filled)
    if len(counts) < 2 or len(empty) > 1:
        return False
    of: dict[float, set[str]] = defaultdict(set)
    for value, label in filled:
        of[value].add(label)
    if any(len(found) > 1 for found in of.values()):
        return False
    ranges = len([label for label, _ in groupby(min(of[value]) for value in sorted(of))])
    return ranges == len(counts) or (ranges == len(counts) + 1 and min(counts.values()) >= _LEAST)
