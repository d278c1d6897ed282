"""How much of an answer's time is the client's own: measured against a server of known delays on this machine."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import BenchError
from bench.models import loopback_server
from bench.models.base import Device
from bench.types import Generate, Prediction, Request, Text

if TYPE_CHECKING:
    from bench.models.endpoint import Endpoint

_FIRST, _BETWEEN, _TOKENS = 0.01, 0.002, 8  # seconds, seconds, pieces
_SECONDS = 1.0  # that the measurement may take, about
_MOST, _LEAST = 400, 20  # requests
_WARM = 3  # requests before those that count: connections and code
_PROMPT = "Name the company. " * 50


class Overhead(NamedTuple):
    """Seconds beside the server's own, in the median: to the first token, and to the end."""

    first: float
    end: float


@contextmanager
def loopback(first: float, between: float, n_tokens: int) -> Iterator[str]:
    """The address of a server of these delays, in a process of its own."""
    command = [sys.executable, "-I", str(Path(loopback_server.__file__)), str(first), str(between), str(n_tokens)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101 - they are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise BenchError("the server that the client's overhead is measured against did not start on 127.0.0.1")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def overhead(asked: Endpoint, qps: float | None) -> Overhead:
    """What a client as this endpoint's adds, one request after another or as they arrive at this rate."""
    from bench.models.endpoint import Endpoint

    limits = replace(asked.limits, concurrency=_MOST, requests_per_minute=None)
    with loopback(_FIRST, _BETWEEN, _TOKENS) as url:
        model = Endpoint(url, limits, "loopback", chat=asked.chat, key_env=None)
        model.load(Device(), seed=0)
        return _Measured(model).overhead(qps)


class _Measured:
    """Times of requests, each read where a scenario reads them: in the listener, and when the answer is there."""

    def __init__(self, model: Endpoint) -> None:
        self.model = model
        self.sent: dict[str, float] = {}
        self.first: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.found: list[Prediction] = []

    def overhead(self, qps: float | None) -> Overhead:
        """The medians, without the first requests."""
        n = _MOST if qps is None else int(min(_MOST, max(_LEAST, qps * _SECONDS))) + _WARM
        self.model.hear(self._heard)
        requests = [Request(f"r{i}", (Text(_PROMPT),), Generate(_TOKENS)) for i in range(n)]
        if qps is None:
            self._one_by_one(requests)
        else:
            self._arriving(requests, max(qps, _LEAST / _SECONDS))
        self.model.hear(None)
        return self._result()

    def _one_by_one(self, requests: list[Request]) -> None:
        until = time.monotonic() + _SECONDS
        for request in requests:
            self.sent[request.id] = time.monotonic()
            (prediction,) = self.model.predict([request])
            self.ended[request.id] = time.monotonic()
            self.found.append(prediction)
            if time.monotonic() > until and len(self.found) > _LEAST:
                break

    def _arriving(self, requests: list[Request], qps: float) -> None:
        draw, due = random.Random(0), time.monotonic()
        answers = []
        for request in requests:
            due += draw.expovariate(qps)
            time.sleep(max(0.0, due - time.monotonic()))
            self.sent[request.id] = time.monotonic()
            answer = self.model.submit(request)
            answer.add_done_callback(self._over)
            answers.append(answer)
        self.found = [answer.result() for answer in answers]

    def _over(self, answer: Future[Prediction]) -> None:
        self.ended[answer.result().id] = time.monotonic()

    def _heard(self, name: str, n: int) -> None:
        self.first.setdefault(name, time.monotonic())

    def _result(self) -> Overhead:
        """Of each answer what its times have beside those that the server says in its last piece."""
        firsts, ends = [], []
        for one in self.found[_WARM:]:
            *_, first, end = (one.text or "").split()
            firsts.append(self.first[one.id] - self.sent[one.id] - float(first))
            ends.append(self.ended[one.id] - self.sent[one.id] - float(end))
        return Overhead(median(firsts), median(ends))
