"""The audit of caches: a request that is asked again, and one of the data, must not be answered sooner than one never seen.

The quality run has shown the model all of the data, so that two requests of the data are no fair pair: a cache would answer both.
Therefore a sample of them is asked with a word more (`bench.scenarios.unseen`): first, and again; and as the data have it. Before
each the model is told to forget: what it keeps and lets go of then cannot help it while it is timed, since no request is repeated
there without that; what it keeps all the same shows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from statistics import median

from bench.artifacts.seals import Sealer
from bench.engine import feed
from bench.engine.veil import Veiled
from bench.models.base import Model
from bench.runs.asked import ask
from bench.scenarios.stage import Stage
from bench.scenarios.unseen import unseen
from bench.timing.verdict import audits_of_cache
from bench.types import Example, Request

_LEAST, _USUAL, _MOST = 5, 12, 36  # pairs; the last where the first found something
_SECONDS = 20.0  # that it may take, but for the least


def audit(stage: Stage, model: Model) -> dict[str, list[float]] | None:
    """Seconds of pairs, as the raw file has them; None where no request can be changed."""
    variants = _variants(stage)
    if not variants:
        return None
    examples = [example for example in stage.asked.examples if example.id in variants]
    asked = ask(examples, lambda example: variants[example.id], Sealer(), media_are_data=False)
    found: dict[str, list[float]] = {"distinct": [], "repeated": [], "seen": [], "fresh": []}
    begin = stage.clock.now()
    with Veiled(model, asked) as other:
        other.hear(stage.ear)
        order = [example.id for example in examples]
        random.Random(f"cache/{stage.timing.seed}").shuffle(order)
        for number, key in enumerate(order):
            if number >= _LEAST and stage.clock.now() - begin > _SECONDS:
                break
            if number >= _USUAL and (not found["distinct"] or audits_of_cache(found)["passed"]):
                break
            _pair(stage, other, stage.asked.request(_example(stage, key)), variants[key], found)
    stage.model.hear(stage.ear)
    return found if found["distinct"] else None


def _variants(stage: Stage) -> dict[str, Request]:
    """Of a sample, requests of about the usual length, what nobody has seen."""
    words = random.Random()  # not seeded: a word that can be known beforehand may have been seen
    examples = list(stage.asked.examples)
    random.Random(f"sample/{stage.timing.seed}").shuffle(examples)
    requests = [stage.model.replies.filled(stage.asked.request(example)) for example in examples[: 4 * _MOST]]
    costs = {request.id: stage.model.cost(request) for request in requests}
    usual = median(costs.values())
    found = {}
    for request in sorted(requests, key=lambda one: abs(costs[one.id] - usual))[:_MOST]:
        if (variant := unseen(request, f"{words.randrange(16**4):04x}")) is not None:
            found[request.id] = variant
    return found


def _example(stage: Stage, key: str) -> Example:
    return stage.asked.examples[stage.asked.place[key]]


def _pair(stage: Stage, other: Veiled, own: Request, variant: Request, found: Mapping[str, list[float]]) -> None:
    """Ask the variant, the data's own and the variant again, and note what they took; failures are left out."""
    first, new = _seconds(stage, other, variant)
    seen, of_seen = _seconds(stage, stage.model, own)
    again, of_again = _seconds(stage, other, variant)
    if new is None or of_again is None:
        return
    found["distinct"].append(first)
    found["repeated"].append(again)
    if new == of_seen:  # else the replies are of other lengths
        found["seen"].append(seen)
        found["fresh"].append(first)


def _seconds(stage: Stage, model: Veiled, request: Request) -> tuple[float, int | None]:
    """How long the answer took and how many tokens it has, None where it failed."""
    model.forget()
    model.ready([request])
    stage.sync()
    begin = stage.clock.now()
    (answer,) = feed.answer(model, [request], stage.name)
    stage.sync()
    took = stage.clock.now() - begin
    stage.ear.taken(request.id)
    return took, None if answer.error is not None else answer.new_tokens
