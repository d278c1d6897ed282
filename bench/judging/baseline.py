"""What a gate compares: a run's folder or a baseline's file, with its rows and the seconds of its batches."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.bundles.public import public_run
from bench.errors import BenchError
from bench.judging.readings import Timed, unlike
from bench.judging.readings import of_folder as of_scenarios
from bench.leaderboard.entry import Entry
from bench.metrics.metric import Metric, RankedMetric
from bench.record import Run, Timing
from bench.runs import measurements, timing
from bench.runs.claimed import is_claimed
from bench.runs.folder import RunFolder
from bench.runs.rates import computes
from bench.scoring.foreign import refuse_figures
from bench.stats.swaps import value
from bench.types import Json

_AGREES = 1e-6  # how far the value of the rows may be from the recorded score: libraries round differently
_CLAIMED = "was handed in, so that its seconds are claimed and nobody here measured them"
_IDLE = "is a reference row that computes nothing and has no speed"


@dataclass(frozen=True)
class Side:
    """An entry to compare; `unmeasured` says what it "was", "is" or "holds" for its speed not to be compared, "" where it can.

    `readings` are those of timing scenarios, by scenario, one mapping a run that has some.
    """

    entry: Entry
    unmeasured: str = ""
    readings: tuple[Mapping[str, Timed], ...] = ()


def of_folder(folder: Path) -> Side:
    """A run's folder as something to compare; raises BenchError where it holds no rows of the score that ranks."""
    found = RunFolder(folder)
    run = found.read()
    if not run.scores:
        raise BenchError(f"{folder} has no score; run its command again")
    refuse_figures(run)
    rows = measurements.read(folder).only(run.scores[0].metric)
    readings = timing.counted(found.timings())
    batches: dict[int | None, tuple[int, float]] = {}
    for one in readings:  # answers that came one by one are of one batch
        n, seconds = batches.get(one.batch, (0, 0.0))
        batches[one.batch] = (n + one.n, seconds + one.seconds)
    timed = of_scenarios(folder, run)
    scenarios = (timed,) if timed else ()
    if reason := _unmeasured(run, readings, batches.values()):
        return Side(Entry(run, rows), reason, scenarios)
    return Side(Entry(run, rows, (tuple(batches.values()),)), "", scenarios)


def _unmeasured(run: Run, readings: Sequence[Timing], batches: Collection[tuple[int, float]]) -> str:
    """Why the readings of a run, and its batches (answers, seconds), are not its speed, "" if they are."""
    if is_claimed(run, "timings"):
        return _CLAIMED
    if not computes(run):
        return _IDLE
    if run.reused and not readings:
        return "took all of its answers from earlier runs"
    if run.submission or not readings:
        return "was brought as predictions that nobody timed"
    if any(reading.part for reading in readings):
        return "was answered in parts at the same time, whose speed is not that of one process"
    if len({reading.attempt for reading in readings}) > 1:
        return "was interrupted and resumed, so that its seconds are of several processes"
    return "" if all(n > 0 and seconds > 0 for n, seconds in batches) else "has a batch that took no time"


def refuse_altered(entry: Entry, metric: Metric | RankedMetric) -> None:
    """Raise BenchError where an entry's rows do not give the score that its record states."""
    stated = entry.run.scores[0].value
    rows = entry.measurements.rows.get(metric.name) if entry.measurements else None
    if rows is None or entry.run.scores[0].metric != metric.name:
        return
    name = f"{entry.run.task}/{entry.run.model} ({entry.run.run_id})"
    try:
        found = value(metric, rows)
    except (IndexError, ValueError) as error:  # rows of another width
        raise BenchError(f"{name}: its rows of {metric.name} cannot be summarised ({error}); make it again") from None
    if stated is None or not math.isclose(found, stated, rel_tol=_AGREES, abs_tol=_AGREES):
        raise BenchError(f"{name}: its rows give {metric.name} {found}, its record says {stated}; make it again")


