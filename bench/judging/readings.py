"""Scenario readings of two runs side by side: what of them can be compared, and by how much they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.judging.pair import Side
from bench.leaderboard.readings import barred, part
from bench.record import Run
from bench.runs.claimed import is_claimed
from bench.runs.readings import Reading, checked
from bench.stats.quantiles import slower
from bench.stats.speed import Slowdown, seconds_an_example, slowdown
from bench.timing.percentiles import ENOUGH
from bench.timing.raw import Answer
from bench.types import Json

JUDGED = (
    "offline",
    "single_stream",
)  # a server's wait is that of its queue, and its highest rate a search: no plain time
RANKS = (50, 90)
_ENVIRONMENT = ("device", "device_name", "cpu", "dtype", "threads")
_SETTINGS = ("rules", "warmup", "at_once")
_CHOSEN = ("dtype", "threads", "batch_size", "batch_tokens", "at_once", "warmup")
_BLOCKS = 20  # of an offline reading: so many say how it varies within
_KEPT = 2000  # answers of a baseline
_MOST = 100.0  # logarithms: more is no number


@dataclass(frozen=True)
class Timed:
    """A reading in small form: `seconds` of each answer of a single stream by its example, `blocks` (answers, seconds) of offline.

    `barred` says why it is not to be compared at all, "" where it is; `conditions` must be the same on both sides.
    """

    scenario: str
    barred: str
    conditions: Mapping[str, Json]
    seconds: Mapping[str, float]
    blocks: tuple[tuple[int, float], ...]

    def to_json(self) -> dict[str, Json]:
        """As a baseline keeps it; the inverse of `from_json`."""
        seconds = {name: float(f"{one:.6g}") for name, one in self.seconds.items()}
        return {
            "scenario": self.scenario, "barred": self.barred, "conditions": dict(self.conditions), "seconds": seconds,
            "blocks": [list(one) for one in self.blocks],
        }  # fmt: skip

    @classmethod
    def from_json(cls, found: Mapping[str, Json]) -> Timed:
        """Raises ValueError, TypeError, KeyError or AttributeError for what is none."""
        seconds = {str(name): float(one) for name, one in found["seconds"].items()}
        blocks = tuple((int(n), float(took)) for n, took in found["blocks"])
        if not all(0 < one < 1e8 for one in (*seconds.values(), *(took for _, took in blocks))):
            raise ValueError("it has a time that is none")
        return cls(str(found["scenario"]), str(found["barred"]), dict(found["conditions"]), seconds, blocks)


def of_folder(folder: Path, run: Run) -> dict[str, Timed]:
    """The readings of a run that can be judged, by scenario, from their raw files; BenchError where a record denies its file."""
    found = {}
    for name in JUDGED:
        if name not in run.scenarios:
            continue
        if is_claimed(run, "scenarios"):
            found[name] = Timed(name, "was handed in, so that its times are claimed", {}, {}, ())
            continue
        try:
            found[name] = _timed(run, checked(folder, run, name))
        except BenchError as error:
            raise BenchError(f"{folder}: {error}; measure it again with `bench run … timing={name}`") from None
    return found


def _timed(run: Run, reading: Reading) -> Timed:
    scenario = reading.summary["scenario"]
    environment, settings = part(reading.summary, "environment"), reading.raw.settings
    conditions = {name: environment.get(name) for name in _ENVIRONMENT} | {name: settings[name] for name in _SETTINGS}
    conditions |= {"examples": run.n_examples, "data": run.data_fingerprint[:8]}
    if scenario == "offline":
        conditions |= {name: run.config.get(name) for name in ("batch_size", "batch_tokens")}
    offline = scenario == "offline"
    return Timed(
        scenario, barred(reading.summary), conditions, {} if offline else _seconds(reading.answers),
        _blocks(reading.answers) if offline else (),
    )  # fmt: skip


def _seconds(answers: Sequence[Answer]) -> dict[str, float]:
    """The latency of each answer; of an example that was asked several times "3", "3 again", …"""
    found: dict[str, float] = {}
    for one in answers[:_KEPT]:
        name = f"{one.place}"
        while name in found:
            name += " again"
        found[name] = max(one.latency, 1e-9)
    return found


def _blocks(answers: Sequence[Answer]) -> tuple[tuple[int, float], ...]:
    """At most `_BLOCKS` parts of the whole, of as many batches each: (answers, seconds)."""
    begin = min((one.scheduled for one in answers), default=0.0)
    ends = [(end, len(list(group))) for end, group in groupby(sorted(one.ended for one in answers))]
    found = []
    for block in np.array_split(np.arange(len(ends)), min(_BLOCKS, len(ends))):
        end = ends[int(block[-1])][0]
        found.append((sum(ends[int(i)][1] for i in block), end - begin))
        begin = end
    return tuple(found)


@dataclass(frozen=True)
class Difference:
    """How much slower a run is than its baselines in one number of a scenario; `reason` says why that cannot be told.

    `value` and `expected` are seconds, None without `found`. `n` answers of the run were compared.
    """

    what: str
    value: float | None
    expected: float | None
    found: Slowdown | None
    n: int
    reason: str = ""
    note: str = ""


def differences(
    run: Mapping[str, Timed],
    baselines: Sequence[Mapping[str, Timed]],
    called: tuple[str, str] = ("the run", "the baseline"),
) -> Iterator[Difference]:
    """Of each scenario that the run and all baselines have: its percentiles, or its seconds an example.

    `called` is what the two sides are called in words.
    """
    for name in JUDGED:
        theirs = [one[name] for one in baselines if name in one]
        if name in run and theirs:
            yield from _of_scenario(run[name], theirs, called)


def _of_scenario(run: Timed, baselines: Sequence[Timed], called: tuple[str, str]) -> Iterator[Difference]:
    if reason := unlike(run, baselines, called):
        yield Difference(f"{run.scenario} speed", None, None, None, len(run.seconds), reason)
    elif run.scenario == "offline":
        theirs = [one.blocks for one in baselines]
        n = sum(count for count, _ in run.blocks)
        yield Difference(
            "offline speed", seconds_an_example([run.blocks]), seconds_an_example(theirs), slowdown(run.blocks, theirs), n,
            note=f"{n:,} answers offline",
        )  # fmt: skip
    else:
        yield from _percentiles(run, baselines)


def _percentiles(run: Timed, baselines: Sequence[Timed]) -> Iterator[Difference]:
    shared = set(run.seconds).intersection(*(one.seconds for one in baselines))
    for rank in RANKS:
        every = [one.seconds for one in (run, *baselines)]
        if min(map(len, every)) < ENOUGH[rank]:
            continue
        paired = len(shared) >= ENOUGH[rank]
        if paired:  # the order is drawn, so that what both have of it is a sample
            every = [{name: one[name] for name in run.seconds if name in shared} for one in every]
        ours, *theirs = every
        how = "to the same examples" if paired else "to other examples"
        yield Difference(
            f"{run.scenario} p{rank}", _percentile(ours, rank),
            float(np.exp(np.mean([np.log(_percentile(one, rank)) for one in theirs]))), slower(ours, theirs, rank), len(ours),
            note=f"{len(ours):,} answers one after another, {how}",
        )  # fmt: skip


def _percentile(seconds: Mapping[str, float], rank: int) -> float:
    return float(np.percentile(list(seconds.values()), rank))


def unlike(run: Timed, baselines: Sequence[Timed], called: tuple[str, str] = ("the run", "the baseline")) -> str:
    """Why a run's reading cannot be compared with these, "" where it can."""
    if run.barred:
        return f"{run.scenario}: the reading of {called[0]} {_because(run.barred)}"
    for base in baselines:
        if base.barred:
            return f"{run.scenario}: the reading of {called[1]} {_because(base.barred)}"
        names = [name for name in run.conditions if run.conditions[name] != base.conditions.get(name)]
        if names:
            said = (f"{name.replace('_', ' ')} {_said(run, name)} against {_said(base, name)}" for name in names)
            return f"{run.scenario}: measured under other conditions: {', '.join(said)}"
    return ""


