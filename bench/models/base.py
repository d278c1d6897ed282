"""What a model is, as the loop sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bench.types import Output, Prediction, Request, Text


@dataclass(frozen=True)
class Device:
    """Where a model runs: `kind` is "cpu" or "cuda", `dtype` float32, bfloat16 or float16, `threads` of the CPU."""

    kind: str = "cpu"
    dtype: str = "float32"
    threads: int = 1
    name: str = ""

    def describe(self) -> dict[str, str | int]:
        """For a run's environment."""
        return {"device": self.kind, "device_name": self.name, "dtype": self.dtype, "threads": self.threads}


class Model(ABC):
    """Answers requests. `parts` and `outputs` say what it takes; anything else is refused before `load`.

    `needs` are parts without which it has nothing to do of its own (a reader of pages needs a page).

    `revision` and `weights_sha256` pin what it is without loading it. `uses_device` is False for models that compute in
    plain Python, whose device and dtype would be a fiction.
    """

    parts: frozenset[str] = frozenset({"text"})
    outputs: tuple[type[Output], ...]
    needs: frozenset[str] = frozenset()
    revision: str = ""
    weights_sha256: str = ""
    loaded: tuple[Device, int] | None = None  # for which device and seed the loop has loaded it
    is_reference: ClassVar[bool] = False
    reads_targets: ClassVar[bool] = False
    uses_device: ClassVar[bool] = True

    def fetch(self) -> None:
        """Bring the weights into the cache, without loading them."""

    def load(self, device: Device, *, seed: int) -> None:
        """Get ready to predict; called once, timed as phase `load`."""

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """Only for reference rows with `reads_targets`: the ideal prediction of each request id."""

    def cost(self, request: Request) -> int:
        """How long the request is, in any unit; requests of like cost are batched together."""
        return sum(len(part.text) for part in request.parts if isinstance(part, Text))

    def sync(self) -> None:
        """Wait until the device has finished; the stopwatch calls it before each reading."""

    def device_memory_bytes(self) -> int | None:
        """The peak of device memory, None where the device has none of its own."""
        return None

    @abstractmethod
    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """One prediction a request, in order. An exception fails only the requests that raise it when asked alone."""
