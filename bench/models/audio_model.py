"""What models that hear recordings share: how long a request is, and reading what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.models import sound
from bench.models.base import Model
from bench.types import Request


class AudioModel(Model):
    """Hears the one recording of a request, at `rate` samples a second, which may be known once it is loaded."""

    parts = frozenset({"audio"})
    rate: int
    ahead: sound.Ahead

    def cost(self, request: Request) -> int:
        """The length of the recording."""
        return sound.n_tokens([sound.recording(request)])

    def prepare(self, batch: Sequence[Request]) -> None:
        """Read the recordings that are short."""
        if hasattr(self, "rate"):
            self.ahead.prepare([sound.recording(request) for request in batch], self.rate)

    def pieces(self, request: Request) -> Iterator[sound.Samples]:
        """The recording of a request, out of what was read before if it is there."""
        return self.ahead.pieces(sound.recording(request), self.rate)
