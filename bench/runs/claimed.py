"""On whose word a figure of a run stands: the one place that knows.

A verifier scores predictions again, so scores can be believed. Nobody can measure again how long somebody else's machine took, nor
see which one it was: of a run that was handed in, all but its scores is claimed, until a rerun finds some of it again. What is
claimed is shown with a mark, and never ranks, sorts, chooses a table or decides a gate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.record import Run
from bench.types import Json

MEASURED, RERUN, CLAIMED = "measured", "rerun", "claimed"
MARK = "~"
IMPORTED = "imported"  # the key of the origin of a run that was made here of another harness' log
STORE = "store"  # the key of the origin of a run that was read from a store: whoever may write there is trusted with it
LEGEND = (
    f"{MARK} claimed: said by who handed the run in and measured by nobody here, so it ranks and sorts nothing; "
    "`bench verify FILE --rerun N` runs some of it again."
)
LEGEND_OF_LOGS = (
    f"{MARK} claimed: said by another harness' log, or by nobody, and measured by nobody here, so it ranks and sorts nothing; "
    "a log is imported again by whoever has it (`bench import`)."
)
_SCORED = frozenset({"n", "failed", "origin", "empty", "unparsed"})  # follow from the predictions
_FOUND_AGAIN = frozenset(  # what a rerun that reproduced the speed has seen
    {"examples_per_second", "seconds_per_answer", "device", "dtype"}
)


class Claimed(str):
    """The text of a claimed figure, its mark included."""

    __slots__ = ()


@dataclass(frozen=True)
class Rerun:
    """`equal` of `n` answers were the same when the model was run again; `here` are the examples a second that it reached.

    `reproduced` says that the claimed speed was found again.
    """

    n: int
    equal: int
    here: float
    reproduced: bool

    def __str__(self) -> str:
        return f"rerun {self.equal} of {self.n} equal"


def standing(run: Run, name: str) -> str:
    """MEASURED here, found again by a RERUN, or CLAIMED: for a column of a board, or a part of the record by its name."""
    if is_own(run) or name in _SCORED:
        return MEASURED
    found = rerun_of(run)
    return RERUN if found and found.reproduced and name in _FOUND_AGAIN else CLAIMED


def is_claimed(run: Run, name: str) -> bool:
    """Whether this figure of the run is somebody's word only."""
    return standing(run, name) == CLAIMED


def legend(run: Run) -> str:
    """What the mark of a claimed figure means of this run: who said it, and how it can be had again."""
    return LEGEND_OF_LOGS if IMPORTED in run.origin else LEGEND


def is_own(run: Run) -> bool:
    """Whether the run was made or scored here, or read from a store: whose figures are then those of the store."""
    return not run.origin or STORE in run.origin


def rerun_of(run: Run) -> Rerun | None:
    """What came of running the model again, as whoever verified the run recorded it; None for no such record."""
    verified = run.origin.get("verified")
    found = verified.get("rerun") if isinstance(verified, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    n, equal, here = found.get("n"), found.get("equal"), found.get("examples_per_second")
    if type(n) is not int or type(equal) is not int or not 0 <= equal <= n or not isinstance(here, int | float):
        return None
    return Rerun(n, equal, float(here), found.get("reproduced") is True and n > 0 and 0 < here < math.inf)


def shown(run: Run, name: str, text: str) -> str:
    """The text of a figure, marked where it is claimed; what is absent is claimed by nobody."""
    return Claimed(MARK + text) if text not in ("", "–") and is_claimed(run, name) else text


def date_of(run: Run) -> str:
    """The time of a run: of one that was imported here that of its log, "" where the log says none."""
    log = run.origin.get(IMPORTED)
    if not isinstance(log, Mapping) or "bundle" in run.origin or "submitter" in run.origin:
        return run.created
    return str(log.get("date", ""))


def date_text(run: Run, *, minutes: bool = False) -> str:
    """The day of a run, or its time, marked where it is claimed; where a log says none that of its import, called so."""

    def text(date: str) -> str:
        return f"{date[:16].replace('T', ' ')} UTC" if minutes else date[:10]

    return shown(run, "date", text(date)) if (date := date_of(run)) else f"imported {text(run.created)}"


def known_since(run: Run) -> str:
    """The day or time by which runs are put in order: its own, that of its verification, "" for one that is only reported."""
    if not is_claimed(run, "date") or IMPORTED in run.origin:  # the record was made here, whoever measured
        return run.created
    verified = run.origin.get("verified")
    return str(verified.get("date", "")) if isinstance(verified, Mapping) else ""


def in_store(run: Run) -> Run:
    """The run as one of a store; one that came in a bundle stays what it is."""
    return run if run.origin else Run(**{**vars(run), "origin": {STORE: True}})


def reported(origin: Mapping[str, Json]) -> dict[str, Json]:
    """The origin of a run that stands in an entry, which is never one of ours whatever it says."""
    return {"bundle": "", "submitter": ""} | {name: value for name, value in origin.items() if name != STORE}
