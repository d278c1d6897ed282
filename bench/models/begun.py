"""Requests that are under way in an engine, each with the future of its prediction."""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

from bench.types import Prediction, Request


class Begun:
    """What was begun and is not given on yet: of the batch that is answered, and of the one that comes next."""

    def __init__(self) -> None:
        self._under_way: dict[Request, Future[Prediction]] = {}

    def missing(self, batch: Sequence[Request]) -> list[Request]:
        """Those that were not begun."""
        return [request for request in batch if request not in self._under_way]

    def add(self, request: Request, answer: Future[Prediction]) -> None:
        """One more is under way."""
        self._under_way[request] = answer

    def answered(self, batch: Sequence[Request], go_on: Callable[[], None] | None = None) -> Iterator[Prediction]:
        """Each answer of a batch as soon as it is there; what one raised is raised behind the others, so that these are kept.

        `go_on` is called once and again until one is there, where the engine is driven by whoever waits for it.
        Where the iterator is closed, or anything else ends it, all that is under way is cancelled: nobody will read it.
        """
        done: queue.SimpleQueue[Request] = queue.SimpleQueue()
        ends: BaseException | None = None
        try:
            for request in batch:
                self._under_way[request].add_done_callback(lambda _, request=request: done.put(request))  # type: ignore[misc]
            for _ in batch:
                while go_on is not None and done.empty():
                    go_on()
                found = self._under_way.pop(done.get())
                if (error := found.exception()) is not None:
                    ends = error
                else:
                    yield found.result()
            if ends is not None:
                raise ends
        except BaseException:
            self.let_go()
            raise

    def let_go(self) -> None:
        """Cancel all of it."""
        while self._under_way:  # which another thread may be adding to: a batch may still be told
            self._under_way.popitem()[1].cancel()


def handed_on(asked: Future[Prediction]) -> Future[Prediction]:
    """A future of the caller's own, which ends as the one that was asked for does; cancelling it cancels that one."""
    found: Future[Prediction] = Future()

    def over(asked: Future[Prediction]) -> None:
        with contextlib.suppress(concurrent.futures.InvalidStateError):  # it was cancelled
            if asked.cancelled():
                found.cancel()
            elif (error := asked.exception()) is not None:
                found.set_exception(error)
            else:
                found.set_result(asked.result())

    found.add_done_callback(lambda done: asked.cancel() if done.cancelled() else None)
    asked.add_done_callback(over)
    return found
