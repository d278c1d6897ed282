"""Where words and lines stand on a page: boxes, rows, and the order in which they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Corners: TypeAlias = Sequence[Sequence[float]]
BETWEEN = " | "  # of texts that stand apart in one row


@dataclass(frozen=True)
class Word:
    """A word of a page; `box` is (left, top, right, bottom), each from 0 to 1000 of the page's width or height."""

    text: str
    box: tuple[int, int, int, int]


def scaled(corners: Corners, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The upright box around the corners, from 0 to 1000 of the page's (width, height).

    >>> scaled([[10, 20], [50, 20], [50, 40], [10, 40]], (100, 200))
    (100, 100, 500, 200)
    """
    xs, ys = ([point[i] * 1000 / size[i] for point in corners] for i in (0, 1))
    left, top, right, bottom = (min(1000, max(0, round(v))) for v in (min(xs), min(ys), max(xs), max(ys)))
    return left, top, right, bottom


def split_line(corners: Corners, text: str) -> list[tuple[str, Corners]]:
    """The words of a line, each with its share of the line's upright box by counting characters.

    >>> split_line([[0, 0], [70, 0], [70, 9], [0, 9]], "ab cdef")
    [('ab', [[0.0, 0], [20.0, 9]]), ('cdef', [[30.0, 0], [70.0, 9]])]
    """
    xs, ys = zip(*corners, strict=True)
    left, step, at = min(xs), (max(xs) - min(xs)) / max(1, len(text)), 0
    words: list[tuple[str, Corners]] = []
    for word in text.split():
        at = text.index(word, at)
        words.append((word, [[left + at * step, min(ys)], [left + (at + len(word)) * step, max(ys)]]))
        at += len(word)
    return words


def reading_order(boxes: Sequence[Corners]) -> list[int]:
    """The places of four-cornered boxes, line by line from the top and from left to right within a line."""
    return [i for line in _rows(boxes) for i in line]


def in_lines(boxes: Sequence[tuple[Corners, str]]) -> list[str]:
    """Texts with their four-cornered boxes as lines: those whose middles lie within half a height of each other are one.

    >>> in_lines([([[50, 0], [90, 0], [90, 10], [50, 10]], "12.00"), ([[0, 1], [40, 1], [40, 11], [0, 11]], "Total")])
    ['Total | 12.00']
    """
    return [BETWEEN.join(boxes[i][1] for i in line) for line in _rows([corners for corners, _ in boxes])]


def _rows(boxes: Sequence[Corners]) -> list[list[int]]:
    """The places of the boxes in rows from the top, each from left to right."""
    placed = []
    for i, corners in enumerate(boxes):
        xs, ys = zip(*corners, strict=True)
        placed.append((sum(ys) / 4, max(ys) - min(ys), min(xs), i))
    rows: list[list[tuple[float, float, float, int]]] = []
    for item in sorted(placed):
        last = rows[-1] if rows else []
        if last and abs(item[0] - last[-1][0]) < 0.5 * min(item[1], last[-1][1]):
            last.append(item)
        else:
            rows.append([item])
    return [[i for _, _, _, i in sorted(row, key=lambda item: item[2])] for row in rows]
