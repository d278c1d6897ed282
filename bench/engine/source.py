"""Where answers come from: the model of this process, unit by unit; or others, that are told which (`bench.launch`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from bench.engine import feed
from bench.engine.veil import Veiled
from bench.models.base import Device
from bench.runs.attempt import Attempt
from bench.types import Json, Prediction, Request

Waves: TypeAlias = Iterable[Iterator[feed.Unit]]  # none may be planned before the last is answered
Counts: TypeAlias = Callable[[Sequence[Prediction], int], Mapping[str, Json]]
Answered: TypeAlias = "Iterator[tuple[feed.Unit, list[Prediction]]]"


class Source(feed.Planner, Protocol):
    """Plans and answers the units of a run, each group with its reading in the ledger of the attempt before it is given on."""

    def load(self) -> None:
        """Get ready to be asked; done once, however often it is called."""

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """The ideal prediction of each example, for a reference row."""

    def answers(self, waves: Waves, counts: Counts) -> Answered:
        """Each group of answers with its unit, in any order within a wave.

        `counts` are what the ledger says of a group and the halvings it took, beside its time.
        """


class Here:
    """The model of this process: one unit behind another, the next one told to it meanwhile."""

    def __init__(self, model: Veiled, name: str, device: Device, seed: int, attempt: Attempt) -> None:
        self._model, self._name, self._device, self._seed, self._watch = model, name, device, seed, attempt.watch

    def load(self) -> None:
        """Load the model."""
        feed.load(self._model, self._device, self._seed, self._watch)

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """Tell the model."""
        self._model.reveal(ideal)

    def cost(self, request: Request) -> int:
        """As the model says."""
        return self._model.cost(request)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """As the model cuts it."""
        return self._model.units(batch)

    def answers(self, waves: Waves, counts: Counts) -> Answered:
        """See `Source`."""
        room = feed.Room()

        def counted(group: Sequence[Prediction]) -> Mapping[str, Json]:
            return counts(group, room.counted())

        for wave in waves:
            for unit in feed.ahead(wave, self._model):
                groups = feed.in_turn(unit, self._model, self._name, room)
                for group in self._watch.steps(groups, counted, unit.position):
                    yield unit, group
