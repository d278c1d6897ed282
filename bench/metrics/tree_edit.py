"""The edit distance of two tables as trees: a table of rows of cells, as Zhang and Shasha have it."""

from __future__ import annotations

from collections.abc import Sequence

Table = Sequence[Sequence[str]]


class _Tree:
    """A table's nodes in postorder, cells before their row; `first` is the first node below each, itself if there is none."""

    def __init__(self, table: Table) -> None:
        self.cells: list[str | None] = []  # the text of a cell, None of a row or the table
        self.depth: list[int] = []
        self.first: list[int] = []
        for row in table:
            start = len(self.cells)
            for cell in row:
                self._add(cell, 2, len(self.cells))
            self._add(None, 1, start)
        self._add(None, 0, 0)
        last = {first: i for i, first in enumerate(self.first)}
        self.roots = sorted(
            last.values()
        )  # of those with the same first node the highest, from which forests are compared

    def _add(self, cell: str | None, depth: int, first: int) -> None:
        self.cells.append(cell)
        self.depth.append(depth)
        self.first.append(first)


def table_distance(one: Table, other: Table) -> float:
    """The least cost of turning one table into the other by adding, removing and changing rows and cells.

    Each costs 1, and changing a cell's text the share of its characters that must be edited; a row never becomes a cell for less
    than 1. Time is about nine times the product of the two numbers of nodes. Source: Zhang and Shasha 1989, "Simple Fast
    Algorithms for the Editing Distance between Trees and Related Problems" (SIAM J. Comput. 18).

    >>> table_distance([["a", "b"], ["c", "d"]], [["a", "b"]]), table_distance([["1.20"]], [["1.30"]])
    (3.0, 0.25)
    """
    a, b = _Tree(one), _Tree(other)
    change = _changes(a, b)
    trees = [[0.0] * len(b.cells) for _ in a.cells]
    for i in a.roots:
        for j in b.roots:
            _forests(a, b, (i, j), change, trees)
    return trees[-1][-1]


def _changes(a: _Tree, b: _Tree) -> list[list[float]]:
    """What it costs to make each node of one the node of the other."""
    from rapidfuzz.distance import Levenshtein

    known: dict[tuple[str, str], float] = {}

    def cost(i: int, j: int) -> float:
        if a.depth[i] != b.depth[j]:
            return 1.0
        said, wanted = a.cells[i], b.cells[j]
        if said is None or wanted is None or said == wanted:
            return 0.0
        pair = said, wanted
        if pair not in known:
            known[pair] = Levenshtein.normalized_distance(said, wanted)
        return known[pair]

    return [[cost(i, j) for j in range(len(b.cells))] for i in range(len(a.cells))]


def _forests(a: _Tree, b: _Tree, ends: tuple[int, int], change: list[list[float]], trees: list[list[float]]) -> None:
    """Fill in the distances of all pairs of trees on the two paths that end in these nodes."""
    (i, j), (first_i, first_j) = ends, (a.first[ends[0]], b.first[ends[1]])
    above = [float(y) for y in range(j - first_j + 2)]
    rows = [above]
    for x in range(first_i, i + 1):
        here = [above[0] + 1.0]
        whole_x, back_x, costs, found = a.first[x] == first_i, a.first[x] - first_i, change[x], trees[x]
        for y in range(first_j, j + 1):
            at = y - first_j
            least = min(above[at + 1], here[at]) + 1.0
            if whole_x and b.first[y] == first_j:
                least = min(least, above[at] + costs[y])
                found[y] = least
            else:
                least = min(least, rows[back_x][b.first[y] - first_j] + found[y])
            here.append(least)
        rows.append(here)
        above = here
