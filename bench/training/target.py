"""The bar of a training: a metric of the task and the value that it must reach."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.errors import BenchError
from bench.task import Task
from bench.text.meant import meant

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Target:
    """`metric` must come to `value`, from below where higher is better, from above where not."""

    metric: str
    value: float
    higher_is_better: bool = True
    is_fraction: bool = True

    def met(self, value: float) -> bool:
        """Whether a score is at the bar or beyond.

        >>> Target("f1", 0.75).met(0.75), Target("wer", 0.1, higher_is_better=False).met(0.2)
        (True, False)
        """
        return value >= self.value if self.higher_is_better else value <= self.value

    def better(self, values: list[float]) -> float:
        """The best of some scores."""
        return max(values) if self.higher_is_better else min(values)

    def __str__(self) -> str:
        return f"{self.metric}:{self.value:g}"


def target_of(text: str | None, task: Task) -> Target:
    """What `target=METRIC:VALUE` asks for; raises BenchError for what is no metric of the task, and no value that it can have."""
    names = [metric.name for metric in task.metrics]
    form = f"write target={names[0]}:VALUE; the metrics of task '{task.name}' are {', '.join(names)}"
    if not text:
        raise BenchError(f"target is not given; {form}")
    name, colon, number = (part.strip() for part in text.rpartition(":"))
    if not colon:
        raise BenchError(f"target={text} is no metric with a value; {form}")
    metric = next((one for one in task.metrics if one.name == name), None)
    if metric is None:
        raise BenchError(f"target={text}: task '{task.name}' has no metric '{name}'; {form}{meant(name, names)}")
    percent = number.endswith("%")
    plain = number.removesuffix("%").strip()
    if not _NUMBER.fullmatch(plain):
        raise BenchError(f"target={text}: '{number}' is no number; {form}")
    value = float(plain)
    if metric.is_fraction:
        _refuse_no_fraction(text, name, value, percent=percent)
        nothing, ceiling = (0.0, 1.0) if metric.higher_is_better else (1.0, 0.0)
        if value == nothing:
            raise BenchError(
                f"target={text}: every model has {name} {nothing:g} or better; choose a value nearer {ceiling:g}"
            )
    elif percent:
        raise BenchError(f"target={text}: {name} is no fraction; give its value as a number")
    return Target(name, value, metric.higher_is_better, metric.is_fraction)


def _refuse_no_fraction(text: str, name: str, value: float, *, percent: bool) -> None:
    """Raise BenchError for a value that no fraction has, or that is written as percent."""
    if percent or 1 < value <= 100:
        raise BenchError(
            f"target={text}: {name} is a fraction from 0 to 1, and this is percent; did you mean {name}:{value / 100:g}?"
        )
    if not 0 <= value <= 1:
        raise BenchError(f"target={text}: {name} is a fraction from 0 to 1, and never {value:g}")


def too_easy(target: Target, task: Task) -> str:
    """A line for a target that guessing reaches, "" for any other or where that is not known."""
    if target.metric != task.metrics[0].name:
        return ""
    low, high = task.card.chance
    guessed = high if target.higher_is_better else low
    if target.met(guessed):
        return f"target {target} is no better than chance on task '{task.name}' ({low:g} to {high:g}); to reach it says little"
    return ""
