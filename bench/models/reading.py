"""Pipelines that read something to a model: a request in which there is nothing to read goes to that model as it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from bench.errors import BenchError
from bench.models.base import Model
from bench.models.composite import Composite
from bench.types import Request


class Reading(Composite):
    """Takes what its last stage takes and what the others read, and gives what the last stage gives.

    What is not `reads` is the last stage's alone: it gets the very request, is told of it beforehand, and says what it costs and
    where a batch of such is cut. So a pipeline answers it as the last stage by itself would.
    """

    def take(self, last: Model, read: frozenset[str]) -> None:
        """Take what `last` takes, and the kinds of parts that are `read` to it; raises BenchError where it needs more than text."""
        refuse_needy(last)
        self.parts, self.outputs, self.needs = last.parts | read, last.outputs, last.needs
        self.watches = last.watches

    @abstractmethod
    def reads(self, request: Request) -> bool:
        """Whether a stage before the last has something to do with the request."""

    def ahead(self, batch: Sequence[Request]) -> None:
        """What `prepare` does with requests in which there is something to read; here nothing."""

    def prepare(self, batch: Sequence[Request]) -> None:
        """Read what can be read ahead; the last stage is told of the requests that it will get as they are."""
        self.ahead([request for request in batch if self.reads(request)])
        if others := [request for request in batch if not self.reads(request)]:
            self.models[-1].prepare(others)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """Those of the last stage, where there is nothing to read; else one for each request, if its company says nothing."""
        if not any(map(self.reads, batch)):
            return self.models[-1].units(batch)
        # Reading takes longest: what was read for one request need not wait for the others.
        return [[request] for request in batch] if self.answers_alone else super().units(batch)

    def cost(self, request: Request) -> int:
        """That of the last stage, where there is nothing to read."""
        return super().cost(request) if self.reads(request) else self.models[-1].cost(request)


def refuse_needy(reader: Model) -> None:
    """Raise BenchError unless the model reads text and needs nothing else."""
    if "text" not in reader.parts or reader.needs - {"text"}:
        raise BenchError(f"{type(reader).__name__} cannot answer from text alone; choose a model that does")
