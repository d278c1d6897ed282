"""What a model gave, as the loop keeps it: checked against its request, in plain types, with its thinking apart."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, SupportsFloat

from bench.text.thinking import apart, joined
from bench.types import FINISHES, Choose, Generate, Prediction, Regress, Request, Span, Transcribe, is_token_count

_QUOTED = 20_000  # characters of a reply that an error keeps

_NOTHING = dict.fromkeys(("text", "span", "label_scores", "values", "answer", "no_answer", "error"))


def checked(request: Request, prediction: Prediction) -> Prediction:
    """The prediction in plain types, with the text of its span, or its failure when it does not hold what was asked for.

    What an answer is and whether it was taken over is for the engine to say. `new_tokens` are no fewer than `thinking_tokens`.
    """
    try:
        _refuse_odd(prediction)
        n_new = max(prediction.new_tokens, prediction.thinking_tokens)
        prediction = prediction.but(
            asked="", reused="", heard="", new_tokens=n_new, thinking=joined(prediction.thinking)
        )
        if prediction.error is not None:
            return _with(prediction, error=str(prediction.error))
        if isinstance(request.output, Generate) and prediction.text is not None and prediction.span is None:
            prediction = _without_thinking(prediction)
        return prediction if prediction.error is not None else _as_asked(request, prediction)
    except (TypeError, ValueError) as error:
        return Prediction(request.id, error=f"invalid prediction: {error}")


def _refuse_odd(prediction: Prediction) -> None:
    """Raise ValueError where what is said beside the answer is of no form that it may have."""
    if prediction.finish not in FINISHES:
        raise ValueError(f"finish is {str(prediction.finish)[:40]!r}, none of {', '.join(FINISHES)}")
    if prediction.thinking is not None and not isinstance(prediction.thinking, str):
        raise ValueError(f"thinking is a {type(prediction.thinking).__name__}, a text or None is due")
    for name in ("prompt_tokens", "new_tokens", "truncated", "thinking_tokens"):
        if not is_token_count(value := getattr(prediction, name)):
            raise ValueError(f"{name} is {str(value)[:40]!r}, which is no number of tokens")


def _without_thinking(prediction: Prediction) -> Prediction:
    """The prediction with its thinking kept apart; one whose thinking does not end was cut before it answered anything.

    A reply that ended by an error is one, and so is a refusal without a word.
    """
    if not isinstance(prediction.text, str):
        raise ValueError("text is missing")
    if prediction.finish == "error":
        said = prediction.text[-_QUOTED:]
        return prediction.but(text=None, error=f"the reply was broken off by an error: {said!r}")
    thought, answer = apart(prediction.text)
    thinking = joined(prediction.thinking, thought)
    if answer is None:
        return prediction.but(text="", thinking=thinking, finish="length")
    if prediction.finish == "refused" and not answer.strip():
        return prediction.but(text=None, thinking=thinking, error="refused without a word")
    return prediction.but(text=answer, thinking=thinking)


def _as_asked(request: Request, prediction: Prediction) -> Prediction:
    """The prediction in plain types; raises ValueError or TypeError for what does not answer the request."""
    match request.output:
        case Span(context=str(context)) if prediction.span is not None:
            start, end = (operator.index(place) for place in prediction.span)
            if not 0 <= start <= end <= len(context):
                raise ValueError(f"span {start}:{end} is outside 0:{len(context)}")
            return _with(
                prediction, span=(start, end), text=context[start:end], no_answer=_probability(prediction.no_answer)
            )
        case Generate() | Transcribe():
            if not isinstance(prediction.text, str):
                raise ValueError("text is missing")
            return _with(prediction, text=prediction.text, no_answer=_probability(prediction.no_answer))
        case Choose(labels=names):
            return _with(prediction, label_scores=_numbers("label_scores", prediction.label_scores, names))
        case Regress(names=names):
            return _with(prediction, values=_numbers("values", prediction.values, names))
    raise TypeError(f"unknown output {request.output!r}")


def _with(prediction: Prediction, **said: Any) -> Prediction:
    """The prediction with this answer and no other: what nobody asked for is no part of it."""
    return prediction.but(**(_NOTHING | said))


def _probability(found: object) -> float | None:
    """The probability of no answer; the scale is the model's own."""
    if found is None:
        return None
    if not isinstance(found, SupportsFloat) or not _is_finite(found):
        raise ValueError(f"no_answer is {str(found)[:40]!r}, a number is due")
    return float(found)


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
