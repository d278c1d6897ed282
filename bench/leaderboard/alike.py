"""Which runs of a board may be compared: on the same examples, asked and scored alike, on a device of one class."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from hashlib import sha256

from bench.record import ELSEWHERE, UNKNOWN, Run
from bench.runs.claimed import IMPORTED, STORE, is_claimed
from bench.runs.identity import canonical
from bench.scoring.foreign import is_foreign

ORIGINS = ("run here", "scored here", "in the store", "imported", "verified", "self-reported")


def comparable(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups of the same examples, asked the same and scored by the same parser and metrics: only these compare.

    Predictions that were brought were asked elsewhere: they stand in every group of their data and scorer. Of other harnesses'
    logs those alone compare that rank by one metric, one way and on one scale.
    """
    groups: dict[tuple[str, tuple[object, ...], str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.data_fingerprint, (scorer_digest(run), *judged(run)), run.asked), []).append(run)
    found = []
    for (data, scorer, asked), alike in groups.items():
        others = [key for key in groups if key[:2] == (data, scorer) and key[2] not in (ELSEWHERE, UNKNOWN)]
        if asked != ELSEWHERE:
            found.append([*alike, *(groups.get((data, scorer, ELSEWHERE), []) if asked != UNKNOWN else [])])
        elif not others:
            found.append(alike)
    return found


def scorer_digest(run: Run) -> str:
    """8 hex digits of what scored the run, "" where that is not known."""
    return _digest(tuple(run.scorer.items())) if run.scorer else ""


@functools.lru_cache(maxsize=1000)
def _digest(scorer: tuple[tuple[str, str], ...]) -> str:
    """Made once of each: nearly all runs of a task have the same."""
    return sha256(canonical(dict(scorer)).encode()).hexdigest()[:8]


def judged(run: Run) -> tuple[str, bool, bool, str]:
    """What ranks a run, which way and on what scale where that is a log's word; the same of every run of a task of ours."""
    if not is_foreign(run):
        return "", True, True, ""
    first = run.scores[0]
    return first.metric, first.higher_is_better, first.is_fraction, first.signature


def slot(run: Run) -> tuple[str, ...]:
    """A board shows one run of each: model, device, precision, data, prompts, scorer and origin, so that none hides another.

    Of another harness' task also what ranks, which way and on what scale.
    """
    of = (
        run.model,
        said_device(run),
        str(run.environment["dtype"]),
        run.data_fingerprint,
        run.asked,
        scorer_digest(run),
    )
    return (*of, origin_of(run), *map(str, judged(run)))


def origin_of(run: Run) -> str:
    """Who made the run and who vouches for its scores: one of `ORIGINS`."""
    if STORE in run.origin:
        return "in the store"
    if IMPORTED in run.origin:
        return "imported"
    if run.origin:
        return "verified" if run.origin.get("verified") else "self-reported"
    return "scored here" if run.submission else "run here"


def place(run: Run) -> str:
    """The device in whose tables the run stands; "" where nobody here knows on which it ran."""
    return "" if run.submission or is_claimed(run, "device") else str(run.environment["device"])


def said_device(run: Run) -> str:
    """The device that the record names; predictions that were brought have none."""
    return "submission" if run.submission else str(run.environment["device"])


def everywhere(run: Run) -> bool:
    """Whether the run belongs to no device's table in particular."""
    return run.is_reference or not place(run)
