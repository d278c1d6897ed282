"""Answers of an earlier run to the very same requests, for a run whose prompt changed for some examples only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bench.engine.asking import Asking
from bench.errors import BenchError
from bench.models.base import Model
from bench.runs.folder import RECORD, RunFolder
from bench.runs.identity import Identity
from bench.runs.journal import JOURNAL
from bench.types import Prediction


def take_over(folder: RunFolder, identity: Identity, asked: Asking, model: Model) -> str:
    """Begin the journal of a new run with what earlier runs of the same model and settings answered to its requests; says how many.

    Only where the company of a request cannot change its answer: in float32, or for a model of which that is known
    (`answers_alone`). Failures are not taken over. Nothing is done to a run that has begun. Raises BenchError otherwise.
    """
    if not model.answers_alone and identity.dtype != "float32":
        raise BenchError(
            f"--reuse: in {identity.dtype} an answer of model '{identity.model}' may depend on the others in its batch; use "
            "device.dtype=float32, or leave --reuse out (a function that answers each request alone says so by model.alone=true)"
        )
    if next(folder.predictions(), None) is not None:
        return "--reuse: the run has begun already; it goes on with what it has"
    found: dict[str, Prediction] = {}
    passed: list[str] = []
    for other in folder.siblings():
        if (its := other.identity()) is None or not its.answers_as(identity):
            continue
        if reason := _unlike(other, folder):
            passed.append(f"{other.path.name} {reason}")
            continue
        for prediction in other.predictions():
            same = prediction.asked and prediction.asked == asked.asked.by_id.get(prediction.id)
            if same and prediction.error is None and prediction.id not in found:
                found[prediction.id] = replace(prediction, reused=prediction.reused or other.path.name)
    folder.write_predictions([found[example.id] for example in asked.examples if example.id in found])
    runs = ", ".join(counted(found.values())) or "no earlier run"
    rest = f"; left out: {', '.join(passed)}" if passed else ""
    return f"--reuse: {len(found):,} of {len(asked.examples):,} answers are taken from {runs}{rest}"


def _unlike(other: RunFolder, folder: RunFolder) -> str:
    """Why the answers of another run are not what its model would say here, "" where nothing speaks against it."""
    if others := other.other_versions(folder.libraries()):
        return f"was computed under {', '.join(others)}"
    if not other.complete:
        return ""
    try:
        return "" if other.is_whole(JOURNAL, other.read()) else f"has another {JOURNAL} than it wrote"
    except BenchError:
        return f"has a {RECORD} that cannot be read"


def counted(predictions: Iterable[Prediction]) -> dict[str, int]:
    """How many answers were taken over, by the id of the run that gave them."""
    return dict(Counter(prediction.reused for prediction in predictions if prediction.reused))
