"""How a local model is fed: batches of like length, each answer checked, each failure kept."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import SupportsFloat

from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.reply import UNFINISHED
from bench.runs.timing import Stopwatch
from bench.text.thinking import behind_thinking
from bench.types import Choose, Example, Generate, Prediction, Regress, Request, Span, Transcribe

_QUOTED = 20_000  # characters of such a reply that are kept
WINDOW = 512  # examples that are ordered together: long enough to batch alike, short enough to keep memory flat


def batches(
    examples: Sequence[Example],
    request: Callable[[Example], Request],
    model: Model,
    *,
    batch_size: int,
    batch_tokens: int,
    done: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
) -> Iterator[tuple[int, list[Request]]]:
    """Batches still to do, each with the number of predictions before it.

    A batch has at most `batch_size` requests and, unless it has but one, costs at most `batch_tokens`. The plan depends only
    on the examples, the model and these two, never on where an earlier attempt stopped: the company that a request is in can
    change its answer, so a resumed run must meet the same batches. `done` are the ids in the journal, in order. What costs the
    same and is to be labelled or rated comes in the order of `names`, if they are given: the data's own may be that of the labels.
    """
    names = names or {}
    position = 0
    for start in range(0, len(examples), WINDOW):
        window = examples[start : start + WINDOW]
        if {e.id for e in window} == set(done[position : position + len(window)]):
            position += len(window)
            continue
        for batch in _cut(_ordered(window, request, model, names), batch_size, batch_tokens):
            if [r.id for r in batch] != list(done[position : position + len(batch)]):
                yield position, batch
                done = ()  # the journal is cut here: everything behind is still to do
            position += len(batch)


def _ordered(
    window: Sequence[Example], request: Callable[[Example], Request], model: Model, names: Mapping[str, str]
) -> list[tuple[int, Request]]:
    """Requests with their costs, longest first: what does not fit in memory shows at once.

    What shares a passage, a page or a table stays together, placed by the longest of it: a model may compute it once.
    """
    asked = [request(example) for example in window]
    costs = [model.cost(one) for one in asked]
    own = [names.get(one.id, "") if isinstance(one.output, Choose | Regress) else "" for one in asked]
    longest: dict[str, int] = {}
    first: dict[str, str] = {}
    for example, cost, name in zip(window, costs, own, strict=True):
        longest[example.cluster] = max(cost, longest.get(example.cluster, 0))
        first[example.cluster] = min(name, first.get(example.cluster, name))
    seen = {cluster: (first[cluster], place) for place, cluster in enumerate(longest)}
    clusters = [example.cluster for example in window]
    order = sorted(range(len(window)), key=lambda i: (-longest[clusters[i]], seen[clusters[i]], -costs[i], own[i]))
    return [(costs[i], asked[i]) for i in order]


def _cut(ordered: Sequence[tuple[int, Request]], batch_size: int, batch_tokens: int) -> Iterator[list[Request]]:
    """As many batches as are needed, of about the same size: a small one at the end would cost as many steps as a large one."""
    total = sum(cost for cost, _ in ordered)
    n_batches = max(-(-len(ordered) // batch_size), -(-total // batch_tokens))
    fair_size, fair_tokens = -(-len(ordered) // n_batches), -(-total // n_batches)
    batch: list[Request] = []
    held = 0
    for cost, request in ordered:
        full = len(batch) == batch_size or held + cost > batch_tokens
        if batch and (full or (len(batch) >= fair_size and held >= fair_tokens)):
            yield batch
            batch, held = [], 0
        batch.append(request)
        held += cost
    if batch:
        yield batch


def ahead(plan: Iterator[tuple[int, list[Request]]], model: Model) -> Iterator[tuple[int, list[Request]]]:
    """The plan, with the model told of each batch while the one before is computed: see `Model.prepare`."""
    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as thread:
        now = next(plan, None)
        if now is not None:  # before the second, so that a model which begins to answer then keeps to their order
            thread.submit(model.prepare, now[1]).exception()
        while now is not None:
            then = next(plan, None)
            told = thread.submit(model.prepare, then[1]) if then is not None else None
            yield now
            if told is not None:
                told.exception()  # waits; what is wrong with a request shows again in `predict`
            now = then


def load(model: Model, device: Device, seed: int, watch: Stopwatch) -> None:
    """Load the model, if it is not yet loaded for this device and seed."""
    if model.loaded != (device, seed):
        with watch.phase("load"):
            model.load(device, seed=seed)
        model.loaded = device, seed


@dataclass
class Room:
    """How many requests were seen to fit in memory at once, None while all did; `halvings` counts those that did not."""

    at_most: int | None = None
    halvings: int = 0


def answer(model: Model, batch: Sequence[Request], name: str, room: Room | None = None) -> list[Prediction]:
    """One prediction a request, in order; a request that fails has its `error` set.

    A batch that raises is asked again in two halves, of which the first is kept when the second fails, and so on: one bad
    example costs no other. What did not fit in memory is remembered in `room` for the batches to come. Raises BenchError when
    the model does not answer each request in order.
    """
    room = room or Room()
    if room.at_most is not None and len(batch) > room.at_most:
        pieces = [batch[start : start + room.at_most] for start in range(0, len(batch), room.at_most)]
        return [prediction for piece in pieces for prediction in answer(model, piece, name, room)]
    try:
        predictions = model.predict(batch)
    except BenchError:
        raise
    except Exception as error:  # a model may raise anything; the run goes on and the failure is counted
        full, reason = out_of_memory(error), f"{type(error).__name__}: {error}"[:500]
    else:
        return _in_order(predictions, batch, name)
    # Outside the `except`, so that the error's frames no longer hold the tensors that filled the memory.
    if full:
        model.free()
        room.halvings += 1
        # One that is too large alone says nothing of the others.
        room.at_most = len(batch) // 2 if len(batch) > 1 else None
    if len(batch) == 1:
        return [Prediction(batch[0].id, error=reason)]
    half = len(batch) // 2
    return [*answer(model, batch[:half], name, room), *answer(model, batch[half:], name, room)]


def out_of_memory(error: BaseException) -> bool:
    """Whether the error says that memory ran out: Python's, torch's for a GPU, or what torch says on a CPU."""
    return type(error).__name__ in ("MemoryError", "OutOfMemoryError") or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in str(error) or "out of memory" in str(error))
    )


def _in_order(predictions: object, batch: Sequence[Request], name: str) -> list[Prediction]:
    if not isinstance(predictions, list) or not all(isinstance(found, Prediction) for found in predictions):
        raise BenchError(f"model '{name}' must return a list of Prediction, got {str(predictions)[:80]}")
    asked, got = [r.id for r in batch], [p.id for p in predictions]
    if asked != got:
        raise BenchError(f"model '{name}' must answer each request of a batch in order: {_difference(asked, got)}")
    return [_checked(request, prediction) for request, prediction in zip(batch, predictions, strict=True)]


def _difference(asked: list[str], got: list[str]) -> str:
    pairs = enumerate(zip(asked, got, strict=False))
    at = next((i for i, (a, g) in pairs if a != g), min(len(asked), len(got)))
    return (
        f"asked for {len(asked)}, got {len(got)}; from position {at} asked {asked[at : at + 3]}, got {got[at : at + 3]}"
    )


def _checked(request: Request, prediction: Prediction) -> Prediction:
    """The prediction in plain types, with the text of its span, or its failure when it does not hold what was asked for."""
    if prediction.error is not None:
        return prediction
    text = prediction.text
    if isinstance(request.output, Generate) and isinstance(text, str) and behind_thinking(text) is None:
        return replace(prediction, text=None, error=f"{UNFINISHED}: {text[-_QUOTED:]!r}")
    try:
        return _as_asked(request, prediction)
    except (TypeError, ValueError) as error:
        return Prediction(request.id, error=f"invalid prediction: {error}")


def _as_asked(request: Request, prediction: Prediction) -> Prediction:
    """The prediction in plain types; raises ValueError or TypeError for what does not answer the request."""
    match request.output:
        case Span(context=str(context)) if prediction.span is not None:
            start, end = (operator.index(place) for place in prediction.span)
            if not 0 <= start <= end <= len(context):
                raise ValueError(f"span {start}:{end} is outside 0:{len(context)}")
            return replace(prediction, span=(start, end), text=context[start:end])
        case Generate() | Transcribe():
            if not isinstance(prediction.text, str):
                raise ValueError("text is missing")
            return prediction
        case Choose(labels=names):
            return replace(prediction, label_scores=_numbers("label_scores", prediction.label_scores, names))
        case Regress(names=names):
            return replace(prediction, values=_numbers("values", prediction.values, names))
    raise TypeError(f"unknown output {request.output!r}")


def _is_finite(value: SupportsFloat) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:  # a whole number beyond all floats
        return False


def _numbers(field: str, found: object, names: Sequence[str]) -> dict[str, float]:
    if not isinstance(found, dict) or set(found) != set(names):
        raise ValueError(f"{field} must have exactly {list(names)}")
    for name, value in found.items():
        if not isinstance(value, SupportsFloat) or not _is_finite(value):
            raise ValueError(f"{field}[{name!r}] is {str(value)[:40]}")
    return {name: float(found[name]) for name in names}
