"""Tells of what a language model computes: the first passes over prompts (prefill), and the steps behind them (decode).

On a CPU a pass is over when it returns. On a GPU it is only handed in then, and what is told is called so: "prefill submitted"; the
decode behind it ends where its tokens are looked at, which waits for the device, and holds what was left of the prefill.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from bench.runs import spans

T = TypeVar("T")


class Phases:
    """The steps behind the first pass over some prompts, which begin now."""

    def __init__(self) -> None:
        self._start = spans.clock()
        self._rows = self._tokens = 0

    def begin(self) -> None:
        """A step begins; where none was since the last telling, so does the time that is told of next."""
        if not self._tokens:
            self._start = spans.clock()

    def decoded(self, rows: int, tokens: int) -> None:
        """So many rows have so many new tokens each, that of the first pass among them, and they were looked at."""
        self._rows = max(self._rows, rows)
        self._tokens += rows * tokens

    def around(self, answers: T) -> Iterator[T]:
        """Give answers, the decode up to them told: what is done with them is no time of the model's."""
        self.tell()
        yield answers
        self._start = spans.clock()

    def tell(self) -> None:
        """Tell of the steps since the last time, if there were any."""
        if self._tokens:
            spans.tell("decode", self._start, spans.clock(), rows=self._rows, tokens=self._tokens, track=spans.track())
        self._rows = self._tokens = 0


def tell_prefill(device: str, start: float, rows: int, tokens: int) -> None:
    """Tell of a first pass that began at `start` and has just returned; `rows` is 0 for what all prompts begin with."""
    name = "prefill" if device == "cpu" else "prefill submitted"
    spans.tell(name, start, spans.clock(), rows=rows, tokens=tokens, track=spans.track())
