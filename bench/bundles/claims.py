"""What a bundle claims against what was found: the first thing that differs, in one line."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.bundles.archive import Refused
from bench.bundles.strict import short
from bench.bundles.unpack import timings
from bench.metrics.metric import Array
from bench.record import Run, Score, Timing
from bench.runs import timing
from bench.runs.endings import Endings
from bench.runs.ledger import Owners
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.runs.measurements import Measurements
from bench.types import Json, Prediction

ROWS, BOUNDS = 1e-9, 1e-6  # relative: a row is arithmetic on one answer, a bound a sum in the order of somebody's BLAS
_FIGURES = ("n", "n_failed", "higher_is_better", "is_fraction", "value", "low", "high", "worst", "best", "official")
# No reading says the first three; the percentiles are of earlier versions, of batches, and shown nowhere.
_UNCHECKED = {"peak_memory_bytes", "device_memory_bytes", "usd", "latency_p50", "latency_p90"}


def same_rows(claimed: Measurements, found: Measurements) -> None:
    """Raise Refused at the first example of which the claim measures, or says, something else."""
    _same_order(claimed.ids, found.ids)
    for what, theirs, ours in _columns(claimed, found):
        for key, a, b in zip(found.ids, theirs, ours, strict=True):
            if a != b:
                raise Refused(f"example {key!r}: {what} claimed {short(repr(a))}, found {b!r}")
    if odd := sorted(claimed.failed ^ found.failed):
        said, due = ("failed", "an answer") if odd[0] in claimed.failed else ("an answer", "failed")
        raise Refused(f"example {odd[0]!r}: claimed {said}, found {due}")
    if set(claimed.rows) != set(found.rows):
        raise Refused(
            f"{MEASUREMENTS} has rows of {_listed(claimed.rows)}, the task's metrics give {_listed(found.rows)}"
        )
    if claimed.fitted != found.fitted:
        said, due = _listed(claimed.fitted), _listed(found.fitted)
        raise Refused(f"{MEASUREMENTS} has {said} fitted to all targets together ('fitted'), the task has {due}")
    for metric, rows in found.rows.items():
        _same_metric(metric, found.ids, claimed.rows[metric], rows)


def _same_order(claimed: Sequence[str], found: Sequence[str]) -> None:
    if claimed == found:
        return
    pairs = enumerate(zip(claimed, found, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(claimed), len(found)))
    said = short(repr(claimed[at])) if at < len(claimed) else "nothing"
    due = repr(found[at]) if at < len(found) else "nothing"
    raise Refused(f"{MEASUREMENTS} has {said} in place {at + 1}, where your data have {due}")


def _columns(claimed: Measurements, found: Measurements) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    yield "digest", claimed.digests, found.digests
    yield "cluster", claimed.clusters, found.clusters
    for name, values in claimed.slices.items():  # a slice that it does not know is none that it got wrong
        yield f"slice {short(repr(name))}", values, found.slices.get(name, ("",) * len(found))


def _same_metric(metric: str, ids: Sequence[str], theirs: Array, ours: Array) -> None:
    if theirs.shape != ours.shape:
        raise Refused(f"{metric}: rows of {theirs.shape[1]} columns claimed, {ours.shape[1]} found")
    same = np.isclose(theirs, ours, rtol=ROWS, atol=1e-12)
    wrong = np.flatnonzero(~same.all(axis=1))
    if len(wrong):
        i = int(wrong[0])
        j = int(np.flatnonzero(~same[i])[0])
        more = f" ({len(wrong)} examples differ)" if len(wrong) > 1 else ""
        raise Refused(f"example {ids[i]!r}: {metric} claimed {theirs[i, j]:.6g}, found {ours[i, j]:.6g}{more}")


def _listed(names: Iterable[str]) -> str:
    return short(", ".join(sorted(names)) or "no metric")


def same_scores(run: Run, found: Sequence[Score]) -> None:
    """Raise Refused at the first metric of which the claim says something else; signatures and notes are not compared."""
    theirs, ours = [score.metric for score in run.scores], [score.metric for score in found]
    if theirs != ours:
        raise Refused(f"it claims scores of {short(', '.join(theirs))}, the task has {', '.join(ours)}")
    for claim, score in zip(run.scores, found, strict=True):
        for name in _FIGURES:
            a, b = getattr(claim, name), getattr(score, name)
            if not _same(a, b, BOUNDS):
                raise Refused(f"{score.metric}: {name} claimed {_figure(a)}, found {_figure(b)}")


def same_answers(run: Run, found: Endings) -> None:
    """Raise Refused at the first count of how the answers ended that the predictions deny; whoever counts none claims none."""
    if not run.answers:
        return
    said, due = (_counts(one) for one in (run.answers, found.record(generates=not run.is_reference)))
    for name in dict.fromkeys([*due, *said]):
        if name not in said or name not in due or not _same(said[name], due[name], BOUNDS):
            claim, ours = (_figure(one[name]) if name in one else "nothing" for one in (said, due))
            raise Refused(f"answers: {short(name)} claimed {claim}, its predictions give {ours}")


def _counts(answers: Mapping[str, Json]) -> dict[str, Json]:
    """The counts and values of a record's `answers` by name."""
    found = {name: value for name, value in answers.items() if name not in ("finishes", "if_cut")}
    found |= {f"finish {name}": n for name, n in answers["finishes"].items()}
    return found | {
        f"{metric} if the cut ones were {how}": value
        for metric, values in answers["if_cut"].items() for how, value in values.items()
    }  # fmt: skip


