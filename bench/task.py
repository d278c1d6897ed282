"""What a task is: examples, a request for each, and how a raw prediction becomes an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from bench.metrics.metric import AnyMetric
from bench.types import Example, Json, Output, Prediction, Request


@dataclass(frozen=True)
class Malformed:
    """Stands for a submitted answer that cannot be one; `reason` says what was found and what is allowed."""

    reason: str


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
    is loaded. The first of `metrics` ranks. `missing_left_out` says that the official script divides by the predictions
    that it was given, where ours counts a missing one as wrong; `takes_no_answer`, that an answer is
    {"text", "no_answer"} with a probability of no answer.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    metrics: ClassVar[tuple[AnyMetric, ...]]
    card: ClassVar[Card]
    parts: frozenset[str] = frozenset({"text"})
    output: ClassVar[type[Output]]
    missing_left_out: ClassVar[bool] = False
    takes_no_answer: ClassVar[bool] = False

    def fetch(self) -> None:
        """Bring the data into the cache; nothing to do for a task that carries its own."""

    @abstractmethod
    def examples(self) -> Sequence[Example]:
        """All examples, in fixed order with unique ids."""

    def training(self) -> Sequence[Example]:
        """Examples that are never evaluated, from which few-shot prompts draw; none where the data set has none here."""
        return ()

    @abstractmethod
    def request(self, example: Example) -> Request:
        """What the model gets to see: never the target."""

    @abstractmethod
    def answer(self, prediction: Prediction) -> Json:
        """The final answer out of a raw prediction without error; pure."""

    @abstractmethod
    def ideal(self, example: Example) -> Prediction:
        """The raw prediction of a model that knows the target: what the reference row `oracle` says."""

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """The (example id, final answer) pairs of a submission in the official format, `Malformed` for a bad answer.

        Ids may come twice or be unknown: the caller counts and lists them. Raises BenchError for a file that is not in
        the format at all. Without an official format it is a JSON object {id: answer}, or a list of {"id", "answer"}.
        """
        from bench.data.submissions import pairs

        return pairs(path)

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """What the official script prints, under its own keys and in its own units.

        `values` are this task's metrics by name as that script counts them; `examples` those that it counts.
        """
        return values

    def problems(self) -> Iterator[str]:
        """What is wrong with the data as they lie here, a line each; raises BenchError where they cannot be read."""
        n = len(self.examples())
        if n != self.card.n_examples:
            yield f"{n:,} examples, where the {self.card.split} has {self.card.n_examples:,}"
