"""Conversations on reports: whether a turn's answer is the gold result, and whether all of a dialogue's are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bench.metrics.dialogues import whole_dialogues
from bench.metrics.metric import Metric, Row

_PLACES, _CLOSE = 5, 1e-3


def is_result(target: Mapping[str, Any], answer: float | str) -> float:
    """1.0 where the answer is the gold result at 5 places; "12%" is 0.12, and 12 where the result is in per cent itself."""
    gold = target["result"]
    if isinstance(gold, str):
        return float(answer == gold)
    return float(any(round(value, _PLACES) == round(gold, _PLACES) for value in _values(answer)))


def _is_close(target: Mapping[str, Any], answer: float | str) -> Row:
    gold = target["result"]
    near = not isinstance(gold, str) and any(math.isclose(gold, one, rel_tol=_CLOSE) for one in _values(answer))
    return (max(is_result(target, answer), float(near)),)


def _values(answer: float | str) -> tuple[float, ...]:
    """The numbers that an answer may be, none for a text without one."""
    if not isinstance(answer, str):
        return (float(answer),)
    if not answer.endswith("%"):
        return ()
    value = float(answer[:-1])
    return (value / 100, value)


# target {"dialogue": its id, "result": number or "yes" or "no", …}, answer: number, "yes", "no", "12%" or "" for none
CONVFINQA = (
    Metric("execution_accuracy", measure=lambda target, answer: (is_result(target, answer),), signature="5 places"),
    Metric("close_accuracy", measure=_is_close, signature="5 places, or within 0.1 %"),
    whole_dialogues("dialogue_accuracy", is_result, signature="all turns right at 5 places"),
)
