"""How fast a run was, as far as that says something: of the whole run, in answers a second and seconds per answer.

No request of a run is sent alone, so a percentile of its readings is one of batches: none is shown, also of records that hold some.
A row that computes nothing has no speed at all, whatever its record says.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.record import Run
from bench.runs.claimed import RERUN, rerun_of, standing
from bench.types import Json

_WORD_MATCHING = "bench.models.reference.Lexical"  # the one reference row that does something for its answer
_RATES = ("examples_per_second", "seconds_per_answer", "tokens_per_second")
_OF_BATCHES = ("latency_p50", "latency_p90")  # of records before answers were timed each


def computes(run: Run) -> bool:
    """Whether an answer of the run took any work: see `works`."""
    return works(run.is_reference, run.config.get("model"))


def works(is_reference: bool, model: Json) -> bool:
    """Whether answers of a model of this configuration take any work.

    Those of a reference row do not, but for word matching and pipelines of models.
    """
    told: Mapping[str, Json] = model if isinstance(model, Mapping) else {}
    stages = any(isinstance(part, Mapping) and "_target_" in part for part in told.values())
    return not is_reference or told.get("_target_") == _WORD_MATCHING or stages


def examples_per_second(run: Run) -> float | None:
    """The speed to show: the record's; where a rerun reproduced it the slower of both, so that what it lets through is no gain.

    None where nobody timed the run, or it computes nothing.
    """
    said: float | None = run.timings["examples_per_second"] if computes(run) else None
    found = rerun_of(run)
    return min(said, found.here) if said and found and standing(run, "examples_per_second") == RERUN else said


def seconds_per_answer(run: Run) -> float | None:
    """The time that the run's answers took, over their number; None where it has no speed."""
    rate = examples_per_second(run)
    return 1 / rate if rate else None


def shown(run: Run) -> dict[str, Json]:
    """The run's timings without what means nothing; what of them is None is not known, or is not there to know."""
    kept = {name: value for name, value in run.timings.items() if name not in _OF_BATCHES}
    if not computes(run):
        return kept | dict.fromkeys(name for name in _RATES if name in kept) | {"first_batch_seconds": None}
    return kept | {"seconds_per_answer": seconds_per_answer(run)}
