"""In which order examples are asked, and when: drawn from a seed, before anything is measured."""

from __future__ import annotations

import random
from collections.abc import Iterator

from bench.scenarios.stage import Stage
from bench.types import Request


def requests(stage: Stage, draw: int = 0) -> Iterator[Request]:
    """The examples' requests in a seeded order: each once, or one such order after another where the rules let them repeat.

    Before an example comes again the model forgets, so that nothing is gained from what it kept of its requests. `draw` gives
    another order.
    """
    n = len(stage.asked.examples)
    for number, place in enumerate(places(n, stage.timing.seed, draw, repeats=stage.timing.repeats)):
        if number and number % n == 0:
            stage.model.forget()
        yield stage.asked.request(stage.asked.examples[place])


def places(n: int, seed: int, draw: int = 0, *, repeats: bool = False) -> Iterator[int]:
    """The places of `n` examples in the order of `requests`: whoever knows the seed can tell whether an answer was left out."""
    shuffled, order = random.Random(f"order/{seed}/{draw}"), list(range(n))
    while True:
        shuffled.shuffle(order)
        yield from order
        if not repeats:
            return


def arrivals(qps: float, seed: int, count: int, seconds: float, most: int | None) -> list[float]:
    """When the requests of a Poisson process of this rate are due: at least `count`, over at least `seconds`, at most `most`.

    The first is due at once. Another rate stretches the same gaps.
    """
    gaps = random.Random(f"arrivals/{seed}")
    found = [0.0]
    while (len(found) < count or found[-1] < seconds) and (most is None or len(found) < most):
        found.append(found[-1] + gaps.expovariate(1.0) / qps)
    return found
