"""What of a reference a page shows to eyes and ears beside its text: words to compare, places on a picture, a place in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.types import Json


@dataclass(frozen=True)
class Box:
    """Where something stands on a picture: (left, top, right, bottom) in pixels of the request's `picture`, counted from 0."""

    name: str
    value: str
    box: tuple[float, float, float, float]
    picture: int = 0


@dataclass(frozen=True)
class Look:
    """What belongs to an example's reference, and so is shown only where that is.

    `words` are what is said, as `bench.metrics.word_alignment.align` takes them. `start` and `end` are seconds in the film or
    conversation that the example's cluster is; None where nobody knows.
    """

    words: Sequence[Json] = ()
    boxes: Sequence[Box] = ()
    start: float | None = None
    end: float | None = None
