"""Numbers on scales in a reply: those of the JSON object that has all the names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from bench.text.retraction import takes_back
from bench.text.stated_json import objects
from bench.text.thinking import behind_thinking
from bench.types import Json

_QUOTED = 20_000  # characters of a reply that its error keeps
_NUMBER = re.compile(r"\s{0,9}[+-]?\d{1,20}(?:\.\d{1,20})?\s{0,9}")
_DENIED = re.compile(
    r"(?:\b(?:not|never|no|wrong|incorrect|without|except)|n['’]t)\b[\s:`]{0,20}(?:json)?[\s:`]{0,20}\{", re.IGNORECASE
)
UNFINISHED = "the reply ends within its thinking, before any answer"


def numbers_in(text: str, names: Sequence[str], low: Sequence[float], high: Sequence[float]) -> dict[str, float]:
    """The numbers of the JSON object behind the thinking that has all the names.

    Raises ValueError where there is none, where two such objects differ, or where a number is missing or outside its range.
    """
    answer = behind_thinking(text)
    if answer is None:
        raise ValueError(f"{UNFINISHED}: {quote(text)}")
    wanted = {name.casefold() for name in names}
    found = [_pairs(one) for one in objects(answer)]
    inner = [_pairs(value) for pairs in found for _, value in pairs if isinstance(value, tuple)]
    given = [pairs for pairs in [*found, *inner] if wanted <= {name for name, _ in pairs}]
    if not given:
        raise ValueError(f"the reply holds no JSON object with {listed(names)}: {quote(text)}")
    told = [{(name, repr(value)) for name, value in pairs if name in wanted} for pairs in given]
    if len(told[0]) > len(names) or any(one != told[0] for one in told):
        raise ValueError(f"the reply gives more than one answer: {quote(text)}")
    if _DENIED.search(answer) or takes_back(answer[answer.rfind("}") + 1 :].casefold()):
        raise ValueError(f"the reply denies what it gives: {quote(text)}")
    said = dict(given[0])
    return {name: _within(name, said[name.casefold()], a, b) for name, a, b in zip(names, low, high, strict=True)}


def _pairs(found: Iterable[tuple[str, Json]]) -> list[tuple[str, Json]]:
    return [(name.strip().casefold(), value) for name, value in found]


def _within(name: str, value: Json, low: float, high: float) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"the reply's {name} is no number: {quote(str(value))}")
    if not low <= value <= high:
        raise ValueError(f"the reply's {name} is {value:g}, outside {low:g} to {high:g}")
    return float(value)


def listed(names: Sequence[str]) -> str:
    """The first eight names."""
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def quote(text: str) -> str:
    """The reply whole, since the journal has it nowhere else."""
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")
