"""Numbers along the time of a film or conversation: the reference and what was answered, one above the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.scoring.answers import read as read_answer
from bench.site.axis import Axis, Tick
from bench.site.data import TaskData
from bench.task import Task
from bench.types import Example, Json, Prediction, Regress

MOST = 12  # films or conversations that are drawn
WIDTH, HEIGHT = 420.0, 84.0  # of the whole picture and of each of its panels
_LEFT, _RIGHT, _TOP = 40.0, 10.0, 28.0
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)  # what a parser raises on an answer that is none


@dataclass(frozen=True)
class Line:
    """The values of one side: a path that breaks where there is none, and a mark for each."""

    path: str
    marks: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One scale over time, its top at `y` of the picture."""

    name: str
    y: float
    ticks: Sequence[Tick]
    reference: Line
    answer: Line


@dataclass(frozen=True)
class Along:
    """The picture of one film or conversation, its values in a table, and a sentence that says what it shows."""

    title: str
    says: str
    label: str
    height: float
    x_ticks: Sequence[Tick]
    panels: Sequence[Panel]
    rows: Sequence[Sequence[str]]
    names: Sequence[str]


@dataclass(frozen=True)
class Drawn:
    """What a run's page draws, and how many more there are."""

    pictures: Sequence[Along] = ()
    left_out: int = 0
    noun: str = "cluster"


def along(data: TaskData, places: Sequence[int], predictions: Mapping[str, Prediction]) -> Drawn:
    """The films or conversations of a run that asks for numbers, in the order of the data; none where data may not be shown."""
    task = data.task
    if task is None or data.reason or not issubclass(task.output, Regress):
        return Drawn()
    groups: dict[str, list[Example]] = {}
    for example in (data.examples[place] for place in places if place >= 0):
        if example.target is not None:
            groups.setdefault(example.cluster, []).append(example)
    several = {name: group for name, group in groups.items() if len(group) > 1}
    if not several or (asked := _asked(task, next(iter(several.values()))[0])) is None:
        return Drawn()
    drawn = [_picture(task, asked, name, group, predictions) for name, group in list(several.items())[:MOST]]
    card = getattr(task, "card", None)
    return Drawn(drawn, len(several) - len(drawn), card.cluster if card else "cluster")


def _asked(task: Task, example: Example) -> Regress | None:
    """The scales of the task; None where its files are not here."""
    try:
        output = task.request(example).output
    except BenchError:
        return None
    return output if isinstance(output, Regress) else None


def _picture(
    task: Task, asked: Regress, title: str, group: Sequence[Example], predictions: Mapping[str, Prediction]
) -> Along:
    times, label, group = _times(task, group)
    said = [_values(task, example, predictions.get(example.id)) for example in group]
    x = Axis(min(times), max(times), _LEFT + 8, WIDTH - _RIGHT - 8)
    panels, tells = [], []
    for i, (name, low, high) in enumerate(zip(asked.names, asked.low, asked.high, strict=True)):
        y = i * (HEIGHT + _TOP) + _TOP
        axis = Axis(low, high, y + HEIGHT, y)
        truth = [_number(example.target, name) for example in group]
        answers = [_number(one, name) for one in said]
        panels.append(Panel(name, y, axis.ticks(2), _line(x, axis, times, truth), _line(x, axis, times, answers)))
        off = [abs(a - b) for a, b in zip(truth, answers, strict=True) if a is not None and b is not None]
        tells.append(f"{name}: off by {sum(off) / len(off):.2f} on average" if off else f"{name}: nothing to compare")
    rows = [
        [_short(time), example.id, *(f"{_short(_number(side, name))}" for name in asked.names for side in (example.target, one))]
        for time, example, one in zip(times, group, said, strict=True)
    ]  # fmt: skip
    says = f"{len(group)} examples in order; {'; '.join(tells)}"
    height = len(panels) * (HEIGHT + _TOP) + 32
    return Along(title, says, label, height, _whole(x, label), panels, rows, asked.names)


def _times(task: Task, group: Sequence[Example]) -> tuple[list[float], str, Sequence[Example]]:
    """When each example is, what that is called, and the examples in this order; where nobody knows, their numbers."""
    looks = [task.look(example) for example in group]
    starts = [look.start for look in looks if look.start is not None]
    if len(starts) < len(group) or len(set(starts)) < 2:
        return [float(i) for i in range(1, len(group) + 1)], "number in order", group
    ends = [look.end if look.end is not None else start for start, look in zip(starts, looks, strict=True)]
    middle = [(start + max(start, end)) / 2 for start, end in zip(starts, ends, strict=True)]
    order = sorted(range(len(group)), key=lambda i: middle[i])
    return [middle[i] for i in order], "seconds", [group[i] for i in order]


def _whole(x: Axis, label: str) -> list[Tick]:
    """Values beside the axis of time; numbers in order are whole."""
    return [tick for tick in x.ticks(6) if label == "seconds" or "." not in tick.text]


def _values(task: Task, example: Example, prediction: Prediction | None) -> Json:
    if prediction is None or prediction.error is not None:
        return None
    try:
        return read_answer(task, example, prediction).answer
    except _UNREADABLE:
        return None


def _number(value: Json, name: str) -> float | None:
    found = value.get(name) if isinstance(value, Mapping) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 1e9 else None


def _line(x: Axis, y: Axis, times: Sequence[float], values: Sequence[float | None]) -> Line:
    path, marks, joined = "", [], False
    for time, value in zip(times, values, strict=True):
        if value is None:
            joined = False
            continue
        at = (x.at(time), y.at(value))
        path += f"{'L' if joined else 'M'}{at[0]} {at[1]}"
        marks.append(at)
        joined = True
    return Line(path, marks)


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
