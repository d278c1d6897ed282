"""Degenerate scores: on every metric of every task a defined value, and a wide or absent interval with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.hard.degenerate import cases, commands, differences, tiny
from scripts.hard.row import Row, Scale


def tried(scale: Scale) -> Iterator[Row]:
    """A row for each kind of degenerate data over all metrics, for random tiny data, for pairs of runs and for whole commands."""
    yield from cases.tried(scale)
    yield from tiny.tried(scale)
    yield from differences.tried(scale)
    yield from commands.tried(scale)
