"""A worker as an actor of Ray: `Hand` with what passes between processes as bytes. Imported where Ray is."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bench.errors import BenchError
from bench.launch.crew import Facts, Held
from bench.launch.hand import Hand, Piece


class RayHand:
    """What it refuses it gives back as a line of text, since an error of an actor would be another one where it arrives."""

    def __init__(self, work: bytes) -> None:
        self._hand = Hand(pickle.loads(work))

    def ready(self) -> Facts | str:
        """Load the model; at once where that was done for the run before."""
        node = _node()
        try:
            return replace(self._hand.ready(), node=node)
        except BenchError as error:
            return f"a worker on {node}: {error}"

    def cut(self, parcel: bytes) -> list[list[int]] | str:
        """See `Hand.cut`."""
        try:
            return self._hand.cut(pickle.loads(parcel))
        except BenchError as error:
            return str(error)

    def answer(self, parcel: bytes) -> Iterator[Piece | Held | str]:
        """The pieces of the unit, then what is held."""
        try:
            yield from self._hand.answer(pickle.loads(parcel))
            yield self._hand.held()
        except BenchError as error:
            yield str(error)


def _node() -> str:
    import ray

    return str(ray.util.get_node_ip_address())


def remote(cpus: int, gpus: float) -> Any:
    """The class of actors that take so much of a node; a batch is cut beside what is answered."""
    import ray

    found: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0, concurrency_groups={"cut": 1})(RayHand)
    return found
