"""Asking a model again what a run says that it answered: a sample that nobody could foresee, and when two answers are the same."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.engine import feed
from bench.engine.asking import Asking
from bench.engine.audit import said
from bench.engine.history import Replies
from bench.engine.veil import Veiled
from bench.models.base import Device, Model
from bench.record import Timing
from bench.runs.timing import Stopwatch
from bench.types import Example, Prediction, Regress, Request


@dataclass(frozen=True)
class Close:
    """How near two numbers must be to count as the same: labels' scores by `score`, numbers by `value`, a share of their scale."""

    score: float
    value: float


ALIKE = Close(score=0.01, value=0.001)  # on the same machine: more than the last digits that a batch's company changes
UNLIKE = Close(
    score=0.1, value=0.05
)  # on another, and in HALF precision on any: what half the digits of a number leave open
HALF = ("bfloat16", "float16")


@dataclass(frozen=True)
class Answers:
    """What the model said now, by id, the seconds that it took without loading, and the `fastest` batch's examples a second."""

    predictions: Mapping[str, Prediction]
    seconds: float
    fastest: float


def sample(examples: Sequence[Example], n: int, seed: int) -> list[Example]:
    """`n` of the examples (all where there are no more), any as likely as another, in the order of the data."""
    chosen = sorted(random.Random(seed).sample(range(len(examples)), min(n, len(examples))))
    return [examples[i] for i in chosen]


def ask(
    asked: Asking, chosen: Sequence[Example], model: Model, device: Device, *, seed: int, batch_size: int, batch_tokens: int,
    name: str, replies: Replies | None = None,
) -> Answers:  # fmt: skip
    """Ask the model these examples as a run would: the same requests under neutral names, batches of the same size.

    Those that show the model's own `replies` show the ones given.
    """
    readings: list[Timing] = []
    watch = Stopwatch(readings.append, sync=model.sync)
    room, found = feed.Room(), dict[str, Prediction]()
    with Veiled(model, asked.asked, replies) as veiled:
        feed.load(veiled, device, seed, watch)
        plan = feed.units(
            chosen, asked.request, veiled, batch_size=batch_size, batch_tokens=batch_tokens, names=asked.asked.names
        )
        for unit in feed.ahead(plan, veiled):
            with watch.phase("predict", n=len(unit.requests), batch=unit.position):
                predictions = feed.answer(veiled, unit.requests, name, room)
            found |= {one.id: one for one in asked.stamped(unit.requests, predictions)}
    batches = [one for one in readings if one.phase == "predict"]
    fastest = max((one.n / max(one.seconds, 1e-9) for one in batches), default=0.0)
    return Answers(found, sum(one.seconds for one in batches), fastest)


def same(request: Request, a: Prediction, b: Prediction, close: Close = ALIKE) -> bool:
    """Whether two predictions say the same: the very words, or the same best labels and numbers that are close."""
    output = request.output
    if a.values is not None and b.values is not None and isinstance(output, Regress):
        reach = zip(output.names, output.low, output.high, strict=True)
        return all(abs(a.values[name] - b.values[name]) <= close.value * (high - low) for name, low, high in reach)
    if said(request, a) != said(request, b):
        return False
    if a.label_scores is not None and b.label_scores is not None:
        return all(_near(score, b.label_scores[name], close.score) for name, score in a.label_scores.items())
    if a.no_answer is None or b.no_answer is None:
        return a.no_answer is b.no_answer
    return _near(a.no_answer, b.no_answer, close.score)


def _near(a: float, b: float, close: float) -> bool:
    return math.isclose(a, b, rel_tol=close, abs_tol=close)
