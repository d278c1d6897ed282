"""Which columns of a table fit into a width, and how wide each is: counted in cells of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.text.cells import width_of

ALWAYS = 1000  # the importance of a column that is never left out
_BETWEEN = 3  # cells of a border with the space beside it, for each column, and one at the end
_LEAST = 4  # cells into which a column that stays is folded at most, where the terminal is narrower than any table


@dataclass(frozen=True)
class Column:
    """A column of a table: where there is no room for all, that of the least `importance` goes first, the last of equals.

    Numbers stand `right`. What is longer than `folds` cells is folded into several lines before another column goes.
    """

    heading: str
    importance: int = ALWAYS
    right: bool = False
    folds: int = 24


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """The places of the columns for which `width` cells are enough, in order, with the cells of each.

    Headings are broken between words before a column goes. What is never left out is folded where even that is too wide.
    """
    least, best = {}, {}
    for place, column in enumerate(columns):
        cells = max((width_of(row[place]) for row in rows), default=0)
        words = max(map(width_of, column.heading.split()), default=1)
        least[place] = max(min(cells, column.folds), min(words, column.folds), 1)
        best[place] = max(cells, width_of(column.heading), 1)
    while _whole(least) > width and (free := [place for place in least if columns[place].importance < ALWAYS]):
        del least[min(free, key=lambda place: (columns[place].importance, -place))]
    while _whole(least) > width and max(least.values(), default=0) > _LEAST:
        least[max(least, key=lambda place: least[place])] -= 1
    return _widened(least, best, width)


def _whole(cells: dict[int, int]) -> int:
    return sum(cells.values()) + _BETWEEN * len(cells) + 1


def _widened(least: dict[int, int], best: dict[int, int], width: int) -> dict[int, int]:
    """What is left over goes to the columns that would have more, the narrowest first, so that as few as can be are folded."""
    found, spare = dict(least), width - _whole(least)
    while spare > 0 and (wanting := [place for place in found if found[place] < best[place]]):
        found[min(wanting, key=lambda place: best[place] - found[place])] += 1
        spare -= 1
    return found


def left_out(columns: Sequence[Column], shown: dict[int, int], width: int) -> str:
    """The line that says which columns there was no room for, "" for none."""
    names = [column.heading for place, column in enumerate(columns) if place not in shown]
    hint = (
        "; pipe it or widen the terminal to see them" if len(names) > 1 else "; pipe it or widen the terminal to see it"
    )
    return f"left out at {width} columns: {', '.join(names)}{hint}" if names else ""
