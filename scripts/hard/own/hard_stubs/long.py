"""A task that makes its examples when they are asked for, and a model whose faults are known beforehand."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from bench.types import Example, Prediction, Request, Text
from hard_stubs import Numbers, Stub

FAILS = ("raises", "malformed", "exits", "says error")  # the example counts as failed
KINDS = (*FAILS, "memory")  # what does not fit is asked again in halves
STOPS = ("second", "foreign", "too few")  # the run stops with a line, and goes on once the model is mended
_FITS = 128  # requests at once


def fault_of(number: int, every: int, kinds: Sequence[str] = KINDS) -> str:
    """The fault that the answer to a number has, "" for none: one in `every`, each of the `kinds` in turn."""
    return kinds[number // every % len(kinds)] if every and number % every == every // 2 else ""


def said_to(number: int) -> str:
    """What the model says: wrong for each seventh."""
    return str(number if number % 7 else number + 1)


class _Made(Sequence[Example]):
    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, at: int) -> Example: ...
    @overload
    def __getitem__(self, at: slice) -> list[Example]: ...
    def __getitem__(self, at: int | slice) -> Example | list[Example]:
        if isinstance(at, slice):
            return [self[i] for i in range(self.n)[at]]
        i = range(self.n)[at]
        return Example(f"n{i}", {"question": f"number {i}"}, [str(i)], cluster=f"c{i // 10}")


class LazyNumbers(Numbers):
    """The same numbers, none of which is held."""

    name = "hard_lazy"

    def examples(self) -> Sequence[Example]:
        """Each made when it is asked for."""
        return _Made(self.n)


class Faulty(Stub):
    """Says the number, with a fault in one of `every` answers; in `folder` it writes what it did.

    "told-PID" has a line for each `every` answers: monotonic seconds, seconds of the processor, and how many answers this process
    gave. With `stops` the faults are those that end a run; each of them comes once.
    """

    def __init__(self, folder: str, every: int = 10_000, stops: bool = False) -> None:
        super().__init__()
        self.folder, self.every, self.stops = Path(folder), every, stops
        self.said = 0

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """Each as soon as it is known."""
        for request in batch:
            part = request.parts[-1]
            assert isinstance(part, Text)
            number = int(part.text.split()[-1])
            right = Prediction(request.id, text=said_to(number), new_tokens=1, prompt_tokens=2)
            fault = fault_of(number, self.every, STOPS if self.stops else KINDS)
            if fault in STOPS:
                mended = self.folder / f"mended-{number}"
                if not mended.exists():
                    mended.touch()
                    if fault == "too few":
                        return
                    yield from (right, right) if fault == "second" else (Prediction("nobody", text="x"),)
            if fault == "memory" and len(batch) > _FITS:
                raise MemoryError("a fault that was asked for")
            if fault == "raises":
                raise RuntimeError("a fault that was asked for")
            if fault == "exits":
                raise SystemExit(3)
            yield self._answer(fault, right)
            self.said += 1
            if self.said % self.every == 0:
                with (self.folder / f"told-{os.getpid()}").open("a", encoding="ascii") as file:
                    file.write(f"{time.monotonic()} {time.process_time()} {self.said}\n")

    def _answer(self, fault: str, right: Prediction) -> Prediction:
        if fault == "malformed":
            return right.but(text=7)
        return right.but(text=None, error="a fault that was asked for") if fault == "says error" else right
