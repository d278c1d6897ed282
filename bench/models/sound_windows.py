"""Cutting recordings into the windows that a recogniser hears at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.models.sound import Samples

SILENCE = 1e-4  # a sound whose samples all stay below this (-80 dB of full scale) is taken to hold no word


@dataclass(frozen=True)
class Window:
    """A stretch of a recording, of which `left` and `right` samples at its ends belong to its neighbours too."""

    samples: Samples
    left: int = 0
    right: int = 0

    @property
    def silent(self) -> bool:
        """Whether it holds no sound at all."""
        return bool(abs(self.samples).max(initial=0.0) < SILENCE)


class _Buffer:
    """The samples that come next."""

    def __init__(self, source: Iterable[Samples]) -> None:
        self.source, self.held, self.n = iter(source), list[Any](), 0

    def ahead(self, n: int) -> Samples:
        """The next `n` samples, fewer at the end of the recording."""
        import numpy as np

        while self.n < n and (piece := next(self.source, None)) is not None:
            self.held.append(piece)
            self.n += len(piece)
        whole: Samples = np.concatenate(self.held) if self.held else np.zeros(0, np.float32)
        self.held = [whole]
        return whole[:n]

    def skip(self, n: int) -> None:
        """Leave `n` samples behind."""
        self.held = [self.held[0][n:].copy()]
        self.n -= n


def overlapping(source: Iterable[Samples], length: int, overlap: int) -> Iterator[Window]:
    """Windows of `length` samples, the last one shorter; each shares `overlap` samples on each side that do not count.

    What counts of the windows covers the recording once. `length` must be more than twice the `overlap`.
    """
    buffer, left = _Buffer(source), 0
    while True:
        found = buffer.ahead(length + 1)
        if len(found) <= length:
            yield Window(found, left, 0)
            return
        yield Window(found[:length], left, overlap)
        buffer.skip(length - 2 * overlap)
        left = overlap


def at_pauses(source: Iterable[Samples], rate: int, longest: int, search: int) -> Iterator[Window]:
    """Windows of at most `longest` samples without overlap, each cut in the quietest tenth of a second of its last `search`."""
    buffer = _Buffer(source)
    while len(found := buffer.ahead(longest + 1)) > longest:
        cut = longest - search + quietest(found[longest - search : longest], rate)
        yield Window(found[:cut])
        buffer.skip(cut)
    if len(found):
        yield Window(found)


def quietest(samples: Samples, rate: int) -> int:
    """The middle of the tenth of a second with the least energy, in steps of 10 ms; of several, the last."""
    import numpy as np

    width, step = max(1, min(rate // 10, len(samples))), max(1, rate // 100)
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.arange(0, len(samples) - width + 1, step)
    found = energy[starts + width] - energy[starts]
    return int(starts[len(found) - 1 - np.argmin(found[::-1])] + width // 2)
