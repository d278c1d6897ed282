"""Continuous batching: prompts may come at any time, and join those that are under way.

Steps are taken by whoever waits (`go_on`), or by a thread of their own where nobody does (`ask` and `run` start it). The first is
faster on a CPU: where two threads of a process compute, the workers of both sleep between any two products.
"""

from __future__ import annotations

import atexit
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
from bench.errors import out_of_memory

T = TypeVar("T")
_LINGERS = (
    1.0  # seconds that the thread waits for more: to start one, and its own threads for products, takes milliseconds
)


class Pending(Asked, Generic[T]):
    """A prompt with the future of its answer, which `made` makes of its tokens.

    Cancelling the future ends the prompt at the next look, and so does what `over` raises, which is the future's then.
    """

    def __init__(
        self, prompt: list[int], limit: int, over: Callable[[list[int]], bool], made: Callable[[list[int]], T]
    ) -> None:
        super().__init__(prompt, limit, self._ends)
        self.future: Future[T] = Future()
        self._over, self._made = over, made

    @property
    def wanted(self) -> bool:
        """Whether its future is open."""
        return not self.future.done()

    def _ends(self, said: list[int]) -> bool:
        if not self.wanted:
            return True
        try:
            return self._over(said)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # it is this prompt's alone
            _fail([self.future], error)
            return True

    def answer(self) -> None:
        """Set the future, where it is open."""
        if self.wanted:
            _settle(self.future, lambda: self._made(self.said))


class Serving:
    """Answers prompts by one model; what is under way is bounded by `most_work` tokens, as for `Flight`.

    What cannot be computed fails those that were under way. Where it was too much for the memory, less is under way from then on:
    half of it; what was too much alone says nothing of the others. A common beginning is looked for among those that are asked
    together, and the last of those before.
    """

    def __init__(self, model: Any, most_work: int | None) -> None:
        self._model, self._most_work = model, most_work
        self._kept = KeptHead()
        self._before: list[list[int]] = []
        self._waiting: deque[Alike] = deque()
        self._flight: Flight | None = None
        self._turn = threading.Lock()  # of whoever takes a step, or changes what one stands on
        self._here = threading.Condition()
        self._new: list[Sequence[Pending[Any]]] = []
        self._jobs: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._thread: threading.Thread | None = None
        self._over = False

    def ask(self, asked: Sequence[Pending[Any]], *, alone: bool = True) -> None:
        """Let these begin, as soon as there is room for them; not `alone`, somebody calls `go_on` until they are answered."""
        with self._here:
            if alone:
                self._wake()
            self._new.append(list(asked))

    def run(self, work: Callable[[], T]) -> Future[T]:
        """Do this in the thread, before the next step, unless it is cancelled until then."""
        found: Future[T] = Future()
        with self._here:
            self._wake()
            self._jobs.append((found, work))
        return found

    def go_on(self) -> None:
        """Take a step here: whatever it ends is answered, and what it raises is told to those who wait."""
        try:
            with self._turn:
                self._step()
        except BaseException as error:
            self._give_up(error)
            if isinstance(error, KeyboardInterrupt):
                raise

    def forget(self) -> None:
        """Forget what earlier prompts began with; a step that is under way ends before."""
        with self._turn:
            self._kept.let_go()
            self._before = []

    def _wake(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._serve, name="batching", daemon=True)
            thread.start()  # raises where there is room for no more: then the next who asks tries again
            self._thread = thread
            atexit.register(self._end)
        self._here.notify()

    def _end(self) -> None:
        """Wait for the thread's step, and let it end: one that is in torch's code when the interpreter ends aborts the process."""
        with self._here:
            self._over, thread = True, self._thread
            self._here.notify()
        if thread is not None:
            thread.join()

    def _serve(self) -> None:
        try:
            while self._goes_on():
                with self._turn:
                    self._step()
        except BaseException as error:  # a device that is lost: nobody may wait for a thread that is none
            with self._here:
                self._leave()
            self._give_up(error)

    @torch.inference_mode()
    def _step(self) -> None:
        self._take_in()
        if self._flight is None:
            self._flight = Flight(self._model, self._kept, self._most_work)
        self._answer(self._flight, lambda flight: flight.join(self._waiting))
        if self._flight is not None:
            self._answer(self._flight, lambda flight: flight.steps())

    def _goes_on(self) -> bool:
        """Whether there is something to do, or comes within a while; if not, the thread ends, and another starts when it is due."""
        with self._here:
            if not self._over and (self._waiting or self._flight or self._here.wait_for(self._due, _LINGERS)):
                return not self._over
            self._leave()
            return False

    def _due(self) -> bool:
        return bool(self._over or self._new or self._jobs)

    def _leave(self) -> None:
        self._thread = None
        atexit.unregister(self._end)

    def _give_up(self, error: BaseException) -> None:
        with self._here:
            left = [one.future for some in self._new for one in some] + [found for found, _ in self._jobs]
            left += [one.future for alike in self._waiting for one in alike.asked]  # type: ignore[attr-defined]
            left += [one.future for one in self._flight or ()]  # type: ignore[attr-defined]
            self._new, self._jobs, self._waiting, self._flight = [], [], deque(), None
        _fail(left, error)

    def _take_in(self) -> None:
        with self._here:
            (new, self._new), (jobs, self._jobs) = (self._new, []), (self._jobs, [])
        for found, work in jobs:
            if found.set_running_or_notify_cancel():
                _settle(found, work)
        for asked in new:
            some = [one for one in asked if one.wanted]
            try:
                self._waiting += alike(some, self._before) if some else []
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                _fail([one.future for one in some], error)
            else:
                self._before = [one.prompt for one in some[-1:]] or self._before

    def _answer(self, flight: Flight, go_on: Callable[[Flight], list[Asked]]) -> None:
        """Go on by a pass or some steps, and answer what they end; where that fails, tell those who wait for it."""
        try:
            if ended := go_on(flight):
                for some in flight.phases.around(ended):
                    for one in some:
                        one.answer()  # type: ignore[attr-defined]  # only such are asked
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it is: who waits for an answer has to be told
            failed, self._flight = [one.future for one in flight], None  # type: ignore[attr-defined]
            if out_of_memory(error) and len(failed) > 1:
                self._most_work = max(1, int(min(flight.work, self._most_work or flight.work)) // 2)
            error.__traceback__ = None  # its frames hold what filled the memory
            _fail(failed, error)


def _fail(futures: Sequence[Future[Any]], error: BaseException) -> None:
    for one in futures:
        with contextlib.suppress(concurrent.futures.InvalidStateError):  # it was cancelled
            one.set_exception(error)


def _settle(future: Future[T], made: Callable[[], T]) -> None:
    """Set what is `made`, or what that raised; nothing where it was cancelled."""
    with contextlib.suppress(concurrent.futures.InvalidStateError):
        try:
            found = made()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # it is for who waits
            future.set_exception(error)
        else:
            future.set_result(found)