def of_entry(entry: Entry) -> Side:
    """An entry out of a file as something to compare."""
    if is_claimed(entry.run, "timings"):
        return Side(entry, _CLAIMED)
    if not computes(entry.run):
        return Side(entry, _IDLE)
    timed = entry.speed and all(batches and all(n > 0 and s > 0 for n, s in batches) for batches in entry.speed)
    unmeasured = "" if timed else "holds no speed; make it of an uninterrupted run and without --no-speed"
    return Side(entry, unmeasured, tuple(_read(entry, one) for one in entry.readings))


def _read(entry: Entry, found: Mapping[str, Json]) -> dict[str, Timed]:
    """The readings of one run of a baseline; raises BenchError for what is none."""
    try:
        return {name: Timed.from_json(one) for name, one in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        run = entry.run
        raise BenchError(
            f"the baseline of {run.task}/{run.model} holds a reading that is none ({type(error).__name__}: {error}); "
            "make it again with `bench check RUN --update`"
        ) from None


def baseline(sides: Sequence[Side], *, speed: bool = True) -> Entry:
    """The baseline of one or several runs of one setting: the latest one's rows, the speed of all that were timed.

    It is public: no local path and no secret is in it. Raises BenchError where the runs are of different settings.
    """
    latest = max((one.entry for one in sides), key=lambda entry: entry.run.created)
    for one in sides:
        run = one.entry.run
        if _setting(run) != _setting(latest.run):
            raise BenchError(
                f"{run.task}/{run.model}: {run.run_id} and {latest.run.run_id} are of different settings or data; give runs of "
                "one setting (`bench run … --fresh` repeats one)"
            )
        if speed and (differing := elsewhere(run, latest.run)):
            raise BenchError(
                f"{run.task}/{run.model}: {run.run_id} and {latest.run.run_id} differ: {differing}; their speeds do not belong "
                "together"
            )
    timed = tuple(batches for one in sides for batches in one.entry.speed) if speed else ()
    readings = tuple(_kept(one) for side in sides for one in side.readings) if speed else ()
    _refuse_other_conditions(readings, latest.run)
    rows = latest.measurements and replace(latest.measurements, slices={})  # no verdict needs them
    kept = tuple({name: timed.to_json() for name, timed in one.items()} for one in readings if one)
    return Entry(public_run(latest.run), rows, timed, kept)


def _kept(readings: Mapping[str, Timed]) -> dict[str, Timed]:
    """Those that a later run can be compared with."""
    return {name: one for name, one in readings.items() if not one.barred}


def _refuse_other_conditions(readings: Sequence[Mapping[str, Timed]], run: Run) -> None:
    """Raise BenchError where readings of one scenario were taken under other conditions: they make no one baseline."""
    first: dict[str, Timed] = {}
    for name, one in (pair for found in readings for pair in found.items()):
        if said := unlike(first.setdefault(name, one), [one]):
            raise BenchError(f"{run.task}/{run.model}: {said}; their readings do not belong together")


def _setting(run: Run) -> str:
    """The run id without the number of its repetition."""
    return run.run_id.partition("-")[0]


def elsewhere(run: Run, base: Run) -> str:
    """What differs in where and how two runs were measured, "" if nothing does: only then can their speeds be compared."""
    environment = ("cpu", "cores", "physical_cores", "device", "device_name", "dtype", "threads")
    ours, theirs = ({key: one.environment.get(key) for key in environment} for one in (run, base))
    for one, facts in ((run, ours), (base, theirs)):
        facts |= {"examples": one.n_examples}
        facts |= {"data": one.data_fingerprint[:8]} if run.n_examples == base.n_examples else {}
        facts |= {key: one.config.get(key) for key in ("batch_size", "batch_tokens")}
    differing = [key for key in ours if ours[key] != theirs[key]]
    return ", ".join(f"{key.replace('_', ' ')} {_said(ours[key])} against {_said(theirs[key])}" for key in differing)


def _said(fact: object) -> str:
    return "unknown" if fact in (None, "") else str(fact)
