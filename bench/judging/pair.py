"""Two runs' rows on the same examples: each metric's values and paired difference, whole and by slice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.errors import BenchError
from bench.leaderboard.board import score_of
from bench.metrics.metric import AnyMetric, Metric, RankedMetric
from bench.record import ELSEWHERE, UNKNOWN, Run
from bench.runs import measurements
from bench.runs.folder import RECORD, read_run, refuse_altered
from bench.runs.measurements import Measurements
from bench.scoring.bounds import AGREES
from bench.scoring.foreign import imported, refuse_figures
from bench.stats.paired import Difference, difference
from bench.stats.swaps import value

_SLICE_RESAMPLES = 2000  # slices are for looking: their intervals may be coarser


@dataclass(frozen=True)
class Side:
    """A run to compare: its folder, record and rows."""

    folder: Path
    run: Run
    rows: Measurements

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.run.task}/{self.run.model} ({self.run.run_id})"


@dataclass(frozen=True)
class PairedMetric:
    """One metric on both sides: its values on the compared examples, and their difference; without one, `note` says why."""

    metric: str
    higher_is_better: bool
    is_fraction: bool
    a: float | None
    b: float | None
    difference: Difference | None = None
    note: str = ""


@dataclass(frozen=True)
class Slice:
    """The ranked metric's difference on the examples whose property `name` is `value`."""

    name: str
    value: str
    difference: Difference


def read_side(folder: Path) -> Side:
    """The run of a folder; raises BenchError where its record or rows are missing or damaged, or a file was altered."""
    run = read_run(folder / RECORD)
    refuse_figures(run)
    rows = measurements.read(folder)
    refuse_altered(folder, run)
    return Side(folder, run, rows)


def _clustered(a: Run, b: Run) -> str:
    """Where two logs were imported with clusters of other fields, which ones: that alone makes their samples others."""
    fields = [str(imported(run).get("cluster") or "none") for run in (a, b)]
    if fields[0] == fields[1]:
        return ""
    return f": they were imported with other fields for --cluster ({fields[0]} and {fields[1]}); import one again as the other"


def same_examples(a: Side, b: Side, on_shared: bool) -> tuple[Measurements, Measurements]:
    """Both sides' rows of the examples that are compared."""
    both = measurements.shared(a.rows, b.rows)
    n = len(both[0])
    sizes = f"{len(a.rows):,} and {len(b.rows):,} examples, {n:,} in common"
    if a.run.data_fingerprint != b.run.data_fingerprint and not on_shared:
        hint = "--shared compares those" if n else f"nothing can be compared{_clustered(a.run, b.run)}"
        raise BenchError(f"{a.name} and {b.name} ran on different data ({sizes}); {hint}")
    if not n:
        raise BenchError(
            f"{a.name} and {b.name} have no example in common ({sizes}); nothing can be compared{_clustered(a.run, b.run)}"
        )
    if a.run.data_fingerprint == b.run.data_fingerprint and not n == len(a.rows) == len(b.rows):
        raise BenchError(f"{a.name} and {b.name} claim the same data, but hold {sizes}; score both again")
    return both


