"""A task of numbers and a model that answers at once: whatever happens, the right result of each example is known."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from bench.metrics.reading import EXACT_MATCH
from bench.models.base import Device, Model
from bench.task import Task
from bench.types import Example, Generate, Prediction, Request, Text


class Numbers(Task):
    """Say the number of the question; `n` examples, ten to a cluster."""

    name, version, metrics, output = "hard_numbers", 1, (EXACT_MATCH,), Generate

    def __init__(self, n: int = 300) -> None:
        self.n = n
        self._made: list[Example] | None = None

    def examples(self) -> Sequence[Example]:
        """All of them; made once."""
        if self._made is None:
            self._made = [
                Example(f"n{i}", {"question": f"number {i}"}, [str(i)], cluster=f"c{i // 10}") for i in range(self.n)
            ]
        return self._made

    def request(self, example: Example) -> Request:
        """The question."""
        return Request(example.id, (Text(example.inputs["question"]),), Generate(8))

    def answer(self, prediction: Prediction) -> str:
        """As it is."""
        return prediction.text or ""

    def ideal(self, example: Example) -> Prediction:
        """The number."""
        return Prediction(example.id, text=example.target[0])


class Stub(Model):
    """Says the number, wrong for each seventh; one at a time, each after `seconds`; raises for numbers that `fails` divides."""

    outputs, revision, uses_device, answers_alone = (Generate,), "1", False, True
    incidental = ("seconds", "load_seconds", "megabytes")  # no part of what a run is

    def __init__(
        self, seconds: float = 0.0, load_seconds: float = 0.0, fails: int = 0, habit: str = "none", megabytes: int = 0
    ) -> None:
        """`habit` is what is wrong with how it loads: raises, exits, memory, or forks a child that lives on."""
        self.seconds, self.load_seconds, self.fails, self.habit, self.megabytes = (
            seconds,
            load_seconds,
            fails,
            habit,
            megabytes,
        )

    def load(self, device: Device, *, seed: int) -> None:
        """Take its time, and do as is its habit."""
        time.sleep(self.load_seconds)
        self.held = b"x" * (self.megabytes << 20)
        if self.habit == "raises":
            raise RuntimeError("a fault that was asked for")
        if self.habit == "exits":
            raise SystemExit(0)
        if self.habit == "memory":
            raise MemoryError
        if self.habit == "forks" and os.fork() == 0:
            time.sleep(20)
            os._exit(0)

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """Each as soon as it is known."""
        for request in batch:
            if self.seconds:
                time.sleep(self.seconds)
            part = request.parts[-1]
            assert isinstance(part, Text)
            number = int(part.text.split()[-1])
            if self.fails and number % self.fails == 0:
                raise RuntimeError("a fault that was asked for")
            yield Prediction(request.id, text=str(number if number % 7 else number + 1), new_tokens=1, prompt_tokens=2)
