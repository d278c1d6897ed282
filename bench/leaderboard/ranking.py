"""How sure a table's ranks are: intervals and groups of ties from the runs' own measurements."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench import __version__
from bench.leaderboard.board import Row, Table
from bench.leaderboard.definition import Board
from bench.metrics.metric import AnyMetric, Metric
from bench.record import Run
from bench.runs.measurements import Measurements
from bench.scoring.bounds import AGREES
from bench.text.shown import of_name
from bench.types import Json

Array: TypeAlias = npt.NDArray[np.float64]
RESAMPLES = 1000
_BLOCKS = 1000  # clusters are pooled into so many at most: plenty for a standard error, and little to keep
MODELS = 2000  # of one table: all pairs of more take too long


@dataclass(frozen=True)
class Sums:
    """What a ranking needs of one run's metric: sums [g, k] and sizes [g] of clusters, or of blocks of many clusters.

    `design` is a hash of which examples are in which cluster: only sums of one design may be ranked together.
    """

    sums: Array
    sizes: Array
    design: str


def summed(measured: Measurements, metric: str) -> Sums | None:
    """The cluster sums of one metric; None where it has no rows."""
    from bench.stats.intervals import cluster_sums  # SciPy takes a quarter of a second, and most boards need none of it

    if metric not in measured.rows:
        return None
    sums, sizes = cluster_sums(measured.rows[metric], measured.clusters)
    if len(sums) > _BLOCKS:
        block = np.arange(len(sums)) * _BLOCKS // len(sums)
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        sums, sizes = np.add.reduceat(sums, starts), np.add.reduceat(sizes, starts)
    order = f"{sums.shape[1]}\n" + "\n".join(
        "\t".join(one) for one in zip(measured.digests, measured.clusters, strict=True)
    )
    return Sums(sums, sizes, hashlib.sha256(order.encode("utf-8", "surrogatepass")).hexdigest())


class Evidence:
    """Where a ranking finds the cluster sums of runs, and keeps what it made of them; an index is one."""

    def digest(self, run: Run, metric: str) -> str:
        """The digest of the run's cluster sums, "" where it has none."""
        raise NotImplementedError

    def sums(self, run: Run, metric: str) -> Sums:
        """The run's cluster sums."""
        raise NotImplementedError

    def result(self, name: str, make: Callable[[], Json]) -> Json:
        """What `make` gives; the same name may give what it gave before."""
        return make()


def ranked(board: Board, table: Table, metric: Callable[[], AnyMetric], evidence: Evidence) -> Table:
    """The table with intervals on its ranks and groups of ties, as far as they can be had; its notes say what cannot.

    A row without rows of the ranked metric ties with all: it widens the others' intervals and has none itself.
    Reference rows take no part. `metric` gives the ranked metric, asked for where the result is not known yet.
    """
    candidates = [row for row in table.rows if row.rank is not None]
    if len(candidates) < 2:
        return table
    if len(candidates) > MODELS:
        return _noted(table, f"No intervals on ranks: the table has {len(candidates)} models, more than {MODELS}.")
    digests = [evidence.digest(row.run, board.metric) for row in candidates]
    known = [row for row, digest in zip(candidates, digests, strict=True) if digest]
    about = [f"{row.score.value!r} {row.score.signature} {row.origin == 'self-reported'}" for row in known]
    name = _hash([__version__, board.task, board.metric, str(RESAMPLES), *filter(None, digests), *about])
    found = evidence.result(name, lambda: _found(known, metric(), evidence))
    return _with(table, candidates, known, found)


def _hash(texts: Sequence[str]) -> str:
    """A name for the texts."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _found(rows: Sequence[Row], metric: AnyMetric, evidence: Evidence) -> Json:
    """For each row [low, high, group] among those that could be ranked, or why it could not."""
    from bench.stats.intervals import MIN_CLUSTERS
    from bench.stats.ranks import by_clusters

    if not isinstance(metric, Metric):
        return [f"{metric.name} is no sum over examples" for _ in rows]
    given = [evidence.sums(row.run, metric.name) for row in rows]
    common = _common(rows, given)
    reasons = [
        _reason(row, one, metric) if one.design == common else "measured on other examples"
        for row, one in zip(rows, given, strict=True)
    ]
    chosen = [i for i, reason in enumerate(reasons) if not reason]
    result: list[Json] = list(reasons)
    ranks = None
    if len(chosen) > 1:
        one = given[chosen[0]]
        ranks = by_clusters(
            np.stack([given[i].sums for i in chosen]), one.sizes, metric.summarise,
            higher_is_better=metric.higher_is_better, jackknife=metric.jackknife, resamples=RESAMPLES,
        )  # fmt: skip
    for place, i in enumerate(chosen):
        result[i] = (
            [int(ranks.low[place]), int(ranks.high[place]), int(ranks.group[place])]
            if ranks
            else f"fewer than {MIN_CLUSTERS} clusters"
            if len(chosen) > 1
            else "nothing to compare with"
        )
    return result


def _common(rows: Sequence[Row], given: Sequence[Sums]) -> str:
    """The design of most rows; of those that somebody here vouches for, where there are any."""
    vouched = [one.design for row, one in zip(rows, given, strict=True) if row.origin != "self-reported"]
    designs = vouched or [one.design for one in given]
    return max(dict.fromkeys(designs), key=designs.count, default="")


def _reason(row: Row, given: Sums, metric: Metric) -> str:
    """Why a row's measurements cannot stand for its score, "" where they can."""
    try:
        value = float(metric.summarise(given.sums.sum(axis=0), np.array(given.sizes.sum())))
    except (IndexError, ValueError):  # too few columns: somebody else's file
        return "its measurements are not of this metric"
    if row.score.value is None or not abs(value - row.score.value) <= AGREES:
        return "its measurements do not give its score"
    return ""


def _with(table: Table, candidates: Sequence[Row], known: Sequence[Row], found: Json) -> Table:
    """The table with what was found of each row."""
    state: dict[int, Json] = {id(row): "no measurements" for row in candidates}
    state |= {id(row): one for row, one in zip(known, found, strict=True)}
    unknown = sum(isinstance(one, str) for one in state.values())
    rows = tuple(
        replace(row, rank_low=one[0], rank_high=one[1] + unknown, group=one[2])
        if isinstance(one := state.get(id(row)), list)
        else row
        for row in table.rows
    )
    reasons: dict[str, list[str]] = {}
    for row in candidates:
        if isinstance(one := state[id(row)], str):
            reasons.setdefault(one, []).append(row.run.model)
    notes = [
        of_name(f"No interval on the rank of {_listed(models)}", f"{reason}.") for reason, models in reasons.items()
    ]
    if unknown == len(candidates) and len(reasons) == 1:
        notes = [f"No intervals on ranks: {next(iter(reasons))}."]
    return replace(table, rows=rows, notes=(*table.notes, *notes))


def _listed(models: Sequence[str], most: int = 5) -> str:
    return ", ".join(models[:most]) + (f" and {len(models) - most} more" if len(models) > most else "")


def _noted(table: Table, note: str) -> Table:
    return replace(table, notes=(*table.notes, note))
