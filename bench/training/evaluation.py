"""What a network in training is worth: asked and scored as `bench run` asks and scores; nothing of the training changes by it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bench.engine import feed
from bench.engine.progress import SILENT, Progress
from bench.engine.veil import Veiled
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.runs.settings import Settings
from bench.scoring.measure import score
from bench.task import Task
from bench.training.lesson import Lesson
from bench.training.target import Target


@dataclass(frozen=True)
class Exam:
    """The evaluation of a training: the examples of the `lesson`, in the batches of the `settings`, by the target's metric."""

    task: Task
    lesson: Lesson
    settings: Settings
    target: Target
    device: Device
    name: str

    def value(self, model: Model, progress: Progress = SILENT) -> float:
        """The score of what the model answers now; raises BenchError where it answers nothing or there is no score."""
        asked = self.lesson.asked
        n, room = len(asked.examples), feed.Room()
        predictions = []
        with _chance_untouched(self.device), Veiled(model, asked.asked) as veiled:
            veiled.free()  # what it remembers is of other weights
            plan = feed.units(
                asked.examples, asked.request, veiled, batch_size=self.settings.batch_size,
                batch_tokens=self.settings.batch_tokens, names=asked.asked.names,
            )  # fmt: skip
            for unit in feed.ahead(plan, veiled):
                for group in feed.stream(veiled, unit.requests, self.name, room):
                    predictions += asked.stamped(unit.requests, group)
                    progress(len(predictions), n)
        failed = [one for one in predictions if one.error is not None]
        if len(failed) == n:
            raise BenchError(
                f"model '{self.name}' fails on every one of the {n} evaluated examples; the first: {failed[0].error}"
            )
        scores = score(self.task, asked.examples, predictions, resamples=0, seed=self.settings.seed)
        found = next(one for one in scores if one.metric == self.target.metric)
        if found.value is None:
            raise BenchError(f"target {self.target}: there is no {found.metric} here, {found.note}")
        return found.value


@contextmanager
def _chance_untouched(device: Device) -> Iterator[None]:
    """Have the random numbers of a training go on behind the block as if it had drawn none."""
    import torch

    python, numbers = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.kind == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numbers)
