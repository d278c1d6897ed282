"""Numbers on scales, as models give them or as a text says them."""

from __future__ import annotations

from collections.abc import Mapping

from bench.task import Unparsed
from bench.text.stated_numbers import numbers_in
from bench.types import Prediction


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
