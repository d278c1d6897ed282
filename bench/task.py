"""What a task is: examples, a request for each, and how a raw prediction becomes an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from bench.metrics.metric import CorpusMetric, Metric
from bench.types import Example, Json, Output, Prediction, Request


@dataclass(frozen=True)
class Card:
    """Where a task's data come from and what its numbers mean.

    `chance` is the ranked metric's value for the model `random`, as (low, high) that a full run must fall in;
    `references` are published scores of that metric (humans, best systems), as fractions. `obtain` says how to get data
    that may not be passed on.
    """

    title: str
    source: str
    revision: str
    licence: str
    split: str
    n_examples: int
    language: str
    chance: tuple[float, float]
    scenario: str
    citation: str = ""
    obtain: str = ""
    references: Mapping[str, float] = field(default_factory=dict)
    superseded_by: str | None = None


class Task(ABC):
    """One data set with its prompt, parser and metrics. A changed prompt, split or parser raises `version`.

    `parts` and `output` say what `request` will ask for, so that a model that cannot answer is refused before anything
    is loaded. The first of `metrics` ranks.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    metrics: ClassVar[tuple[Metric | CorpusMetric, ...]]
    card: ClassVar[Card]
    parts: ClassVar[frozenset[str]] = frozenset({"text"})
    output: ClassVar[type[Output]]

    def fetch(self) -> None:
        """Bring the data into the cache; nothing to do for a task that carries its own."""

    @abstractmethod
    def examples(self) -> Sequence[Example]:
        """All examples, in fixed order with unique ids."""

    @abstractmethod
    def request(self, example: Example) -> Request:
        """What the model gets to see: never the target."""

    @abstractmethod
    def answer(self, prediction: Prediction) -> Json:
        """The final answer out of a raw prediction without error; pure."""

    @abstractmethod
    def ideal(self, example: Example) -> Prediction:
        """The raw prediction of a model that knows the target: what the reference row `oracle` says."""
