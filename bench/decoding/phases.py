"""Tells of what a language model computes: the first pass over prompts (prefill), and the steps behind it (decode).

On a CPU a pass is over when it returns. On a GPU it is only handed in then, and what is told is called so: "prefill submitted"; the
decode behind it ends where its tokens are looked at, which waits for the device, and holds what was left of the prefill.
"""

from __future__ import annotations

from bench.runs import spans


class Phases:
    """The passes over one group of prompts, whose first one begins now."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._start = spans.clock()
        self._rows = self._tokens = 0

    def prefilled(self, rows: int, tokens: int) -> None:
        """The first pass over so many prompts is done, `tokens` of them computed; what comes next is decode."""
        tell_prefill(self._device, self._start, rows, tokens)
        self._start = spans.clock()

    def decoded(self, rows: int, steps: int) -> None:
        """So many rows went `steps` steps on, and their tokens were looked at."""
        self._rows = max(self._rows, rows)
        self._tokens += rows * steps

    def tell(self) -> None:
        """Tell of the steps since the last time; whoever asked now has the answers that they finished."""
        spans.tell("decode", self._start, spans.clock(), rows=self._rows, tokens=self._tokens)
        self._rows = self._tokens = 0

    def go_on(self) -> None:
        """The next steps begin: what was done with the answers is no time of the model's."""
        self._start = spans.clock()


def tell_prefill(device: str, start: float, rows: int, tokens: int) -> None:
    """Tell of a first pass that began at `start` and has just returned; `rows` is 0 for what all prompts begin with."""
    name = "prefill" if device == "cpu" else "prefill submitted"
    spans.tell(name, start, spans.clock(), rows=rows, tokens=tokens)
