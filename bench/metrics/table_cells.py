"""Tables that were read: how near the whole is (TEDS), and cells in their place or anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bench.metrics.metric import Array, Metric, Row, lacking
from bench.metrics.tree_edit import Table, table_distance

MOST_TIMES = 4  # as many nodes as the reference has; a larger answer has 0 and is not compared


def _nodes(table: Table) -> int:
    return len(table) + sum(map(len, table))


def teds(target: Table, answer: Table) -> float:
    """1 less the edit distance of the tables over the nodes (rows and cells) of the larger one, in [0, 1].

    An answer with more than `MOST_TIMES` the nodes, which could have no more than 1 / `MOST_TIMES`, has 0. Two empty tables have
    1. Source: Zhong, ShafieiBavani and Jimeno Yepes 2020, "Image-Based Table Recognition" (ECCV), whose trees also have a head and
    a body, which rows of texts do not tell.

    >>> teds([["a", "b"], ["c", "d"]], [["a", "b"]])
    0.5
    """
    wanted, said = _nodes(target), _nodes(answer)
    if not max(wanted, said):
        return 1.0
    if said > MOST_TIMES * max(wanted, 1) or not said:
        return 0.0
    return max(0.0, 1.0 - table_distance(target, answer) / max(wanted, said))


def _counted(target: Counter[tuple[object, ...]], answer: Counter[tuple[object, ...]]) -> Row:
    return float((target & answer).total()), float(answer.total()), float(target.total())


def _placed(table: Table) -> Counter[tuple[object, ...]]:
    """The cells with text, each with its row and column."""
    return Counter((r, c, _folded(cell)) for r, row in enumerate(table) for c, cell in enumerate(row) if _folded(cell))


def _anywhere(table: Table) -> Counter[tuple[object, ...]]:
    return Counter((_folded(cell),) for row in table for cell in row if _folded(cell))


def _folded(cell: str) -> str:
    return " ".join(cell.split())


def in_place(target: Table, answer: Table) -> Row:
    """Cells that are right in their row and column, those said and those wanted; empty cells are none."""
    return _counted(_placed(target), _placed(answer))


def anywhere(target: Table, answer: Table) -> Row:
    """The same wherever the cells stand; a text that comes twice counts twice."""
    return _counted(_anywhere(target), _anywhere(answer))


def _f1(totals: Array, n: Array) -> Array:
    both = totals[..., 1] + totals[..., 2]
    return np.asarray(2 * totals[..., 0] / np.where(both > 0, both, 1.0))


_NO_CELL = "the tables hold no cell with a text"
_NOTHING: Sequence[Sequence[str]] = ()
TEDS = Metric(
    "teds",
    measure=lambda target, answer: (teds(target, answer),),
    signature="Zhang-Shasha over table, rows and cells; text by edit distance",
)
CELL_F1 = Metric(
    "cell_f1",
    measure=in_place,
    summarise=_f1,
    worst=lambda target: in_place(target, _NOTHING),
    best=lambda target: in_place(target, target),
    undefined=lacking(_NO_CELL, 2),
    signature="text, row and column equal; white space folded; pooled over tables",
)
CELL_CONTENT_F1 = Metric(
    "cell_content_f1",
    measure=anywhere,
    summarise=_f1,
    worst=lambda target: anywhere(target, _NOTHING),
    best=lambda target: anywhere(target, target),
    undefined=lacking(_NO_CELL, 2),
    signature="text equal, in any place; white space folded; pooled over tables",
)
TABLES = (
    CELL_F1,
    CELL_CONTENT_F1,
    TEDS,
)  # TEDS does not rank: one table for each kind of page has 40 without a look at it
