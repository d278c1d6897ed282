"""Plain values of somebody's own code (a label, a number, a dict) as the Prediction that a request asked for."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import fields

from bench.models.reply import chosen
from bench.text.finish import finish_of
from bench.text.signs import form
from bench.text.stated_numbers import listed
from bench.types import FINISHES, Choose, Prediction, Regress, Request, Span

_FIELDS = frozenset(field.name for field in fields(Prediction)) - {"id", "answer", "error", "asked", "reused", "heard"}
_BESIDE = ("finish", "thinking", "thinking_tokens", "prompt_tokens", "new_tokens", "no_answer")


def as_prediction(request: Request, value: object) -> Prediction:
    """The prediction that a value of somebody's own code makes.

    A Prediction stays. Text: a str. Label: a str, one (which is no probability) or (with `several`) a list of the labels, or
    {label: score}. Numbers: {name: number}, a list in the order of the names, or one number. A span: (start, end). Any of these may
    also stand in a dict under the names of Prediction's fields ({"text": …, "no_answer": 0.3}), or be the `text` of an object with
    such attributes, as libraries return; `finish` or `finish_reason` may be any library's word. None is a failure of this request.

    Raises TypeError for a type that never answers such a request, ValueError for a value that does not.
    """
    if isinstance(value, Prediction):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise ValueError("it answered nothing")
    if isinstance(getattr(value, "text", None), str) and not isinstance(value, Mapping):
        names = ("text", "finish_reason", *_BESIDE)
        value = {name: found for name in names if (found := getattr(value, name, None)) is not None}
    if isinstance(value, Mapping) and value and set(value) <= _FIELDS | {"finish_reason"}:
        return Prediction.from_json({"id": request.id, **_with_finish(value)})
    read_as: dict[type, Callable[[Request, object], Prediction]] = {Choose: _as_labels, Regress: _as_numbers}
    return read_as.get(type(request.output), _as_text)(request, value)


def _with_finish(value: Mapping[str, object]) -> dict[str, object]:
    """The fields with how the reply ended in our words; one that says so itself is left to be checked."""
    given = dict(value)
    reason = given.pop("finish_reason", None)
    said = given.setdefault("finish", finish_of(reason))
    return given if said in FINISHES else given | {"finish": finish_of(said) if finish_of(said) != "none" else said}


def _as_text(request: Request, value: object) -> Prediction:
    if isinstance(value, str):
        return Prediction(request.id, text=value)
    if isinstance(request.output, Span) and isinstance(value, tuple | list) and len(value) == 2:
        return Prediction(request.id, span=(value[0], value[1]))
    raise TypeError(f"{_typed(value)}; {type(request.output).__name__} takes a str")


def _as_labels(request: Request, value: object) -> Prediction:
    several_due = isinstance(request.output, Choose) and request.output.several
    labels = request.output.labels if isinstance(request.output, Choose) else ()
    if isinstance(value, Mapping):
        return Prediction(request.id, label_scores=dict(value))
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list | tuple) or not all(isinstance(one, str) for one in several):
        raise TypeError(f"{_typed(value)}; Choose takes a label or {{label: score}}")
    by_form = {form(label): label for label in labels}
    if unknown := [one for one in several if form(one) not in by_form]:
        raise ValueError(f"label {unknown[0]!r} is not one of {listed(labels)}")
    return Prediction(
        request.id, label_scores=chosen(labels, (by_form[form(one)] for one in several), several=several_due)
    )


def _as_numbers(request: Request, value: object) -> Prediction:
    names = request.output.names if isinstance(request.output, Regress) else ()
    if isinstance(value, Mapping):
        return Prediction(request.id, values=dict(value))
    several = [value] if isinstance(value, numbers.Real) else value
    if not isinstance(several, list | tuple) or len(several) != len(names):
        raise TypeError(
            f"{_typed(value)}; Regress takes {{name: number}} or {len(names)} in the order of {listed(names)}"
        )
    return Prediction(request.id, values=dict(zip(names, several, strict=True)))


def _typed(value: object) -> str:
    return f"a {type(value).__name__}, {str(value)[:40]!r}"
