"""Answers of an earlier run that ended by themselves, for one that asks the same with a larger limit of new tokens.

What is cut at a limit begins as it would have without, so of such a run only what was cut has to be asked again. Each answer
taken was asked the very same but for its smaller limit: the digest of its request says so.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from bench.engine.asking import Asking
from bench.errors import BenchError
from bench.models.base import Model
from bench.runs.folder import RunFolder
from bench.runs.identity import Identity
from bench.types import Generate, Prediction

_TRIED = 3  # answers of a run that were asked something else, before it is not looked at further
_MOST = 16_384  # the largest smaller limit that is looked for


@dataclass(frozen=True)
class Before:
    """What an earlier run answered to a request that had a smaller `limit`."""

    prediction: Prediction
    limit: int
    run: str


def earlier(
    folder: RunFolder, identity: Identity, asked: Asking, unlike: Callable[[RunFolder], str], but: Container[str]
) -> tuple[list[Before], list[str]]:
    """The answers, but to these ids, of runs of the same model and settings with a smaller limit; of runs left out, why."""
    found: list[Before] = []
    passed: list[str] = []
    for other in folder.siblings():
        its = other.identity()
        if its is None or its.asked == identity.asked or not its.answers_as(identity):
            continue
        try:
            there = _smaller(other, asked, but)
        except BenchError:  # a journal that nobody can read gives nothing
            continue
        if there and (reason := unlike(other)):
            passed.append(f"{other.path.name} {reason}")
        else:
            found += there
    return found, passed


def _smaller(other: RunFolder, asked: Asking, but: Container[str]) -> list[Before]:
    found: list[Before] = []
    known: list[int] = []
    missed = 0
    for prediction in other.predictions():
        if missed == _TRIED and not known:
            return []
        if prediction.id not in asked.place or prediction.id in but or not prediction.asked:
            continue
        if prediction.id in asked.asked.histories:  # what it showed may have been cut
            continue
        request = asked.request(asked.examples[asked.place[prediction.id]])
        if not isinstance(request.output, Generate):
            continue
        most = request.output.max_new_tokens
        limit = asked.asked.limit_of(request, prediction.asked, [one for one in known if one < most])
        if limit is None and missed < _TRIED:
            limit = asked.asked.limit_of(request, prediction.asked, range(1, min(most, _MOST + 1)))
            known += [limit] if limit is not None else []
            missed += limit is None
        if limit is not None:
            found.append(Before(prediction, limit, other.path.name))
    return found


def dependent(identity: Identity, model: Model) -> str:
    """Why the beginning of an answer may change with its limit, or with the others in its batch; "" where it cannot."""
    if model.answers_alone:
        return ""
    if model.bound_to:
        return f"nobody knows whether an answer of model '{identity.model}' changes with its limit (model.alone=true says not)"
    if identity.dtype != "float32":
        return f"in {identity.dtype} an answer may depend on the others in its batch; device.dtype=float32 asks the cut ones only"
    return ""


def taken(found: list[Before], asked: Asking, model: Model) -> dict[str, Prediction]:
    """Of what was found, by id, what the model would answer again: it ended by itself, and its prompt was and is whole.

    A local model is loaded. One that is made to end with the last token of its limit did not end by itself there.
    """
    kept: dict[str, Prediction] = {}
    for one in found:
        said = one.prediction
        request = asked.request(asked.examples[asked.place[said.id]])
        most = getattr(request.output, "max_new_tokens", 0)
        fits = not said.truncated and (not model.context or said.prompt_tokens + most <= model.context)
        forced = model.uses_device and said.new_tokens + 1 >= one.limit
        if said.finish == "stop" and said.error is None and fits and not forced and said.id not in kept:
            kept[said.id] = said.but(asked=asked.asked.by_id[said.id], reused=said.reused or one.run)
    return kept
