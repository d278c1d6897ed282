"""What a line of the journal and of the ledger may hold: each field of its type, whoever wrote it."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from bench.record import Span, Timing
from bench.runs import record_schema
from bench.text.shown import terminal
from bench.types import FINISHES, Json, Prediction, is_token_count

# What comes of a value that is no line, whatever it is.
WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


def loaded(line: bytes) -> Json:
    """The JSON value of a line; raises one of `WRONG` where it is none, no UTF-8, or holds NaN or an infinity.

    >>> loaded(b'{"seconds": NaN}')
    Traceback (most recent call last):
        ...
    ValueError: NaN is no number
    """
    return json.loads(line.decode("utf-8"), parse_constant=_constant)


def prediction(record: Json) -> Prediction:
    """A line of the journal, every field of its type; raises one of `WRONG` for another."""
    return Prediction.from_json(prediction_record(record))


def prediction_record(record: Json) -> dict[str, Json]:
    """The same as JSON, its `id` there."""
    _refuse(record, _PREDICTION)
    said = [name for name in ("text", "label_scores", "values", "answer", "error") if name in record]
    if len(said) != 1:
        raise ValueError(f"one answer is due, found {', '.join(said) or 'none'}")
    if "id" not in record:
        raise TypeError("id is missing")
    return dict(record)


def timing(record: Json) -> Timing:
    """A line of the ledger, every field of its type; raises one of `WRONG` for another."""
    return Timing.from_json(timing_record(record))


def timing_record(record: Json) -> dict[str, Json]:
    """The same as JSON: `attempt`, `phase` and `seconds` are there."""
    _refuse(record, _TIMING)
    if not record.keys() >= _ALWAYS:
        raise TypeError(f"{', '.join(sorted(_ALWAYS - record.keys()))} is missing")
    return dict(record)


def _refuse(record: Json, form: Mapping[str, Callable[[Any], bool]]) -> None:
    for name, value in record.items():
        if not form[name](value):
            raise ValueError(f"{name} is {terminal(repr(value), 200)}")


def _constant(text: str) -> Json:
    raise ValueError(f"{text} is no number")


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Json) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_numbers(value: Json) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _is_span(value: Json) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_count, value))


def _is_digest(value: Json) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{12,16}(-[0-9]{1,4})?", value) is not None


_PREDICTION: dict[str, Callable[[Any], bool]] = {
    "id": _is_text, "text": _is_text, "span": _is_span, "label_scores": _is_numbers, "values": _is_numbers,
    "answer": lambda value: value is not None, "no_answer": _is_number, "error": _is_text, "prompt_tokens": is_token_count,
    "new_tokens": is_token_count, "truncated": is_token_count, "asked": _is_digest, "reused": _is_digest, "heard": _is_digest,
    "finish": lambda value: value in FINISHES, "thinking": _is_text, "thinking_tokens": is_token_count,
}  # fmt: skip


def _is_check(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32


def _is_told(value: Json) -> bool:
    """Whether it is a `Span` in full: no count of what it holds is trusted before that."""
    if not isinstance(value, list) or len(value) != len(Span._fields):
        return False
    name, start, seconds, rows, tokens, track = value
    words = isinstance(name, str) and isinstance(track, str) and _are_words(name) and _are_words(track or "a")
    times = _is_number(start) and abs(start) < _LONGEST and _is_number(seconds) and 0 <= seconds < _LONGEST
    return bool(words) and times and _is_count(rows) and _is_count(tokens)


@functools.lru_cache(256)  # there are few
def _are_words(text: str) -> bool:
    return _WORDS.fullmatch(text) is not None


_LONGEST = 1e10  # seconds
MOST_SPANS = 1000  # of a reading
_PART = re.compile("[1-9][0-9]{0,5}/[1-9][0-9]{0,5} [0-9a-f]{8}")
_WORDS = re.compile("[a-z][a-z ]{0,39}")
_ALWAYS = {"attempt", "phase", "seconds"}
_PHASES = ("begin", "lost", "load", "fit", "warmup", "predict", "audit", "score")
_TIMING: dict[str, Callable[[Any], bool]] = {field.name: _is_count for field in fields(Timing)} | {
    "phase": lambda value: value in _PHASES,
    "seconds": lambda value: _is_number(value) and 0 <= value < _LONGEST,
    "places": lambda value: isinstance(value, list) and all(map(_is_count, value)),
    "start": lambda value: _is_number(value) and 0 <= value < _LONGEST,
    "spans": lambda value: isinstance(value, list) and len(value) <= MOST_SPANS and all(map(_is_told, value)),
    "at": lambda value: isinstance(value, str) and re.fullmatch(record_schema.TIME, value) is not None,
    "checks": lambda value: isinstance(value, list) and all(map(_is_check, value)),
    "part": lambda value: isinstance(value, str) and _PART.fullmatch(value) is not None,
}
