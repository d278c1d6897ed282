"""Requests that are answered each by one thread, as many at once as there are threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.types import Prediction, Request


def answers(answer: Callable[[Request], Prediction], batch: Sequence[Request], threads: int) -> Iterator[Prediction]:
    """The prediction of each request in its turn; what has not begun when one raises, or nobody asks on, is not begun."""
    if threads == 1 or len(batch) == 1:
        yield from map(answer, batch)
        return
    with ThreadPoolExecutor(min(threads, len(batch))) as pool:
        coming = [pool.submit(answer, request) for request in batch]
        try:
            for one in coming:
                yield one.result()
        finally:
            for one in coming:
                one.cancel()
