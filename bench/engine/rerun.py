"""Asking a model again what a run says that it answered: a sample that nobody could foresee, and when two answers are the same."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.engine import feed
from bench.engine.asking import Asking
from bench.engine.audit import said
from bench.models.base import Device, Model
from bench.runs.timing import Stopwatch
from bench.types import Example, Prediction, Request, Timing

_CLOSE = 0.01  # of a label's score or a probability, absolute or relative: more than the last digits that processors differ in
_VALUE = 1e-3  # of a number on a scale


@dataclass(frozen=True)
class Answers:
    """What the model said now, by id, and the seconds that it took without loading."""

    predictions: Mapping[str, Prediction]
    seconds: float


def sample(examples: Sequence[Example], n: int, seed: int) -> list[Example]:
    """`n` of the examples (all where there are no more), any as likely as another, in the order of the data."""
    chosen = sorted(random.Random(seed).sample(range(len(examples)), min(n, len(examples))))
    return [examples[i] for i in chosen]


def ask(
    asked: Asking, chosen: Sequence[Example], model: Model, device: Device, *, seed: int, batch_size: int, batch_tokens: int,
    name: str,
) -> Answers:  # fmt: skip
    """Ask the model these examples as a run would: the same requests, batches of the same size."""
    readings: list[Timing] = []
    watch = Stopwatch(readings.append, sync=model.sync)
    feed.load(model, device, seed, watch)
    plan = feed.batches(chosen, asked.request, model, batch_size=batch_size, batch_tokens=batch_tokens)
    room, found = feed.Room(), dict[str, Prediction]()
    for position, batch in feed.ahead(plan, model):
        with watch.phase("predict", n=len(batch), batch=position):
            predictions = feed.answer(model, batch, name, room)
        found |= {one.id: one for one in asked.stamped(batch, predictions)}
    return Answers(found, sum(one.seconds for one in readings if one.phase == "predict"))


def same(request: Request, a: Prediction, b: Prediction) -> bool:
    """Whether two predictions say the same: the very words, or the same labels and numbers up to the last digits.

    Of label scores and of the probability that there is no answer the hundredth may differ, of numbers the thousandth.
    """
    if a.values is not None and b.values is not None:
        return _close(a.values, b.values, 0.0, _VALUE)
    if said(request, a) != said(request, b):
        return False
    if a.label_scores is not None and b.label_scores is not None:
        return _close(a.label_scores, b.label_scores, _CLOSE, _CLOSE)
    if a.no_answer is None or b.no_answer is None:
        return a.no_answer is b.no_answer
    return math.isclose(a.no_answer, b.no_answer, abs_tol=_CLOSE)


def _close(a: Mapping[str, float], b: Mapping[str, float], relative: float, absolute: float) -> bool:
    return a.keys() == b.keys() and all(
        math.isclose(a[name], b[name], rel_tol=relative, abs_tol=absolute) for name in a
    )
