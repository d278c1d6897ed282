"""A pipeline that reads what its text model cannot (pages, recordings, long contexts), and passes everything else on as it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from bench.models.base import Model
from bench.models.composite import Composite
from bench.types import Request


class Reader(Composite):
    """A composite whose last stage `text_model` answers; a request that it does not `read` goes there untouched.

    Such requests are cut, costed and read ahead as the text model does alone: in a pipeline it answers them as it does without.
    """

    text_model: Model

    @abstractmethod
    def reads(self, request: Request) -> bool:
        """Whether there is anything to read before the text model answers."""

    def read_ahead(self, batch: Sequence[Request]) -> None:
        """`prepare` for what is read; what cannot be read is left to `predict`."""

    def read_cost(self, request: Request) -> int:
        """`cost` of what is read."""
        return super().cost(request)

    def prepare(self, batch: Sequence[Request]) -> None:
        """Read ahead, and let the text model do so with what it gets as it is."""
        kinds: dict[bool, list[Request]] = {True: [], False: []}
        for request in batch:
            kinds[self.reads(request)].append(request)
        if kinds[True]:
            self.read_ahead(kinds[True])
        if kinds[False]:
            self.text_model.prepare(kinds[False])

    def cost(self, request: Request) -> int:
        """As the text model says of what it gets as it is."""
        return self.read_cost(request) if self.reads(request) else self.text_model.cost(request)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """As the text model cuts a batch of which nothing is read."""
        return super().units(batch) if any(map(self.reads, batch)) else self.text_model.units(batch)
