"""Greedy generation for many prompts: shared beginnings are computed once, finished rows leave, and others take their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch

from bench.decoding.flight import Asked, Flight, alike
from bench.decoding.kept_head import KeptHead

Finished = Callable[[int, list[int]], bool]


@torch.inference_mode()
def greedy(
    model: Any, prompts: Sequence[list[int]], limits: Sequence[int], finished: Finished, kept: KeptHead | None = None
) -> Iterator[list[tuple[int, list[int]]]]:
    """The likeliest next token, again and again, until `finished(prompt's index, its tokens)` or the prompt's own limit.

    Gives (prompt's index, all its new tokens) of those that are finished, each time that the tokens are looked at.
    `limits` are tokens, at least 1 each: no token behind one is computed, so that a model with places for a prompt and its
    limit is never asked for a place behind them. `model` is a causal model of transformers on which `tree_model.install` was
    called. `kept` holds the head of an earlier call, for one that begins alike; it changes no number.
    """
    asked = [
        Asked(prompt, limit, partial(finished, i))
        for i, (prompt, limit) in enumerate(zip(prompts, limits, strict=True))
    ]
    place = {id(one): i for i, one in enumerate(asked)}
    flight, waiting = Flight(model, kept or KeptHead()), alike(asked)
    while waiting or flight:
        for go_on in (partial(flight.join, waiting), flight.steps):
            if ended := go_on():
                yield from flight.phases.around([(place[id(one)], one.said) for one in ended])
