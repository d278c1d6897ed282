"""The data sets of DAWNBench with their units and bars, and what a dirty value may be read as."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bench.data.submissions import number
from bench.text.shown import name_problem, terminal
from bench.types import Json


@dataclass(frozen=True)
class DataSet:
    """The accuracy that ranks, what 100 % of it is (1 or 100), the columns of a training TSV, and the bars.

    The first bar ranks. SQuAD has two: the organisers' instructions say 0.73, their check says 0.75. `least_epoch` and
    `least_training` are the seconds below which no machine goes through the training set once, or trains to a bar, each a
    tenth or less of what the fastest known machines take; `since` is the day when the data were published. `task` is ours on
    the same `n_items` that are evaluated, "" for none, and `metric` its name of the accuracy, a fraction there.
    """

    accuracy: str
    whole: float
    columns: tuple[str, ...]
    bars: tuple[float, ...]
    least_epoch: float
    least_training: float
    since: datetime.date
    task: str
    metric: str
    n_items: int


DATA_SETS: Mapping[str, DataSet] = {
    # 87,599 questions; the fastest entry takes 100 s an epoch, and fine-tuning one on hundreds of today's devices seconds
    "SQuAD": DataSet(
        "f1Score", 1.0, ("epoch", "hours", "f1Score"), (0.75, 0.73), 0.5, 5.0, datetime.date(2016, 6, 16),
        "squad_v1", "f1", 10_570,
    ),
    # 1,281,167 pictures; 158 s to 93 % is the best entry, and MLPerf's thousands of accelerators take above 10 s in all
    "ImageNet": DataSet(
        "top5Accuracy", 100.0, ("epoch", "hours", "top1Accuracy", "top5Accuracy"), (93.0,), 0.02, 1.0,
        datetime.date(2009, 6, 20), "", "", 50_000,
    ),
    # 50,000 pictures; the fastest entry takes 0.43 s an epoch and 10 s in all, and one device of today 2 s in all
    "CIFAR10": DataSet(
        "top1Accuracy", 100.0, ("epoch", "hours", "top1Accuracy"), (94.0,), 0.002, 0.2, datetime.date(2009, 4, 8),
        "cifar10", "accuracy", 10_000,
    ),
}  # fmt: skip
LEAST_LATENCY_MS = 0.001  # a microsecond: less than one transfer to an accelerator, and than these clocks resolve
MOST_LATENCY_MS = 3.6e6  # an hour for one item
MOST_HOURS = 1e5  # eleven years
LEAST_COST = 1e-11  # US dollars an item: a cent for a thousand million items; nothing is free, a figure of 0 is none
MOST_COST = 1e4
LEAST_COST_PER_HOUR, MOST_COST_PER_HOUR = 1e-3, 1e6  # US dollars: no machine is rented for less
MOST_EPOCHS = 1e6
SLOW_EPOCH_HOURS = 24.0  # the slowest entry takes 1.2; hours that are this many may be seconds
MOST_LETTERS = 1_000  # of a name
MOST_BYTES = 1024**2  # of a file of an entry
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")


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


def as_number(value: Json, mark: str = "") -> float:
    """The finite number of a JSON value or table cell, which may bear this `mark` ("$", "%"); ValueError says what is wrong.

    >>> as_number("82.5%", "%"), as_number("$0.90", "$"), as_number(" 0.9 ")
    (82.5, 0.9, 0.9)
    """
    text = value.strip(" \t") if isinstance(value, str) else value
    if mark and isinstance(text, str):
        text = text.removeprefix("$").lstrip(" ") if mark == "$" else text.removesuffix(mark).rstrip(" ")
    try:
        return number(text)
    except ValueError as error:
        comma = "; write a decimal point" if isinstance(text, str) and _COMMA.fullmatch(text) else ""
        raise ValueError((str(error).partition(", ")[2] or "expected a number") + comma) from None


def unprintable(text: str) -> bool:
    """Whether the text holds what moves a cursor, turns the direction of writing or cannot be seen: no name does.

    >>> unprintable("DrQA, 1 × K80"), unprintable("a\\x1b[2Jb"), unprintable("a\\u202eb")
    (False, True, True)
    """
    return bool(name_problem(text, len(text)))


def as_seen(text: str, limit: int = 80) -> str:
    """A text of a stranger for a message: its start, with escapes for what cannot be seen.

    >>> as_seen("a\\x1bb"), as_seen("f1Score")
    ('a\\\\x1bb', 'f1Score')
    """
    return terminal(text, limit)


def accuracies(values: Sequence[Json], whole: float) -> list[float | None]:
    """The accuracies of one column on the scale 0 to `whole` (1 or 100); None for what cannot be read on it.

    A percent sign says that it is percent; beside such ones a plain value of 1 or less could be either and is None. Without any
    the values tell their scale together, as `in_unit` has it.

    >>> accuracies(["0.9%", 0.8], 1.0), accuracies(["0.94%"], 100.0), accuracies(["n/a", 82.5], 1.0)
    ([0.009000000000000001, None], [0.94], [None, 0.825])
    """
    read: dict[int, float] = {}
    for place, value in enumerate(values):
        with suppress(ValueError):
            read[place] = as_number(value, "%")
    marked = {place for place in read if str(values[place]).strip().endswith("%")}
    plain = [place for place in read if place not in marked]
    found = dict(zip(plain, in_unit([read[place] for place in plain], whole), strict=True))
    if marked:
        found |= {place: None for place in plain if 0 < read[place] <= 1}
        found |= {place: read[place] * whole / 100 if 0 <= read[place] <= 100 else None for place in marked}
    return [found.get(place) for place in range(len(values))]


def unreadable(value: Json, whole: float) -> str:
    """What is wrong with an accuracy that `accuracies` gives None for, in words.

    >>> unreadable(1, 100.0), unreadable(-1, 100.0)
    ('could be a fraction or percent; write it on the scale from 0 to 100, or with a % sign', 'expected a number from 0 to 100')
    """
    try:
        read = as_number(value, "%")
    except ValueError as error:
        return f"expected a number from 0 to {whole:g}{''.join(str(error).partition('; ')[1:])}"
    if 0 < read <= 1:
        return f"could be a fraction or percent; write it on the scale from 0 to {whole:g}, or with a % sign"
    return f"expected a number from 0 to {whole:g}"


def in_unit(values: Sequence[float], whole: float) -> list[float | None]:
    """The accuracies of one column on the scale 0 to `whole` (1 or 100); None for what cannot be read on it.

    Fractions above 1 are percent; beside such ones a 1 is 1 % or all, and None. Where most of the column is percent, a value
    below 1 could be either too. A column of percent that never exceeds 1 holds fractions, but a 1 in it is None as well.

    >>> in_unit([0.75, 82.5], 1.0), in_unit([50.0, 82.5, 0.9], 1.0), in_unit([0.5, 0.94], 100.0)
    ([0.75, 0.825], [0.5, 0.825, None], [50.0, 94.0])
    """
    n_above = sum(value > 1 for value in values)
    if whole == 1.0:
        unclear = n_above * 2 > len(values)
        unclear_at = {value for value in values if 0 < value < 1} if unclear else set()
        unclear_at |= {1.0} if n_above else set()  # all of it, or 1 %
        scaled = [value / 100 if value > 1 else None if value in unclear_at else value for value in values]
    else:
        scaled = [value if n_above else None if value == 1 else value * 100 for value in values]
    return [value if value is not None and 0 <= value <= whole else None for value in scaled]
