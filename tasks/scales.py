"""Numbers on scales, as models give them or as a text says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bench.data.shapes import a_number, an_object
from bench.task import Task, Unparsed
from bench.text.stated_numbers import numbers_in
from bench.types import Example, Json, Prediction, Regress


def said_on(prediction: Prediction, scales: Mapping[str, tuple[float, float]]) -> dict[str, float] | Unparsed:
    """A number for each of `scales` {name: (lowest, highest)}, held within it; of a text those of its JSON object with all names.

    Where there are none the answer is null for each, which is none.
    """
    values = prediction.values
    if values is None and prediction.text is not None:
        try:
            values = numbers_in(prediction.text, list(scales), *zip(*scales.values(), strict=True))
        except ValueError:
            return Unparsed(dict.fromkeys(scales))
    if values is None or set(scales) - set(values):
        return Unparsed(dict.fromkeys(scales))
    return {name: float(min(max(values[name], low), high)) for name, (low, high) in scales.items()}


class ScaledTask(Task):
    """Numbers on `scales` {name: (lowest, highest)} of each example; a target has one for each, within its scale."""

    output = Regress
    scales: ClassVar[Mapping[str, tuple[float, float]]]

    def asked(self) -> Regress:
        """What a request asks for."""
        low, high = zip(*self.scales.values(), strict=True)
        return Regress(tuple(self.scales), low, high)

    def answer(self, prediction: Prediction) -> dict[str, float] | Unparsed:
        """The values, held within their scales, or those that a text says."""
        return said_on(prediction, self.scales)

    def checked(self, example: Example, answer: Json) -> dict[str, float]:
        """A number for each scale, within it."""
        found = an_object(answer, self.scales)
        return {name: a_number(found[name], low, high) for name, (low, high) in self.scales.items()}

    def ideal(self, example: Example) -> Prediction:
        """The target itself."""
        return Prediction(example.id, values=dict(example.target))
