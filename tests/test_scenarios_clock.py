"""The real clock of a timing: it sleeps, and sees when the program stands still or is kept waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_scenarios import answers
from timed import Hand, Served, reading

from bench.scenarios.clock import Monotonic, Pulse, Watched, delays
from bench.task import Task


class Sleeps(Served):
    """Takes the same real time for every request."""

    def one(self, request: object) -> object:  # type: ignore[override]
        time.sleep(self.seconds)
        return super().one(request)  # type: ignore[arg-type]


def test_a_server_that_waits_for_requests_leaves_the_processor_alone(
    tiny_task: Callable[..., Task], tmp_path: Path
) -> None:
    model = Served(Hand(), 0.0)
    used = time.process_time()
    begin = time.monotonic()
    found = reading(tiny_task(12), model, tmp_path, "server", clock=Monotonic(), qps=20.0, min_count=10)  # type: ignore[arg-type]
    took = time.monotonic() - begin
    assert found["seconds"] > 0.3
    assert time.process_time() - used < 0.35 * took  # preparing and scoring included


def test_in_real_time_the_queue_is_that_of_lindleys_recursion(tiny_task: Callable[..., Task], tmp_path: Path) -> None:
    service = 0.01
    model = Sleeps(Hand(), service)
    reading(tiny_task(60), model, tmp_path, "server", clock=Monotonic(), qps=0.8 / service, min_count=58)  # type: ignore[arg-type]
    found = answers(tmp_path, "server")
    took = np.array([one["ended"] - one["issued"] for one in found])
    due = np.array([one["scheduled"] for one in found])
    waits = np.array([one["issued"] - one["scheduled"] for one in found])
    ended = due + waits + took
    # Lindley: each begins when it is due and the one before has ended, never sooner, and as a rule at once.
    handed_over = waits[1:] + due[1:] - np.maximum(ended[:-1], due[1:])
    assert handed_over.min() > -1e-4
    assert np.median(handed_over) < 0.002
    assert np.quantile(handed_over, 0.9) < service
    assert waits.max() > service  # there was a queue


def test_a_clock_that_is_turned_back_gives_no_earlier_time() -> None:
    hand = Hand()
    clock = Watched(hand)
    found = []
    for step in (1.0, -5.0, 1.0, 2.0):
        hand.t += step
        found.append(clock.now())
    assert found == [1.0, 1.0, 2.0, 4.0]
    assert clock.backwards == 5.0


@pytest.mark.slow
def test_a_program_that_was_stopped_is_seen_to_have_stood_still() -> None:
    text = """
import time
from bench.scenarios.clock import Pulse
with Pulse() as pulse:
    print(flush=True)
    time.sleep(1.6)
print(pulse.stopped)
"""
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.3)
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(0.9)
        os.kill(child.pid, signal.SIGCONT)
        assert float(child.stdout.read()) > 0.5


@pytest.mark.slow
def test_a_thread_that_computes_with_python_to_itself_is_not_taken_for_a_stop() -> None:
    with Pulse() as pulse:
        sum(range(20_000_000))
    assert pulse.stopped == 0.0
    assert all(seconds >= 0.0 for seconds in delays().values())
