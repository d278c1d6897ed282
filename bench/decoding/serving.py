"""Continuous batching in a thread of its own: prompts may come at any time, and join those that are under way."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import torch

from bench.decoding.flight import Alike, Asked, Flight, alike
from bench.decoding.kept_head import KeptHead

T = TypeVar("T")
_LINGERS = (
    1.0  # seconds that the thread waits for more: to start one, and its own threads for products, takes milliseconds
)


class Pending(Asked, Generic[T]):
    """A prompt with the future of its answer, which `made` makes of its tokens; cancelling that ends it at the next look."""

    def __init__(
        self, prompt: list[int], limit: int, over: Callable[[list[int]], bool], made: Callable[[list[int]], T]
    ) -> None:
        super().__init__(prompt, limit, lambda said: self.future.cancelled() or over(said))
        self.future: Future[T] = Future()
        self._made = made

    def answer(self) -> None:
        """Set the future, unless it was cancelled."""
        _settle(self.future, lambda: self._made(self.said))


class Serving:
    """Answers prompts by one model; what is under way is bounded by `most_work` tokens, as for `Flight`.

    What cannot be computed fails those that were under way, and halves the bound for all that come: it may have been too much for
    the memory. A common beginning is looked for among those that are asked together, and the last of those before.
    """

    def __init__(self, model: Any, most_work: int | None) -> None:
        self._model, self._most_work = model, most_work
        self._kept = KeptHead()
        self._before: list[list[int]] = []
        self._waiting: deque[Alike] = deque()
        self._flight = Flight(model, self._kept, most_work)
        self._here = threading.Condition()
        self._new: list[Sequence[Pending[Any]]] = []
        self._jobs: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._thread: threading.Thread | None = None

    def ask(self, asked: Sequence[Pending[Any]]) -> None:
        """Let these begin, as soon as there is room for them."""
        with self._here:
            self._new.append(asked)
            self._wake()

    def run(self, work: Callable[[], T]) -> Future[T]:
        """Do this in the thread, before the next step."""
        found: Future[T] = Future()
        with self._here:
            self._jobs.append((found, work))
            self._wake()
        return found

    def forget(self) -> None:
        """Forget what earlier prompts began with; what is under way takes a step more at most before that."""
        self.run(self._forget).result()

    def _forget(self) -> None:
        self._kept.let_go()
        self._before = []

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="continuous batching", daemon=True)
            self._thread.start()
        self._here.notify()

    def _serve(self) -> None:
        with torch.inference_mode():
            while self._goes_on():
                self._take_in()
                for go_on in (lambda: self._flight.join(self._waiting), self._flight.steps):
                    self._answer(go_on)

    def _goes_on(self) -> bool:
        """Whether there is something to do, or comes within a while; if not, the thread ends, and another starts when it is due."""
        with self._here:
            if self._waiting or self._flight or self._here.wait_for(lambda: self._new or self._jobs, _LINGERS):
                return True
            self._thread = None
            return False

    def _take_in(self) -> None:
        with self._here:
            (new, self._new), (jobs, self._jobs) = (self._new, []), (self._jobs, [])
        for found, work in jobs:
            _settle(found, work)
        for asked in new:
            some = [one for one in asked if not one.future.cancelled()]
            try:
                self._waiting += alike(some, self._before) if some else []
            except BaseException as error:
                _fail(some, error)
            else:
                self._before = [one.prompt for one in some[-1:]] or self._before

    def _answer(self, go_on: Callable[[], list[Asked]]) -> None:
        """Go on by a pass or some steps, and answer what they end; where that fails, tell those who wait for it."""
        try:
            for ended in self._flight.phases.around(go_on()):
                for one in ended:
                    one.answer()  # type: ignore[attr-defined]  # only such are asked
        except BaseException as error:  # whatever it is: the thread has nobody else to tell
            failed = list(self._flight)
            self._most_work = max(1, int(self._flight.work if self._most_work is None else self._most_work) // 2)
            self._flight = Flight(self._model, self._kept, self._most_work)
            error.__traceback__ = None  # its frames hold what filled the memory
            _fail(failed, error)


def _fail(asked: Sequence[Any], error: BaseException) -> None:
    for one in asked:
        with contextlib.suppress(concurrent.futures.InvalidStateError):  # it was cancelled
            one.future.set_exception(error)


def _settle(future: Future[T], made: Callable[[], T]) -> None:
    """Set what is `made`, or what that raised; nothing where it was cancelled."""
    with contextlib.suppress(concurrent.futures.InvalidStateError):
        try:
            found = made()
        except BaseException as error:  # it is for who waits
            future.set_exception(error)
        else:
            future.set_result(found)
