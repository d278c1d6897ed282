"""Rows in passes of a few fixed shapes, so that what a row gets does not depend on the rows beside it, bit for bit.

The last bits of a matrix product depend on its shape: a library chooses how it divides and adds by it. So a row is padded to
the next of a few lengths, whatever it goes with, and as many rows go through at once as are fixed for this length; a pass that
is not full is filled up with rows that are there already. What is left is a row's place in its pass: no kernel is bound to
treat the first row as the last one, and `tests/test_slow_models.py` sees that those here do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

_PER_THREAD = (
    128  # tokens a pass for each thread of a CPU: 93 % of the speed of 512, and a pass to be filled up costs little
)
_MOST_ON_A_CPU = 4_096
_ON_A_GPU = 16_384
_SHORTEST = 8


class Pass(NamedTuple):
    """The numbers of rows that go together, the `width` to which each is padded, and how many rows the pass has."""

    rows: list[int]
    width: int
    n_rows: int


def tokens_per_pass(kind: str, threads: int) -> int:
    """About how many tokens a pass has, padding counted, on a device of this kind."""
    return _ON_A_GPU if kind == "cuda" else min(_MOST_ON_A_CPU, _PER_THREAD * max(1, threads))


def width_of(length: int, most: int) -> int:
    """The next of 8, 16, 24, 32, 48, 64, 96, 128, …, or `most` if that is less; never below `length`.

    >>> [width_of(n, 100) for n in (1, 9, 17, 40, 65, 97)]
    [8, 16, 24, 48, 96, 100]
    """
    width = _SHORTEST
    while width < length:
        width = width + width // 2 if width & (width - 1) == 0 and width > _SHORTEST else 1 << width.bit_length()
    return max(length, min(width, most))


def passes(lengths: Sequence[int], most: int, tokens: int) -> Iterator[Pass]:
    """Every row in one pass, the longest first; `most` is the longest row that the model takes.

    >>> list(passes([3, 9, 4, 8], most=512, tokens=16))
    [Pass(rows=[1], width=16, n_rows=1), Pass(rows=[3, 2], width=8, n_rows=2), Pass(rows=[0], width=8, n_rows=2)]
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    while order:
        width = width_of(lengths[order[0]], most)
        n_rows = max(1, tokens // width)
        n_alike = sum(width_of(lengths[i], most) == width for i in order[:n_rows])
        yield Pass(order[:n_alike], width, n_rows)
        order = order[n_alike:]
