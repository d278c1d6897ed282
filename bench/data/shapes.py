"""The shapes that final answers have: each function gives the answer as metrics take it.

ValueError says what was found and what is allowed. The limits bound what scoring an answer can cost, and lie far above what
any question asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import TypeVar

from bench.data.submissions import kind
from bench.types import Json

T = TypeVar("T")
LONGEST = 20_000  # characters of a text
TRANSCRIPT = 1_000_000  # of a transcript of a call
MOST = 1_000  # items of a list
_ALL = 100_000  # values in one answer of no known shape
_DEPTH = 16


def a_text(found: Json, longest: int = LONGEST) -> str:
    """A text of at most so many characters."""
    if not isinstance(found, str):
        raise ValueError(f"found {kind(found)}, expected a text")
    if len(found) > longest:
        raise ValueError(f"found a text of {len(found):,} characters, allowed are {longest:,}")
    return found


def a_number(found: Json, low: float = -math.inf, high: float = math.inf) -> int | float:
    """A finite number within [low, high]; no truth value and no text."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(f"found {kind(found)}, expected a number")
    try:
        finite = math.isfinite(found)
    except OverflowError:  # a whole number beyond all floats
        finite = False
    if not finite:
        raise ValueError("found a number that is not finite, or too large")
    if not low <= found <= high:
        raise ValueError(f"found {found!r}, expected a number from {low:g} to {high:g}")
    return found


def a_list(found: Json, of: Callable[[Json], T], most: int = MOST) -> list[T]:
    """A list of at most so many items, each as `of` gives it."""
    if not isinstance(found, list | tuple):
        raise ValueError(f"found {kind(found)}, expected a list")
    if len(found) > most:
        raise ValueError(f"found a list of {len(found):,} items, allowed are {most:,}")
    return [of(one) for one in found]


def short(found: list[T]) -> list[T]:
    """The list, whose texts together are no longer than one text may be."""
    a_text("".join(map(str, found)))
    return found


def an_object(found: Json, keys: Collection[str], also: Collection[str] = ()) -> dict[str, Json]:
    """An object that has all of these keys, perhaps some `also`, and no others."""
    if not isinstance(found, dict):
        raise ValueError(f"found {kind(found)}, expected an object of {', '.join(keys)}")
    if missing := [key for key in keys if key not in found]:
        raise ValueError(f"the key {missing[0]!r} is missing")
    if other := [str(key) for key in found if key not in keys and key not in also]:
        raise ValueError(f"found the key {other[0][:40]!r}, expected {', '.join([*keys, *also])}")
    return dict(found)


def anything(found: Json) -> Json:
    """A JSON value of any shape within the limits: what a task's answer is of which nothing else is known."""
    _within(found, _ALL, 0)
    return found


def _within(found: Json, left: int, depth: int) -> int:
    """How many values may still come; ValueError where there are too many, or one is too large."""
    if isinstance(found, str):
        a_text(found, TRANSCRIPT)
    elif isinstance(found, float):
        a_number(found)
    elif isinstance(found, dict | list | tuple):
        if depth == _DEPTH:
            raise ValueError(f"found lists or objects within one another, allowed are {_DEPTH} levels")
        for one in found.values() if isinstance(found, dict) else found:
            left = _within(one, left - 1, depth + 1)
            if left < 0:
                raise ValueError(f"found more than {_ALL:,} values, allowed is as many")
    return left
