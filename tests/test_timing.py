"""The stopwatch on a clock that is set by hand, and what is reported of its readings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.record import Timing
from bench.runs.timing import Stopwatch, summarise
from bench.timing.percentiles import ENOUGH, percentile


class Clock:
    """Shows the given seconds one after another, and notes when it and the barrier were asked."""

    def __init__(self, *seconds: float) -> None:
        self.seconds, self.asked = iter(seconds), list[str]()

    def read(self) -> float:
        self.asked.append("clock")
        return next(self.seconds)

    def sync(self) -> None:
        self.asked.append("sync")


def watch(clock: Clock, record: Callable[[Timing], None], attempt: int = 1) -> Stopwatch:
    return Stopwatch(record, attempt=attempt, clock=clock.read, sync=clock.sync)


def predicted(batch: int, seconds: float, n: int = 2, *, attempt: int = 1, tokens: int = 0) -> Timing:
    return Timing(attempt, "predict", seconds, n, batch, prompt_tokens=10 * n, new_tokens=tokens)


def test_a_phase_is_the_time_between_two_readings_of_the_clock() -> None:
    found: list[Timing] = []
    stopwatch = watch(Clock(10.0, 12.5, 20.0, 20.25), found.append, attempt=3)
    with stopwatch.phase("load"):
        pass
    with stopwatch.phase("predict", n=4, batch=7):
        pass
    assert found == [Timing(3, "load", 2.5), Timing(3, "predict", 0.25, n=4, batch=7)]


def test_the_device_is_waited_for_before_each_reading() -> None:
    clock = Clock(0.0, 1.0)
    with watch(clock, lambda timing: None).phase("predict"):
        clock.asked.append("work")
    assert clock.asked == ["sync", "clock", "work", "sync", "clock"]


def test_counts_that_are_known_at_the_end_of_the_block_are_recorded() -> None:
    found: list[Timing] = []
    with watch(Clock(0.0, 2.0), found.append).phase("predict", n=1, batch=0) as counts:
        counts["prompt_tokens"], counts["new_tokens"] = 30, 5
    assert found == [Timing(1, "predict", 2.0, n=1, batch=0, prompt_tokens=30, new_tokens=5)]


def test_a_block_that_raises_is_not_recorded_and_its_error_goes_on() -> None:
    found: list[Timing] = []
    stopwatch = watch(Clock(0.0, 1.0, 3.0), found.append)
    with pytest.raises(KeyError), stopwatch.phase("predict"):
        raise KeyError("the model broke")
    assert found == []
    with stopwatch.phase("score"):
        pass
    assert found == [Timing(1, "score", 2.0)]


def test_the_barrier_of_a_cpu_does_nothing_and_the_clock_never_runs_backwards() -> None:
    found: list[Timing] = []
    with Stopwatch(found.append).phase("load"):
        pass
    assert found[0].seconds >= 0.0


@pytest.mark.parametrize(("rank", "enough"), [(50, 11), (90, 64), (95, 130), (97, 219), (99, 662)])
def test_a_percentile_is_absent_until_there_are_enough_samples(rank: int, enough: int) -> None:
    assert ENOUGH[rank] == enough
    assert percentile([1.0] * (enough - 1), rank) is None
    assert percentile([1.0] * enough, rank) == 1.0


def test_percentiles_by_hand() -> None:
    seconds = [float(i) for i in range(101)][::-1]  # 0 … 100, not in order
    assert percentile(seconds, 50) == 50.0
    assert percentile(seconds, 90) == 90.0
    assert percentile([], 50) is None


def test_rates_and_totals_by_hand() -> None:
    found = summarise([
        Timing(1, "load", 5.0),
        predicted(0, 2.0, n=4, tokens=30),
        predicted(4, 1.0, n=2, tokens=15),
        Timing(1, "score", 0.5, n=6),
    ])  # fmt: skip
    assert found["seconds"] == {"load": 5.0, "predict": 3.0, "score": 0.5, "total": 8.5}
    assert (found["n"], found["new_tokens"], found["prompt_tokens"]) == (6, 45, 60)
    assert found["examples_per_second"] == 2.0  # 6 in 3 s; loading and scoring do not count
    assert found["tokens_per_second"] == 15.0  # 45 in 3 s
    assert (found["repeated_seconds"], found["first_batch_seconds"], found["attempts"]) == (0.0, 2.0, 1)


def test_a_batch_that_was_read_twice_counts_once_for_rates_and_once_as_repeated() -> None:
    found = summarise([
        Timing(1, "load", 5.0),
        predicted(0, 2.0),
        predicted(2, 9.0, tokens=8),  # the crash fell between this reading and its predictions
        Timing(2, "load", 4.0),
        predicted(2, 1.0, attempt=2, tokens=8),
        predicted(4, 1.0, attempt=2, tokens=8),
        Timing(2, "score", 0.5),
    ])  # fmt: skip
    assert found["n"] == 6
    assert found["examples_per_second"] == 1.5  # 6 in 2 + 1 + 1 s
    assert found["new_tokens"] == 16
    assert found["repeated_seconds"] == 9.0
    assert found["attempts"] == 2
    # The ledger still adds up: every second that was spent is in a phase and in the total.
    assert found["seconds"] == {"load": 9.0, "predict": 13.0, "score": 0.5, "total": 22.5}


def test_the_first_batch_is_the_first_of_the_plan_even_when_it_was_repeated_last() -> None:
    found = summarise([predicted(0, 7.0), predicted(2, 1.0), predicted(0, 3.0, attempt=2)])
    assert found["first_batch_seconds"] == 3.0
    assert found["repeated_seconds"] == 7.0


def test_the_time_per_answer_is_that_of_the_whole_run() -> None:
    assert summarise([predicted(0, 1.0, n=10), predicted(10, 8.0, n=2)])["seconds_per_answer"] == 0.75  # 9 s for 12


def test_answers_that_came_one_by_one_are_of_one_batch_and_count_once() -> None:
    def some(seconds: float, *places: int, batch: int = 0, attempt: int = 1) -> Timing:
        return Timing(attempt, "predict", seconds, len(places), batch, new_tokens=len(places), places=places)

    found = summarise([
        Timing(1, "begin", 0.0, at="2026-01-02T03:04:05+00:00"),
        some(2.0, 4, 1), some(1.0, 0), some(7.0, 2),  # the last did not reach the journal
        Timing(1, "lost", 0.5),
        Timing(2, "begin", 0.0, at="2026-01-02T04:04:05+00:00"),
        some(3.0, 2, attempt=2), some(0.25, batch=0, attempt=2), some(4.0, 5, 3, batch=4, attempt=2),
    ])  # fmt: skip
    assert (found["n"], found["new_tokens"], found["first_batch_seconds"]) == (6, 6, 6.25)
    assert (found["repeated_seconds"], found["examples_per_second"]) == (7.0, 6 / 10.25)
    assert found["seconds"] == {"lost": 0.5, "predict": 17.25, "total": 17.75}
    assert (found["started"], found["attempts"]) == ("2026-01-02T03:04:05+00:00", 2)


def test_each_group_is_timed_when_it_comes_and_what_is_done_with_it_is_not() -> None:
    found: list[Timing] = []
    clock = Clock(0.0, 2.0, 10.0, 11.0, 20.0, 20.5)
    steps = watch(clock, found.append).steps(
        iter([["a"], ["b", "c"]]), lambda group: {"n": len(group), "places": ()}, 4
    )
    for group in steps:
        clock.asked.append("".join(group))
    assert [(one.seconds, one.n, one.batch) for one in found] == [(2.0, 1, 4), (1.0, 2, 4), (0.5, 0, 4)]
    assert clock.asked == ["sync", "clock", "sync", "clock", "a", *["sync", "clock"] * 2, "bc", *["sync", "clock"] * 2]


@pytest.mark.parametrize("timings", [[], [Timing(1, "load", 2.0)]], ids=["nothing", "load only"])
def test_a_run_without_a_prediction_has_no_rates(timings: list[Timing]) -> None:
    found = summarise(timings)
    assert found["n"] == 0
    assert found["seconds"]["total"] == sum(timing.seconds for timing in timings)
    for name in ("examples_per_second", "tokens_per_second", "seconds_per_answer", "first_batch_seconds"):
        assert found[name] is None


def test_a_model_that_counts_no_tokens_has_no_token_rate() -> None:
    assert summarise([predicted(0, 1.0)])["tokens_per_second"] is None


def test_a_clock_too_coarse_to_move_gives_no_rate_instead_of_an_infinite_one() -> None:
    assert summarise([predicted(0, 0.0)])["examples_per_second"] is None