@dataclass(frozen=True)
class Pair:
    """Two sides with their rows of the examples that are compared."""

    a: Side
    b: Side
    a_rows: Measurements
    b_rows: Measurements
    resamples: int
    seed: int

    @property
    def whole(self) -> bool:
        """Whether these are all the examples of both."""
        return len(self.a_rows) == len(self.a.rows) == len(self.b.rows)

    def paired(self, metric: AnyMetric) -> PairedMetric:
        """One metric's values and difference, or why there is none."""
        mine, theirs = (score_of(side.run, metric.name).value for side in (self.a, self.b))
        plain = PairedMetric(metric.name, metric.higher_is_better, metric.is_fraction, mine, theirs)
        if not isinstance(metric, Metric | RankedMetric):
            return self._without_test(plain, "no paired test: gives no rows")
        if reason := self._untested(metric):
            return self._without_test(plain, reason)
        for side in (self.a, self.b):
            _check(metric, side)
        x, y = self.a_rows.rows[metric.name], self.b_rows.rows[metric.name]
        if reason := metric.undefined(x):
            return self._without_test(plain, f"no paired test: undefined on these examples: {reason}")
        found = difference(metric, x, y, self.a_rows.clusters, resamples=self.resamples, seed=self.seed)
        return replace(plain, a=value(metric, x), b=value(metric, y), difference=found)

    def slices(self, metric: AnyMetric) -> tuple[Slice, ...]:
        """The differences by property and value, the largest slice first."""
        if not isinstance(metric, Metric | RankedMetric) or self._untested(metric) or metric.name in self.a_rows.fitted:
            return ()
        x, y, clusters = self.a_rows.rows[metric.name], self.b_rows.rows[metric.name], np.array(self.a_rows.clusters)
        found = []
        for name, column in self.a_rows.slices.items():
            values = np.array(column)
            for one, n in sorted(Counter(column).items(), key=lambda item: (-item[1], item[0])):
                if one and n < len(column):  # "" is no value, and one of all examples no slice
                    here = values == one
                    if metric.undefined(x[here]):
                        continue  # it says nothing of these examples
                    one_slice = difference(
                        metric, x[here], y[here], clusters[here], resamples=min(self.resamples, _SLICE_RESAMPLES), seed=self.seed
                    )  # fmt: skip
                    found.append(Slice(name, one, one_slice))
        return tuple(found)

    def notes(self) -> Iterator[str]:
        """What was left out, and what failed."""
        n = len(self.a_rows)
        if not self.whole:
            yield f"compared on the {n:,} examples that both have, of {len(self.a.rows):,} (A) and {len(self.b.rows):,} (B)"
        if asked_otherwise(self.a.run, self.b.run):
            yield "A and B were not asked alike (prompt or output): what they differ by may be the prompt's"
        for letter, rows in (("A", self.a_rows), ("B", self.b_rows)):
            if rows.failed:
                yield f"{letter} has no answer to {len(rows.failed):,} of {n:,} examples, which count as wrong"

    def unlike(self, metric: AnyMetric) -> str:
        """How the two sides' metric of this name differs, or differs from the one here; "" where it is one."""
        mine, theirs = (score_of(side.run, metric.name).signature for side in (self.a, self.b))
        if mine != theirs:
            return f"measured in two ways ({mine!r} and {theirs!r}); score both again"
        if isinstance(metric, Metric | RankedMetric) and metric.signature != mine:
            return f"measured as {mine!r}, this version measures {metric.signature!r}; score both again"
        return ""

    def _untested(self, metric: Metric | RankedMetric) -> str:
        """Why there is no paired test, "" if there can be one."""
        for letter, side in (("A", self.a), ("B", self.b)):
            score = score_of(side.run, metric.name)
            if metric.name not in side.rows.rows:
                return f"no paired test: {letter} {score.note if score.value is None else 'holds no rows of it'}"
        if reason := self.unlike(metric):
            return f"no paired test: {reason}"
        if metric.name in self.a_rows.fitted | self.b_rows.fitted and not self.whole:
            return "no paired test: it depends on all examples together, and only some are compared"
        return ""

    def _without_test(self, plain: PairedMetric, reason: str) -> PairedMetric:
        """The stored values; each is that of all the side's examples, which is worth saying where fewer are compared."""
        return replace(plain, note=reason if self.whole else f"{reason}; each value is of all its examples")


def asked_otherwise(a: Run, b: Run) -> bool:
    """Whether the two are known to have been asked otherwise on the same data."""
    known = {UNKNOWN, ELSEWHERE}.isdisjoint({a.asked, b.asked})
    return known and a.data_fingerprint == b.data_fingerprint and a.asked != b.asked


def _check(metric: Metric | RankedMetric, side: Side) -> None:
    """Raise BenchError where the rows of the whole run do not give the score that its record states."""
    stated = score_of(side.run, metric.name).value
    try:
        found = value(metric, side.rows.rows[metric.name])
    except (IndexError, ValueError) as error:  # rows of another width
        raise BenchError(
            f"{side.name}: its rows of {metric.name} cannot be summarised ({error}); score it again"
        ) from None
    if stated is None or not math.isclose(found, stated, rel_tol=AGREES, abs_tol=AGREES):
        raise BenchError(f"{side.name}: its rows give {metric.name} {found}, its record says {stated}; score it again")
