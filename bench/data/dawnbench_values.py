"""The data sets of DAWNBench with their units and bars, and what a dirty value may be read as."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.types import Json


@dataclass(frozen=True)
class DataSet:
    """The accuracy that ranks, what 100 % of it is (1 or 100), the columns of a training TSV, and the bars.

    The first bar ranks. SQuAD has two: the organisers' instructions say 0.73, their check says 0.75.
    """

    accuracy: str
    whole: float
    columns: tuple[str, ...]
    bars: tuple[float, ...]


DATA_SETS: Mapping[str, DataSet] = {
    "SQuAD": DataSet("f1Score", 1.0, ("epoch", "hours", "f1Score"), (0.75, 0.73)),
    "ImageNet": DataSet("top5Accuracy", 100.0, ("epoch", "hours", "top1Accuracy", "top5Accuracy"), (93.0,)),
    "CIFAR10": DataSet("top1Accuracy", 100.0, ("epoch", "hours", "top1Accuracy"), (94.0,)),
}


@dataclass(frozen=True)
class Finding:
    """A dirty value: where it is, what was found, and what was done about it.

    `action` is "noted" (it stands as it is), "corrected" (only one reading was possible), "left out" (the value does not
    count, the entry does) or "refused" (the entry does not count).
    """

    file: str
    line: int
    field: str
    found: str
    action: str
    text: str

    def __str__(self) -> str:
        at = f"{self.file} line {self.line}" + (f", {self.field}" if self.field else "")
        return f"{at}: found {self.found}; {self.action}: {self.text}"


def as_number(value: Json) -> float:
    """The finite number of a JSON value or table cell; "82.5%" and "$0.90" are 82.5 and 0.9. ValueError says what is wrong.

    >>> as_number("82.5%"), as_number(" 0.9 ")
    (82.5, 0.9)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected a number")
    text = value.strip().removeprefix("$").removesuffix("%") if isinstance(value, str) else value
    try:
        number = float(text)
    except (ValueError, OverflowError):
        raise ValueError("expected a number") from None
    if not math.isfinite(number):
        raise ValueError("expected a finite number")
    return number


def in_unit(values: Sequence[float], whole: float) -> list[float | None]:
    """The accuracies of one column on the scale 0 to `whole` (1 or 100); None for what cannot be read on it.

    Fractions above 1 are percent. Where most of the column is percent, a value of 1 or less could be either and is None.
    A column of percent that never exceeds 1 holds fractions. Neither reading lets a value reach a bar that it might miss.

    >>> in_unit([0.75, 82.5], 1.0), in_unit([50.0, 82.5, 0.9], 1.0), in_unit([0.5, 0.94], 100.0)
    ([0.75, 0.825], [0.5, 0.825, None], [50.0, 94.0])
    """
    n_above = sum(value > 1 for value in values)
    if whole == 1.0:
        unclear = n_above * 2 > len(values)
        scaled = [value / 100 if value > 1 else None if unclear and value else value for value in values]
    else:
        scaled = [value * 100 if n_above == 0 else value for value in values]
    return [value if value is not None and 0 <= value <= whole else None for value in scaled]
