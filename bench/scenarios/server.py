"""Server: requests come at the times of a Poisson process, whether the model is ready or not.

The times are drawn beforehand and latency counts from them. So a model that is late slows no arrival down: what waits has its wait
in its latency (no coordinated omission), and no thread is needed to let time pass beside the model.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import islice

from bench.engine.checked import checked
from bench.errors import BenchError
from bench.scenarios import order
from bench.scenarios.stage import Stage
from bench.timing.percentiles import ENOUGH
from bench.types import Prediction, Request

_FEW, _WAITING = 20, 20  # answers before a rate is known; requests that wait before it is too high
_SPARE = 1.01  # requests a due answer: the share that may fail


def reading(stage: Stage, qps: float, draw: int = 0, until: float | None = None) -> str:
    """Measure one rate; why it ended. `until` are the seconds since the scenario's start at which it has to end."""
    timing = stage.timing
    most = None if timing.repeats else len(stage.asked.examples)
    due = order.arrivals(qps, timing.seed, int((timing.min_count or 1) * _SPARE) + 1, timing.min_seconds or 0.0, most)
    begin = stage.clock.now()
    schedule = [begin + seconds for seconds in due]
    asked = islice(order.requests(stage, draw), len(schedule))
    end = until if until is not None else begin + (timing.limit_seconds or 0.0)
    one = _AtOnce(stage, schedule, end) if stage.model.takes_at_once else _OneCall(stage, schedule, end)
    why = one.run(asked)
    return "examples" if why == "done" and len(schedule) == most and most < (timing.min_count or 1) else why


class _Arrivals:
    """What both ways of serving share: the schedule, and when to give up."""

    def __init__(self, stage: Stage, schedule: Sequence[float], end: float) -> None:
        self.stage, self.schedule, self.end = stage, schedule, end
        self.n, self.busy, self.longest, self.above, self.answered = len(schedule), 0.0, 0.0, 0, 0
        self.limit = stage.timing.limit
        share = (100 - self.limit.percentile) / 100 if self.limit else 0.0
        self.most_above = int(share * self.n) + 1  # more than these, and the percentile is above its bound for sure

    def noted(self, latency: float) -> None:
        """Count an answer, and whether it is above the bound."""
        self.answered += 1
        self.above += self.limit is not None and latency > self.limit.seconds
        self.stage.progress(self.answered, self.n)

    def over(self, due: int) -> str:
        """Why it should end now, when so many requests are `due` by now; "" for going on."""
        if self.stage.clock.now() > self.end:
            return "limit"
        if self.limit is not None and self.n >= ENOUGH[self.limit.percentile] and self.above > self.most_above:
            return "bound"
        return "capacity" if self.beyond(due - self.answered) else "done" if self.stage.hopeless else ""

    def beyond(self, waiting: int) -> bool:
        """Whether requests come faster than they are answered, for good."""
        raise NotImplementedError


class _OneCall(_Arrivals):
    """A model that answers one call at a time: as many waiting requests as it may be given at once, oldest first."""

    def run(self, asked: Iterator[Request]) -> str:
        """Serve the schedule."""
        stage, done, arrived, at_most = self.stage, 0, 0, self.stage.timing.server_batch
        while done < self.n:
            stage.clock.sleep_until(self.schedule[done])
            now = max(stage.clock.now(), self.schedule[done])
            size = 1
            while size < at_most and done + size < self.n and self.schedule[done + size] <= now:
                size += 1
            batch = list(islice(asked, size))
            due = {request.id: self.schedule[done + i] for i, request in enumerate(batch)}
            stage.model.ready(batch)
            begin = stage.clock.now()
            stage.ask(batch, due)
            end = stage.clock.now()
            self.busy += end - begin
            self.longest = max(self.longest, end - begin)
            done += size
            for when in due.values():
                self.noted(end - when)
            while arrived < self.n and self.schedule[arrived] <= end:
                arrived += 1
            if why := self.over(arrived):
                return why
        return "done"

    def beyond(self, waiting: int) -> bool:
        """A queue is there, and the rate of its busy time, but for its longest call, is a tenth below that of the arrivals."""
        span = self.schedule[-1] - self.schedule[0]
        rate = (self.n - 1) / span if span else 0.0
        busy = self.busy - self.longest
        return self.answered >= _FEW and waiting >= _WAITING and rate * busy > 1.1 * self.answered


class _AtOnce(_Arrivals):
    """A model that takes each request at its time, beside those under way."""

    def run(self, asked: Iterator[Request]) -> str:
        """Submit the schedule, and wait for the last answer."""
        clock, why = self.stage.clock, ""
        self.ended: queue.SimpleQueue[tuple[int, float, Future[Prediction]]] = queue.SimpleQueue()
        self.open: dict[int, tuple[Request, float, Future[Prediction]]] = {}
        try:
            for number, request in enumerate(asked):
                self._collect(wait=False)
                if why := self.over(number):
                    break
                clock.sleep_until(self.schedule[number])
                issued = clock.now()
                future = self.stage.model.submit(request)
                self.open[number] = (request, max(issued, self.schedule[number]), future)
                future.add_done_callback(partial(self._end, number))
            while self.open and not why:
                self._collect(wait=True)
                why = self.over(self.n)
        finally:  # Ctrl-C too: nothing goes on that nobody waits for
            for _, _, future in reversed(list(self.open.values())):
                future.cancel()
        return why or "done"

    def _end(self, number: int, future: Future[Prediction]) -> None:
        """Read the clock where the answer came, whatever thread that is."""
        self.ended.put((number, self.stage.clock.now(), future))

    def _collect(self, *, wait: bool) -> None:
        """Note what has come; with `wait`, after at least something has, or a moment."""
        while True:
            try:
                number, at, future = self.ended.get(timeout=0.1) if wait else self.ended.get_nowait()
            except queue.Empty:
                return
            wait = False
            request, issued, _ = self.open.pop(number)
            if future.cancelled():
                continue
            if isinstance(error := future.exception(), BenchError):
                raise error
            found = Prediction(request.id, error=f"{type(error).__name__}: {error}"[:500]) if error else future.result()
            due = self.schedule[number]
            self.stage.keep(request, checked(request, found), due, issued, max(at, issued))
            self.noted(at - due)

    def beyond(self, waiting: int) -> bool:
        """More than half of many that came still wait, and the share has been growing: they come faster than they go."""
        return waiting >= 10 * _WAITING and waiting > self.answered
