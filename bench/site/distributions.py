"""How the times of a scenario are distributed: a curve of each, with the percentiles that there are enough answers for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bundles.public import public_text
from bench.leaderboard.readings import figure
from bench.record import Run
from bench.runs.claimed import shown
from bench.site.axis import Axis, Tick
from bench.site.duration import duration
from bench.text.shown import terminal
from bench.timeline.scenarios import Reading
from bench.timing.percentiles import ENOUGH, percentile
from bench.timing.raw import Answer
from bench.types import Json

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380.0, 230.0, 44.0, 14.0, 12.0, 34.0
_MARKED = (50, 90, 99)
_POINTS = 300  # of a curve: more than its picture can show
_QUANTITIES: tuple[tuple[str, str, Callable[[Answer], float | None]], ...] = (
    ("latency", "latency", lambda one: one.latency),
    ("ttft", "time to first token", lambda one: one.ttft),
    ("tpot", "time per output token behind the first", lambda one: one.tpot),
)


@dataclass(frozen=True)
class Mark:
    """A percentile on the curve."""

    x: float
    y: float
    text: str
    left: bool


@dataclass(frozen=True)
class Curve:
    """The share of answers that took at most so long, as a path; `says` says it in words."""

    title: str
    path: str
    marks: list[Mark]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    label: str
    says: str


@dataclass(frozen=True)
class Distribution:
    """A scenario on the page of a run: what was found, the curves, and the table of their numbers."""

    name: str
    verdict: str
    reasons: list[str]
    facts: dict[str, str]
    curves: list[Curve]
    heads: list[str]
    rows: list[tuple[str, list[str]]]
    tried: list[list[str]]
    fault: str


def distribution(run: Run, reading: Reading) -> Distribution:
    """What the page shows of one scenario; what somebody else measured is marked as claimed."""
    summary = reading.summary
    answers = [one for one in (reading.probe.answers if reading.probe else []) if one.error is None]
    curves = []
    for name, title, of in _QUANTITIES:
        values = [value for one in answers if (value := of(one)) is not None]
        if values and summary.get(name) is not None:
            curves.append(_curve(title, values))

    if reading.scenario == "server" and answers:
        curves.append(_queue(reading.probe.answers if reading.probe else answers))

    def mark(text: str) -> str:
        return shown(run, "times", text)

    return Distribution(
        reading.scenario.replace("_", " "), mark(_text(summary.get("verdict"))),
        _reasons(summary), {k: mark(v) for k, v in _facts(summary).items()}, curves,
        ["n", "mean", "min", *(f"p{rank}" for rank in ENOUGH), "max"], _rows(summary, len(answers), mark), _tried(summary, mark),
        reading.fault,
    )  # fmt: skip


def _reasons(summary: Mapping[str, Any]) -> list[str]:
    told = summary.get("reasons")
    return (
        [terminal(public_text(one), 300) for one in told[:20] if isinstance(one, str)] if isinstance(told, list) else []
    )


def _facts(summary: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "rules": _text(summary.get("rules")), "answers": _count(summary.get("n")), "failed": _count(summary.get("failed")),
        "measured for": duration(_number(summary.get("seconds"))),
        "examples a second": _rate(summary.get("examples_per_second")), "tokens a second": _rate(summary.get("tokens_per_second")),
        "asked rate": _rate(summary.get("qps")), "bound": _bound(summary.get("bound")),
        "the client's own time": duration(_number(summary.get("client_overhead_seconds"))),
        "same answers as in the run": _passed(summary, "same_answers"), "no cache found": _passed(summary, "cache"),
        "machine": _machine(summary.get("environment")), "begun": _text(summary.get("started"))[:19].replace("T", " "),
    }  # fmt: skip
    return {name: text for name, text in found.items() if text not in ("", "–")}


def _curve(title: str, values: Sequence[float]) -> Curve:
    ordered = sorted(values)
    unit, scale = ("ms", 1000.0) if ordered[-1] < 2 else ("s", 1.0)
    scaled = [scale * one for one in ordered]
    x = Axis.of(scaled, LEFT, WIDTH - RIGHT, room=0.03)
    y = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    n = len(scaled)
    steps = sorted({round(i * (n - 1) / (_POINTS - 1)) for i in range(_POINTS)}) if n > _POINTS else range(n)
    path = [f"M{LEFT} {y.at(0)}H{x.at(scaled[0])}"]
    path += [f"V{y.at((i + 1) / n)}H{x.at(scaled[i + 1] if i + 1 < n else x.high)}" for i in steps]
    marks, told, missing = [], [], []
    for rank in _MARKED:
        value = percentile(scaled, rank)
        if value is None:
            missing.append(f"p{rank} needs {ENOUGH[rank]}")
            continue
        told.append(f"p{rank} {figure(value)} {unit}")
        at = x.at(value)
        marks.append(Mark(at, y.at(rank / 100), f"p{rank} {figure(value)}", at > (WIDTH + LEFT) / 2))
    says = f"{title} of {n:,} answers: from {figure(scaled[0])} to {figure(scaled[-1])} {unit}"
    says += "".join(f"; {one}" for one in told) + (f"; {', '.join(missing)} answers" if missing else "")
    label = f"{title}, {unit}{', log scale' if x.log else ''}"
    return Curve(title, "".join(path), marks, x.ticks(6), y.ticks(5), label, says)


def _queue(answers: Sequence[Answer]) -> Curve:
    """How many requests were due and not yet asked, over the time: the queue of a server, the most of each bit of the time."""
    changes = sorted([(one.scheduled, 1) for one in answers] + [(one.issued, -1) for one in answers])
    end = max(one.ended for one in answers)
    most = [0] * _POINTS
    waiting = 0
    waited = 0.0
    for number, (moment, change) in enumerate(changes):
        waiting += change
        then = changes[number + 1][0] if number + 1 < len(changes) else end
        waited += waiting * (then - moment)
        for at in range(_slot(moment, end), _slot(then, end) + 1) if then > moment else ():
            most[at] = max(most[at], waiting)
    x = Axis.of([0.0, end], LEFT, WIDTH - RIGHT, zero=True)
    y = Axis(0.0, max(1.0, max(most) * 1.05), HEIGHT - BOTTOM, TOP)
    path = f"M{LEFT} {y.at(0)}" + "".join(f"V{y.at(n)}H{x.at((i + 1) * end / _POINTS)}" for i, n in enumerate(most))
    mean = f"{waited / end:.2g}" if end else "0"
    says = f"requests that were due and waited: {mean} in the mean of {duration(end)}, at most {max(most)}"
    whole = [tick for tick in y.ticks(5) if tick.text.isdigit()]
    return Curve("queue", path, [], x.ticks(5), whole, "seconds since the scenario began", says)


def _slot(moment: float, end: float) -> int:
    return min(_POINTS - 1, int(_POINTS * moment / end)) if end else 0


def _rows(summary: Mapping[str, Any], n: int, mark: Callable[[str], str]) -> list[tuple[str, list[str]]]:
    found = []
    for name, title, _ in _QUANTITIES:
        spread = summary.get(name)
        if not isinstance(spread, Mapping):
            continue
        numbers = [
            duration(_number(spread.get(key))) for key in ("mean", "min", *(f"p{rank}" for rank in ENOUGH), "max")
        ]
        found.append((title, [mark(_count(summary.get("n"))), *map(mark, numbers)]))
    return found


def _tried(summary: Mapping[str, Any], mark: Callable[[str], str]) -> list[list[str]]:
    """The rates of a search: rate, verdict, and what the bound is of."""
    tried = summary.get("search")
    rows = [one for one in tried if isinstance(one, Mapping)] if isinstance(tried, list) else []
    return [
        [mark(_rate(one.get("qps"))), mark(_text(one.get("verdict"))), mark(duration(_number(one.get("seconds"))))]
        for one in rows
    ]


def _number(value: Json) -> float | None:
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        else None
    )


def _count(value: Json) -> str:
    return f"{value:,}" if type(value) is int else "–"


def _rate(value: Json) -> str:
    number = _number(value)
    return "–" if number is None else figure(number)


def _text(value: Json) -> str:
    return terminal(public_text(value), 100) if isinstance(value, str) else "–"


def _bound(value: Json) -> str:
    if not isinstance(value, Mapping):
        return "–"
    return f"p{_count(value.get('percentile'))} within {duration(_number(value.get('seconds')))}"


def _passed(summary: Mapping[str, Any], name: str) -> str:
    audit = summary.get("audit")
    found = audit.get(name) if isinstance(audit, Mapping) else None
    if not isinstance(found, Mapping):
        return "–"
    return "passed" if found.get("passed") is True else "failed"


def _machine(value: Json) -> str:
    if not isinstance(value, Mapping):
        return "–"
    parts = [_text(value.get(name)) for name in ("device", "device_name", "cpu", "dtype") if value.get(name)]
    threads = f", {value['threads']} threads" if type(value.get("threads")) is int else ""
    load = _number(value.get("load"))
    return " ".join(parts) + threads + ("" if load is None else f", load {load:.2g} when it began")
