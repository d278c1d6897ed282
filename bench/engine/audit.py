"""Audits of a run: whether the answers are those that the model gives when nobody else is in the batch."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from statistics import pvariance

from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.runs.timing import Stopwatch
from bench.text.thinking import behind_thinking
from bench.types import Example, Json, Prediction, Request

KINDS = ("none", "batch_invariance")


def known_kind(kind: str) -> str:
    """The kind of audit; raises BenchError for an unknown one."""
    if kind not in KINDS:
        raise BenchError(f"audit={kind} is none of {', '.join(KINDS)}")
    return kind


def batch_invariance(
    examples: Sequence[Example],
    request: Callable[[Example], Request],
    predictions: Mapping[str, Prediction],
    model: Model,
    device: Device,
    watch: Stopwatch,
    *,
    size: int,
    seed: int,
    name: str,
) -> dict[str, Json]:
    """Ask a sample of `size` examples again, one at a time, and compare with `predictions` of the run.

    "flips" counts examples of which the model says something else: another text, another best label (with `several`, other
    labels above one half), numbers that differ in the third decimal, or an error instead of an answer. "flip_rate" is their
    share of "n", "ids" are theirs. Of numbers, which nearly always differ a little, "noise" says how much: see `noise`.
    """
    sample = sorted(random.Random(seed).sample(range(len(examples)), min(size, len(examples))))
    feed.load(model, device, seed, watch)
    flips, pairs = [], []
    with watch.phase("audit", n=len(sample)):
        for i in sample:
            alone = request(examples[i])
            (again,) = feed.answer(model, [alone], name)
            pairs.append((predictions[alone.id], again))
            if said(alone, again) != said(alone, predictions[alone.id]):
                flips.append(alone.id)
    rate = len(flips) / len(sample)
    found = {"kind": "batch_invariance", "n": len(sample), "flips": len(flips), "flip_rate": rate, "ids": flips}
    return found | ({"noise": noise(pairs)} if any(one.values for pair in pairs for one in pair) else {})


def noise(pairs: Sequence[tuple[Prediction, Prediction]]) -> float:
    """The share of the variance of numbers that the company in a batch makes, in [0, 1]; the mean over their names.

    `pairs` are what the model said of an example in its batch and alone. Two unrelated answers differ by twice the variance on
    average, squared: that is 1, as one flip is among texts. An answer that only one of the two gave counts as 1.
    """
    both = [(a.values, b.values) for a, b in pairs if a.values is not None and b.values is not None]
    alone = sum((a.values is None) != (b.values is None) for a, b in pairs)
    shares = []
    for name in both[0][0] if both else ():
        change = sum((a[name] - b[name]) ** 2 for a, b in both) / len(both)
        variance = pvariance([a[name] for a, _ in both])
        shares.append(min(1.0, change / (2 * variance)) if variance else float(change > 0))
    share = sum(shares) / len(shares) if shares else 0.0
    return (share * len(both) + alone) / len(pairs)


def said(request: Request, prediction: Prediction) -> Json:
    """What counts of a prediction: its words, its label or labels, or its numbers to the third decimal."""
    if prediction.error is not None:
        return None
    if (scores := prediction.label_scores) is not None:
        if getattr(request.output, "several", False):
            return sorted(label for label, score in scores.items() if score > 0.5)
        return max(scores, key=scores.__getitem__)
    if prediction.values is not None:
        return {name: round(value, 3) for name, value in prediction.values.items()}
    return prediction.text if prediction.text is None else behind_thinking(prediction.text)
