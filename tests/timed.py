"""A clock that is set by hand, models of a known service time, and a measurement of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from bench.engine.progress import SILENT
from bench.ground import Ground, ground_of
from bench.models.base import Device, Model
from bench.runs.settings import Settings
from bench.scenarios.measure import measure
from bench.task import Task
from bench.timing.settings import TimingSettings
from bench.types import Generate, Prediction, Request


class Hand:
    """Moves when somebody waits or works, and as a test says: `jumps` are added, one at each reading."""

    name = "by hand"

    def __init__(self) -> None:
        self.t, self.asleep = 1000.0, 0.0
        self.jumps: Iterator[float] = iter(())

    def now(self) -> float:
        self.t += next(self.jumps, 0.0)
        return self.t

    def sleep_until(self, when: float) -> None:
        self.t = max(self.t, when)

    def suspended(self) -> float:
        return self.asleep


class Served(Model):
    """Answers each request in `seconds`, whatever it is; with `tokens`, tells of each as it comes, the first after `first`."""

    outputs, revision, uses_device, answers_alone = (Generate,), "1", False, True

    def __init__(
        self, clock: Hand, seconds: float = 0.1, *, tokens: int = 0, first: float = 0.0, fails: int = 0
    ) -> None:
        self.clock, self.seconds, self.tokens, self.first, self.fails = clock, seconds, tokens, first, fails
        self.asked: list[str] = []

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        for request in batch:
            yield self.one(request)

    def one(self, request: Request) -> Prediction:
        self.asked.append(request.id)
        begin = self.clock.t
        if self.tokens:
            self.clock.t = begin + self.first
            for token in range(self.tokens):
                if self.listener is not None:
                    self.listener(request.id, 1)
                if token < self.tokens - 1:
                    self.clock.t += (self.seconds - self.first) / (self.tokens - 1)
        self.clock.t = begin + self.seconds
        if len(self.asked) <= self.fails:
            raise RuntimeError("not this one")
        return Prediction(request.id, text="word", prompt_tokens=3, new_tokens=self.tokens)


class AtOnce(Served):
    """Takes each request when it comes, and answers it at once, or after `seconds` of a clock that somebody else moves."""

    takes_at_once = True

    def submit(self, request: Request) -> Future[Prediction]:
        found: Future[Prediction] = Future()
        found.set_result(Prediction(request.id, text="word"))
        return found


def ground(task: Task, model: Model, folder: Path) -> Ground:
    """What a measurement stands on, below this folder."""
    return ground_of(task, model, "stub", Device("cpu", "none"), Settings(runs_dir=folder, resamples=10))


def timing(scenario: str, **more: Any) -> TimingSettings:
    """Settings of a scenario, without audits or a warm-up unless they are asked for."""
    found = TimingSettings.of({"scenario": scenario, "audit": False, "warmup": 0, "min_seconds": 0.0, **more})
    assert found is not None
    return found


def reading(
    task: Task, model: Model, folder: Path, scenario: str, clock: Hand | None = None,
    say: Callable[[str], None] = lambda line: None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """The summary of one measurement of a model alone."""
    return measure(
        ground(task, model, folder), timing(scenario, **more), None, progress=SILENT, say=say,
        clock=clock or getattr(model, "clock", None),
    )[0]  # fmt: skip
