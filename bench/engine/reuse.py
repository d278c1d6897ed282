"""Answers of earlier runs, for a new one that asks some of them the very same, or the same with a larger limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from bench.engine import longer
from bench.engine.asking import Asking
from bench.engine.history import standing
from bench.errors import BenchError
from bench.models.base import Model
from bench.runs.appended import lines
from bench.runs.folder import RECORD, RunFolder
from bench.runs.identity import Identity
from bench.runs.journal import JOURNAL
from bench.runs.settings import Settings
from bench.types import Prediction

Taken = dict[str, Prediction]


def begin(
    folder: RunFolder, identity: Identity, asked: Asking, model: Model, settings: Settings, load: Callable[[], None]
) -> list[str]:
    """Begin the journal of a new run with answers of earlier runs of the same model and settings; lines that say how many.

    With `reuse` those to the very same requests; always, but with `fresh`, those that ended by themselves at a smaller limit.
    Only where neither the company of a request nor its limit can change such an answer. Failures are not taken over, and nothing
    is done to a run that has begun. `load` loads the model, which is done where its context has to be known. Raises BenchError
    where `reuse` cannot be.
    """
    if next(lines(folder.path / JOURNAL), None) is not None:
        return ["--reuse: the run has begun already; it goes on with what it has"] if settings.reuse else []
    said: list[str] = []
    found: Taken = {}
    if settings.reuse:
        found, line = _same(folder, identity, asked, model)
        said.append(line)
    if not settings.fresh:
        more, line = _uncut(folder, identity, asked, model, load, found)
        found |= more
        said += [line] if line else []
    folder.write_predictions([found[key] for key in sorted(found, key=asked.place.__getitem__)])
    return said


def _same(folder: RunFolder, identity: Identity, asked: Asking, model: Model) -> tuple[Taken, str]:
    """What earlier runs answered to the very same requests."""
    if not model.answers_alone and identity.dtype != "float32":
        raise BenchError(
            f"--reuse: in {identity.dtype} an answer of model '{identity.model}' may depend on the others in its batch; use "
            "device.dtype=float32, or leave --reuse out (a function that answers each request alone says so by model.alone=true)"
        )
    found: Taken = {}
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
                found[prediction.id] = prediction.but(reused=prediction.reused or other.path.name)
    found = standing(asked.examples, asked.request, asked.asked, found)
    return found, f"--reuse: {len(found):,} of {len(asked.examples):,} answers are taken from {_runs(found, passed)}"


def _uncut(
    folder: RunFolder, identity: Identity, asked: Asking, model: Model, load: Callable[[], None], but: Taken
) -> tuple[Taken, str]:
    """What ended by itself in earlier runs with a smaller limit; the line is "" where there is none of these."""
    before, passed = longer.earlier(
        folder, identity, asked, lambda other: _incomplete(other) or _unlike(other, folder), but
    )
    left = len(asked.examples) - len(but)
    if not before:
        why = f": {', '.join(passed)}" if passed else ""
        return (
            {},
            f"max_new_tokens: all {left:,} are asked, also what a smaller limit did not cut{why}" if passed else "",
        )
    names = ", ".join(dict.fromkeys(one.run for one in before))
    if reason := longer.dependent(identity, model):
        return (
            {},
            f"max_new_tokens: all {left:,} are asked, also what ended by itself at the smaller limit of {names}: {reason}",
        )
    if model.uses_device and any(one.prediction.finish == "stop" for one in before):
        load()
    found = longer.taken(before, asked, model)
    if not found:
        return (
            {},
            f"max_new_tokens: all {left:,} are asked: none is known to have ended by itself at the smaller limit of {names}",
        )
    return found, (
        f"max_new_tokens: {len(found):,} of {left:,} answers ended by themselves at a smaller limit and are taken from "
        f"{_runs(found, passed)}; {left - len(found):,} are asked"
    )


def _runs(found: Taken, passed: list[str]) -> str:
    runs = ", ".join(counted(found.values())) or "no earlier run"
    return runs + (f"; left out: {', '.join(passed)}" if passed else "")


def _incomplete(other: RunFolder) -> str:
    """Nobody asked for its answers, and nothing says whether the journal of a run that is not complete was altered."""
    return "" if other.complete else "is not complete"


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
