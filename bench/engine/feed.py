"""How a local model is fed: batches of like length, each answer checked, each failure kept."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import SupportsFloat

from bench.errors import BenchError
from bench.models.base import Model
from bench.types import Choose, Example, Generate, Prediction, Regress, Request, Span, Transcribe

WINDOW = 512  # examples that are ordered together: long enough to batch alike, short enough to keep memory flat


def batches(
    examples: Sequence[Example],
    request: Callable[[Example], Request],
    model: Model,
    *,
    batch_size: int,
    done: Sequence[str] = (),
) -> Iterator[tuple[int, list[Request]]]:
    """Batches still to do, each with the number of predictions before it.

    The plan depends only on the examples, the model and `batch_size`, never on where an earlier attempt stopped: padding
    can change an answer, so a resumed run must meet the same batches. `done` are the ids in the journal, in order.
    """
    position = 0
    for start in range(0, len(examples), WINDOW):
        window = examples[start : start + WINDOW]
        if {e.id for e in window} == set(done[position : position + len(window)]):
            position += len(window)
            continue
        requests = [request(example) for example in window]
        # Longest first: what does not fit in memory shows at once. The sort is stable, so neighbours that share a
        # passage or a page and are equally long stay together.
        requests.sort(key=model.cost, reverse=True)
        for first in range(0, len(requests), batch_size):
            batch = requests[first : first + batch_size]
            if [r.id for r in batch] != list(done[position : position + len(batch)]):
                yield position, batch
                done = ()  # the journal is cut here: everything behind is still to do
            position += len(batch)


def answer(model: Model, batch: Sequence[Request], name: str) -> list[Prediction]:
    """One prediction a request, in order; a request that fails has its `error` set.

    When a batch raises, its requests are asked again one at a time, so that one bad example costs no other. Raises
    BenchError when the model does not answer each request in order.
    """
    try:
        predictions = model.predict(batch)
    except BenchError:
        raise
    except Exception as error:  # a model may raise anything; the run goes on and the failure is counted
        if len(batch) > 1:
            return [prediction for request in batch for prediction in answer(model, [request], name)]
        return [Prediction(batch[0].id, error=f"{type(error).__name__}: {error}"[:500])]
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


def _numbers(field: str, found: object, names: Sequence[str]) -> dict[str, float]:
    if not isinstance(found, dict) or set(found) != set(names):
        raise ValueError(f"{field} must have exactly {list(names)}")
    for name, value in found.items():
        if not isinstance(value, SupportsFloat) or not math.isfinite(value):
            raise ValueError(f"{field}[{name!r}] is {value}")
    return {name: float(found[name]) for name in names}
