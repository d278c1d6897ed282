"""A regression head: numbers on a scale for a whole text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.errors import BenchError
from bench.models.classifier import SequenceHead
from bench.models.encoder_head import last_said
from bench.types import Prediction, Regress, Request


class Regressor(SequenceHead):
    """A value on each scale for the last text of the user, from a head with a number for each.

    `low` and `high` are the ends of the head's own scales (one number for all of them or one each, in the head's order);
    without, it speaks in those of the request. Values are moved to the request's scale and clipped to it. The head's
    numbers are taken by its labels, or by `labels` {its label: scale}; in order where it has plain LABEL_0, LABEL_1, ….
    """

    outputs = (Regress,)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        labels: dict[str, str] | None = None,
        low: list[float] | None = None,
        high: list[float] | None = None,
        max_length: int | None = None,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(
            source, sha256, labels=labels, max_length=max_length, tokens_per_pass=tokens_per_pass, trust=trust
        )
        ends = list(zip(low or [], high or [], strict=False))
        if len(low or []) != len(high or []) or any(a >= b for a, b in ends):
            raise BenchError(
                f"model.low={low} and model.high={high} must have as many numbers, each low below its high"
            )
        self.ends = ends

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """All texts of the batch go through the model packed by length."""
        for request in batch:
            if not isinstance(request.output, Regress) or last_said(request) is None:
                raise ValueError(f"request {request.id!r} has no text of the user to judge")
        tokens = self.tokens(text for request in batch for text in self.texts(request))
        made = [self.row(tokens[self.texts(request)[0]].ids) for request in batch]
        done = []
        for request, (row, cut), numbers in zip(batch, made, self.numbers([r for r, _ in made]).tolist(), strict=True):
            assert isinstance(request.output, Regress)  # noqa: S101 - checked for the whole batch above
            values = self._values(request.output, numbers)
            done.append(Prediction(request.id, values=values, prompt_tokens=len(row.ids), truncated=cut))
        return done

    def _values(self, output: Regress, numbers: list[float]) -> dict[str, float]:
        """The head's numbers [k] on the scales of the request."""
        values = {}
        places = self._places(output.names)
        for name, low, high in zip(output.names, output.low, output.high, strict=True):
            value = numbers[places[name]]
            if self.ends:
                a, b = self.ends[0] if len(self.ends) == 1 else self.ends[places[name]]
                value = low + (value - a) / (b - a) * (high - low)
            values[name] = min(max(value, low), high)
        return values

    def _places(self, names: tuple[str, ...]) -> dict[str, int]:
        """Which of the head's numbers is each scale's."""
        if len(self.ends) not in (0, 1, len(self.own)):
            raise BenchError(
                f"model.low has {len(self.ends)} numbers, {self.source} has {len(self.own)}; give one, or one each"
            )
        plain = all(re.fullmatch(r"LABEL_\d+", label) for label in self.own) and not self.labels
        if plain and len(names) == len(self.own):
            return {name: i for i, name in enumerate(names)}
        return self.places(names, all_own=False)
