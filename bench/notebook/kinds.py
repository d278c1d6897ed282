"""What of a result a frame or a picture may be of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from bench.errors import BenchError

T = TypeVar("T")


def chosen(of: str, known: Mapping[str, Callable[[], T]], what: str) -> T:
    """What is made of this kind; raises BenchError for one that is not there."""
    if of not in known:
        raise BenchError(f"there is no {what} of {of!r}; choose one of {', '.join(known)}")
    return known[of]()