def _same(a: Json, b: Json, tolerance: float) -> bool:
    if a is None or b is None or isinstance(b, bool):
        return a is b
    if isinstance(a, str) or isinstance(b, str):
        return bool(a == b)
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)


def _figure(value: Json) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def times_add_up(run: Run, folder: Path, found: Sequence[Prediction]) -> None:
    """Raise Refused where the record's times and tokens are not the sum of its readings, or not those of its predictions.

    That is all that can be said of times: nobody can measure them again.
    """
    readings = [] if run.submission else timings(folder, f"{run.task}/{run.model}")
    summed = timing.summarise(readings)
    due, said = _flat(summed), _flat(run.timings)
    if "latency_p50" in said:  # earlier versions did not say this one
        due.pop("seconds_per_answer")
    for name in sorted((due.keys() | said.keys()) - _UNCHECKED):
        if name not in due or name not in said or not _same(said[name], due[name], ROWS):
            raise Refused(
                f"timings: {name[:80]} claimed {_figure(said.get(name))}, its readings add up to {_figure(due.get(name))}"
            )
    if run.submission:
        return  # predictions that were brought were not timed
    timed = _timed(readings, len(found))
    # Nor were those that another run gave, nor are those whose readings were lost.
    found = [one for place, one in enumerate(found) if not one.reused and place in timed]
    counts = {
        "n": len(found), "prompt_tokens": sum(one.prompt_tokens for one in found),
        "new_tokens": sum(one.new_tokens for one in found), "truncated": sum(one.truncated > 0 for one in found),
    }  # fmt: skip
    for name, n in counts.items():
        if summed[name] != n:
            raise Refused(f"timings: {name} is {summed[name]} by its readings, {n} by its predictions")


def _timed(readings: Sequence[Timing], n: int) -> Container[int]:
    """The places of the answers that have a reading: all where an earlier version named none."""
    predicted = [one for one in readings if one.phase == "predict"]
    return range(n) if any(one.places is None for one in predicted) else Owners(predicted)


def _flat(times: Mapping[str, Json]) -> dict[str, Json]:
    seconds = {f"seconds of {name}": value for name, value in times["seconds"].items()}
    return {name: value for name, value in times.items() if name != "seconds"} | seconds