def between(a: Side, b: Side) -> list[Difference]:
    """How B differs from A in each number of a scenario of which both have a reading: `value` is B's, `expected` A's.

    Precision, threads and batches may be what they are compared for.
    """
    first, second = (of_folder(side.folder, side.run) for side in (a, b))
    same = [replace(one, conditions=_machine(one)) for one in (*first.values(), *second.values())]
    of_a, of_b = same[: len(first)], same[len(first) :]
    return list(differences({one.scenario: one for one in of_b}, [{one.scenario: one for one in of_a}], ("B", "A")))


def _machine(one: Timed) -> dict[str, Json]:
    return {name: value for name, value in one.conditions.items() if name not in _CHOSEN}


def spread(found: Slowdown) -> tuple[float, float, float]:
    """By which share more time is taken, and its 95 % bounds: what the answers leave open, and how runs differ."""
    half = 1.959964 * found.error if found.error is not None else math.inf
    more, low, high = (math.expm1(min(change - found.value, _MOST)) for change in (0.0, -half, half))
    return more, low, high


def _because(why: str) -> str:
    return why if why.startswith("was ") else f"is not to be compared ({why})"


def _said(one: Timed, name: str) -> str:
    found = one.conditions.get(name)
    return "unknown" if found in (None, "") else str(found)
