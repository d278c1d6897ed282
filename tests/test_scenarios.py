"""Timing scenarios on a clock that is set by hand: what is measured agrees with arithmetic."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from timed import AtOnce, Hand, Served, ground, reading, timing

from bench.errors import BenchError
from bench.scenarios import order
from bench.task import Task
from bench.timing.settings import TimingSettings
from bench.timing.summary import FOLDER, summary_of

Tiny = Callable[..., Task]


def lines(folder: Path, scenario: str) -> list[dict[str, Any]]:
    (path,) = folder.glob(f"*/*/*/{FOLDER}/{scenario}.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def answers(folder: Path, scenario: str) -> list[dict[str, Any]]:
    return [line for line in lines(folder, scenario) if "id" in line]


def test_single_stream_on_50_examples_is_invalid_for_p90_and_says_that_14_more_are_needed(
    tiny_task: Tiny, tmp_path: Path
) -> None:
    found = reading(tiny_task(50), Served(Hand()), tmp_path, "single_stream")
    assert found["verdict"] == "INVALID"
    assert found["reasons"] == ["p90 needs 64 answers, there are 50: 14 more; the data have 50, and each is asked once"]
    assert (found["n"], found["latency"]["p90"], found["latency"]["p50"]) == (50, None, pytest.approx(0.1))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "p99"), [(661, None), (662, 0.1)])
def test_p99_is_absent_at_661_answers_and_present_at_662(
    tiny_task: Tiny, tmp_path: Path, n: int, p99: float | None
) -> None:
    found = reading(tiny_task(n), Served(Hand()), tmp_path, "single_stream", percentile=99)
    assert found["latency"]["p99"] == (p99 and pytest.approx(p99))
    assert found["verdict"] == ("VALID" if p99 else "INVALID")
    assert bool(found["reasons"]) == (p99 is None)


@pytest.mark.slow
def test_each_example_is_asked_once_in_a_seeded_order_until_there_are_enough(tiny_task: Tiny, tmp_path: Path) -> None:
    task, asked = tiny_task(100), {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        found = reading(task, Served(Hand()), tmp_path / name, "single_stream", seed=seed)
        asked[name] = [one["place"] for one in answers(tmp_path / name, "single_stream")]
        assert (found["verdict"], found["n"]) == ("VALID", 64)
    assert asked["a"] == asked["b"] != asked["c"]
    assert len(set(asked["a"])) == 64
    assert asked["a"] != sorted(asked["a"])


def test_time_to_first_token_and_per_token_behind_it_by_hand(tiny_task: Tiny, tmp_path: Path) -> None:
    found = reading(tiny_task(64), Served(Hand(), 1.0, tokens=5, first=0.2), tmp_path, "single_stream")
    assert found["ttft"]["p90"] == pytest.approx(0.2)
    assert found["tpot"]["p90"] == pytest.approx(0.2)  # (1.0 - 0.2) / (5 - 1)
    assert found["latency"]["mean"] == pytest.approx(1.0)
    assert (found["new_tokens"], found["tokens_per_second"]) == (320, pytest.approx(5.0))


def test_a_model_that_tells_of_no_token_has_no_time_to_first_token(tiny_task: Tiny, tmp_path: Path) -> None:
    found = reading(tiny_task(64), Served(Hand()), tmp_path, "single_stream")
    assert found["ttft"] is None
    assert found["tpot"] is None


def test_offline_throughput_is_examples_over_the_time_of_whole_passes(tiny_task: Tiny, tmp_path: Path) -> None:
    found = reading(tiny_task(30), Served(Hand(), 0.05, tokens=4), tmp_path, "offline", min_seconds=4.0)
    assert (found["verdict"], found["n"]) == ("VALID", 90)  # 1.5 s a pass
    assert found["seconds"] == pytest.approx(4.5)
    assert found["examples_per_second"] == pytest.approx(20.0)
    assert found["tokens_per_second"] == pytest.approx(80.0)
    assert found["latency"] is None


def test_the_limit_ends_a_measurement_which_is_then_invalid(tiny_task: Tiny, tmp_path: Path) -> None:
    for scenario, more in (("offline", {}), ("single_stream", {}), ("server", {"qps": 1.0})):
        found = reading(tiny_task(64), Served(Hand(), 0.5), tmp_path, scenario, limit_seconds=3.0, **more)
        assert found["verdict"] == "INVALID"
        assert "it was ended at its limit of 3 s; timing.limit_seconds raises it" in found["reasons"]


def lindley(due: np.ndarray[Any, Any], service: float | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Waits of a single server: W(n+1) = max(0, W(n) + service - gap), as a running maximum; `service` of all, or of each."""
    steps = np.concatenate([[0.0], np.broadcast_to(service, due.shape)[:-1] - np.diff(due)])
    walk = np.cumsum(steps)
    return np.asarray(walk - np.minimum.accumulate(np.minimum(walk, 0.0)))


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
def test_the_queue_of_a_server_is_that_of_lindleys_recursion(tiny_task: Tiny, tmp_path: Path, load: float) -> None:
    service = 0.1
    found = reading(
        tiny_task(50), Served(Hand(), service), tmp_path, "server", qps=load / service, rules="mlperf", min_count=2000,
        limit_seconds=1e6,
    )  # fmt: skip
    due = np.array([one["scheduled"] for one in answers(tmp_path, "server")])
    waits = np.array([one["ended"] for one in answers(tmp_path, "server")]) - due - service
    assert np.abs(waits - lindley(due, service)).max() < 1e-6
    assert found["latency"]["mean"] == pytest.approx(service + waits.mean())


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
def test_the_schedule_makes_the_mean_wait_of_an_m_d_1_queue_within_5_percent(load: float) -> None:
    waits = [lindley(np.array(order.arrivals(load, seed, 400_000, 0.0, None)), 1.0).mean() for seed in range(1)]
    assert np.mean(waits) == pytest.approx(load / (2 * (1 - load)), rel=0.05)


@pytest.mark.slow  # heavier loads: the two tests above, together
def test_the_server_scenario_has_the_mean_wait_of_an_m_d_1_queue_within_5_percent(
    tiny_task: Tiny, tmp_path: Path
) -> None:
    load = 0.5
    found = reading(
        tiny_task(50), Served(Hand(), 1.0), tmp_path, "server", qps=load, rules="mlperf", min_count=40_000, limit_seconds=1e7,
    )  # fmt: skip
    assert found["latency"]["mean"] - 1.0 == pytest.approx(load / (2 * (1 - load)), rel=0.05)


def test_a_model_that_stalls_slows_no_arrival_down(tiny_task: Tiny, tmp_path: Path) -> None:
    clock = Hand()
    model = Served(clock, 0.01)
    plain = model.one

    def stalls(request: Any) -> Any:
        clock.t += 3.0 if len(model.asked) == 10 else 0.0
        return plain(request)

    model.one = stalls  # type: ignore[method-assign]
    reading(tiny_task(70), model, tmp_path, "server", qps=10.0)
    found = answers(tmp_path, "server")
    due = [one["scheduled"] for one in found]
    assert np.allclose(np.array(due) - due[0], order.arrivals(10.0, 0, 65, 0.0, 70))
    late = sum(one["ended"] - one["scheduled"] > 0.5 for one in found)
    assert late > 20  # all that came in the stall waited for it, not only the one that was being answered


def test_a_rate_beyond_capacity_ends_early_and_says_so(tiny_task: Tiny, tmp_path: Path) -> None:
    found = reading(tiny_task(700), Served(Hand(), 0.1), tmp_path, "server", qps=20.0, percentile=99)
    assert (found["verdict"], found["n"] < 100) == ("INVALID", True)
    assert (
        "20 requests a second are beyond what is answered, 10 a second: they wait longer the longer it lasts"
        in found["reasons"]
    )


def test_several_waiting_requests_may_be_given_at_once(tiny_task: Tiny, tmp_path: Path) -> None:
    class Batches(Served):
        sizes: list[int] = []

        def predict(self, batch: Any) -> Any:
            self.sizes.append(len(batch))
            self.clock.t += 0.1
            return [Prediction(one.id, text="word") for one in batch]

    from bench.types import Prediction

    found = reading(tiny_task(70), Batches(Hand()), tmp_path, "server", qps=20.0, server_batch=4)
    assert (found["verdict"], max(Batches.sizes)) == ("VALID", 4)


@pytest.mark.slow
def test_the_highest_rate_within_a_bound_is_found_and_every_rate_that_was_tried_is_told(
    tiny_task: Tiny, tmp_path: Path
) -> None:
    found = reading(tiny_task(70), Served(Hand(), 0.1), tmp_path, "server", bound="p90:300ms", warmup=4)
    rates = {one["qps"]: one["verdict"] for one in found["search"]}
    good = [qps for qps, verdict in rates.items() if verdict == "VALID"]
    bad = [qps for qps, verdict in rates.items() if verdict == "INVALID"]
    assert found["verdict"] == "VALID"
    assert found["qps"] == max(good) < min(bad) <= 1.1 * max(good)
    assert found["latency"]["p90"] <= 0.3
    assert found["bound"] == {"percentile": 90, "seconds": 0.3}


def test_a_bound_that_no_rate_meets_is_invalid_and_names_the_rates(tiny_task: Tiny, tmp_path: Path) -> None:
    found = reading(tiny_task(70), Served(Hand(), 2.0), tmp_path, "server", bound="p90:1s", limit_seconds=1e7)
    assert found["verdict"] == "INVALID"
    assert found["reasons"] == [
        "no rate that was tried meets the bound of p90:1000ms: 1, 0.5, 0.25, 0.125, 0.0625, 0.0312 a second",
        "it was ended when so many answers were above the bound that it cannot be met: 8 of 8",
    ]


def test_a_rate_with_a_bound_is_one_reading_that_is_judged(tiny_task: Tiny, tmp_path: Path) -> None:
    for bound, verdict in (("p90:10s", "VALID"), ("p90:50ms", "INVALID")):
        found = reading(tiny_task(70), Served(Hand(), 0.1), tmp_path, "server", qps=2.0, bound=bound)
        assert (found["verdict"], found["search"]) == (verdict, None)


def test_requests_are_submitted_at_their_times_to_a_model_that_takes_them_at_once(
    tiny_task: Tiny, tmp_path: Path
) -> None:
    found = reading(tiny_task(70), AtOnce(Hand()), tmp_path, "server", qps=5.0)
    assert (found["verdict"], found["n"]) == ("VALID", 65)
    assert {one["issued"] - one["scheduled"] for one in answers(tmp_path, "server")} == {0.0}


@pytest.mark.slow
def test_failed_answers_are_counted_and_above_one_percent_make_it_invalid(tiny_task: Tiny, tmp_path: Path) -> None:
    found = reading(tiny_task(400), Served(Hand(), fails=2), tmp_path, "single_stream", min_count=198)
    assert (found["verdict"], found["failed"], found["n"]) == ("VALID", 2, 198)
    found = reading(tiny_task(100), Served(Hand(), fails=5), tmp_path, "single_stream")
    assert (found["verdict"], found["failed"], found["n"]) == ("INVALID", 5, 64)
    assert found["reasons"] == ["5 of 69 answers failed (7.2 %); at most 1 % may"]


def test_warm_up_requests_are_recorded_and_not_counted(tiny_task: Tiny, tmp_path: Path) -> None:
    model = Served(Hand())
    found = reading(tiny_task(100), model, tmp_path, "single_stream", warmup=5)
    (told,) = [line["warmup"] for line in lines(tmp_path, "single_stream") if "warmup" in line]
    assert (told["n"], told["seconds"]) == (5, pytest.approx(0.5))
    assert (found["n"], found["seconds"], len(model.asked)) == (64, pytest.approx(6.4), 69)


def test_by_the_rules_of_mlperf_examples_repeat_and_the_model_forgets_before_they_do(
    tiny_task: Tiny, tmp_path: Path
) -> None:
    class Forgets(Served):
        forgot: list[int] = []

        def forget(self) -> None:
            self.forgot.append(len(self.asked))

    found = reading(tiny_task(20), Forgets(Hand(), 1.0), tmp_path, "single_stream", rules="mlperf")
    assert (found["verdict"], found["n"]) == ("VALID", 64)
    assert Forgets.forgot == [0, 20, 40, 60]
    assert found["early_stopping"] == {"seconds": pytest.approx(1.0), "discarded": 0}
    ruled = TimingSettings.of({"scenario": "single_stream", "rules": "mlperf"})
    assert ruled is not None
    assert (ruled.min_seconds, ruled.percentile) == (600.0, 90)
    for scenario, count, rank in (("offline", 24_576, 90), ("server", 662, 99)):
        ruled = TimingSettings.of({"scenario": scenario, "rules": "mlperf", "qps": 1.0})
        assert ruled is not None
        assert (ruled.min_seconds, ruled.min_count, ruled.percentile) == (600.0, count, rank)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("asleep", "the machine was suspended for 12 s while it was measured"),
        ("back", "the clock ran backwards, by 4.9 s"),
    ],
)
def test_a_clock_that_jumps_makes_it_invalid(tiny_task: Tiny, tmp_path: Path, fault: str, reason: str) -> None:
    clock = Hand()
    model = Served(clock)
    plain = model.one

    def jumps(request: Any) -> Any:
        if len(model.asked) == 20:
            clock.asleep += 12.0 if fault == "asleep" else 0.0
            clock.t -= 5.0 if fault == "back" else 0.0
        return plain(request)

    model.one = jumps  # type: ignore[method-assign]
    found = reading(tiny_task(70), model, tmp_path, "single_stream")
    assert found["reasons"] == [reason]
    assert found["latency"]["min"] >= 0.0


def test_requests_that_the_harness_sends_late_make_it_invalid(tiny_task: Tiny, tmp_path: Path) -> None:
    class Sleepy(Hand):
        def sleep_until(self, when: float) -> None:
            if when > self.t:
                self.t = when + 0.2

    clock = Sleepy()
    found = reading(tiny_task(70), Served(clock, 0.01), tmp_path, "server", qps=1.0)
    assert found["verdict"] == "INVALID"
    assert any("were sent late, by up to 0.2 s: the machine had other work" in reason for reason in found["reasons"])


@pytest.mark.slow
def test_an_interrupted_measurement_leaves_its_times_and_the_next_begins_anew(tiny_task: Tiny, tmp_path: Path) -> None:
    class Interrupted(Served):
        def one(self, request: Any) -> Any:
            if len(self.asked) == 30:
                raise KeyboardInterrupt
            return super().one(request)

    with pytest.raises(KeyboardInterrupt):
        reading(tiny_task(70), Interrupted(Hand()), tmp_path, "single_stream")
    (part,) = tmp_path.glob(f"*/*/*/{FOLDER}/*")
    assert part.name == "single_stream.jsonl.part"
    assert part.read_text().count('"ended"') == 30
    said: list[str] = []
    place = tmp_path.glob("*/*/*").__next__()
    again = Served(Hand())
    folder = ground(tiny_task(70), again, tmp_path).folder.path
    (folder / FOLDER).mkdir(parents=True)
    part.rename(folder / FOLDER / part.name)
    assert place.exists()
    found = reading(tiny_task(70), again, tmp_path, "single_stream", say=said.append)
    assert (found["verdict"], found["n"]) == ("VALID", 64)
    assert len(said) == 1
    assert "was interrupted before and begins anew" in said[0]
    (kept,) = (folder / FOLDER / "earlier").iterdir()
    assert kept.read_text().count('"ended"') == 30


def test_a_reading_that_is_replaced_stays_beside_the_new_one(tiny_task: Tiny, tmp_path: Path) -> None:
    first = reading(tiny_task(70), Served(Hand()), tmp_path, "single_stream")
    second = reading(tiny_task(70), Served(Hand()), tmp_path, "single_stream", seed=1)
    (before,) = tmp_path.glob(f"*/*/*/{FOLDER}/earlier/*")
    assert summary_of(before) == first != second


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"qps": 0.0}, "timing.qps=0.0 must be a number above 0"),
        ({"qps": float("nan")}, "timing.qps=nan must be a number above 0"),
        ({"qps": -1.0}, "timing.qps=-1.0 must be"),
        ({"qps": 1e9}, "timing.qps=1000000000.0 must be at most"),
        ({}, "timing=server needs timing.qps=RATE, or timing.bound=p99:2000ms"),
        ({"bound": "2000ms"}, "timing.bound=2000ms is no percentile and time such as p99:2000ms"),
        ({"bound": "p98:1s"}, "timing.bound=p98:1s is no percentile"),
        ({"bound": "p99:0ms"}, "timing.bound=p99:0ms is no percentile"),
        ({"bound": "p99:2 s"}, "timing.bound=p99:2 s is no percentile"),
        ({"qps": 1.0, "percentile": 80}, "timing.percentile=80 is none of 50, 90, 95, 97, 99"),
        ({"bound": "p99:1s", "percentile": 90}, "name two percentiles"),
        ({"qps": 1.0, "rules": "mine"}, "timing.rules=mine is none of default, mlperf"),
        ({"scenario": "fast"}, "timing.scenario=fast is none of offline, single_stream, server"),
        ({"qps": 1.0, "min_count": 0}, "timing.min_count=0 must be at least 1"),
        ({"scenario": "none", "qps": 1.0}, "timing.qps=1.0 is given, and no scenario; choose one with timing=server"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError) as error:
        TimingSettings.of({"scenario": "server", **given})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_no_scenario_is_no_settings() -> None:
    assert TimingSettings.of({"scenario": "none"}) is None
    assert timing("offline").min_count == 1


def test_a_rate_at_which_too_little_comes_before_the_limit_is_refused_at_once() -> None:
    slow = TimingSettings.of({"scenario": "server", "qps": 1e-9})
    with pytest.raises(
        BenchError, match=r"64 answers take 6\.4e\+10 s at that rate, where timing\.limit_seconds is 600"
    ):
        slow.refuse_hopeless()  # type: ignore[union-attr]
    TimingSettings.of({"scenario": "server", "qps": 0.2}).refuse_hopeless()  # type: ignore[union-attr]


def test_a_model_that_fails_every_request_is_invalid_and_has_no_audit_of_caches(
    tiny_task: Tiny, tmp_path: Path
) -> None:
    class Fails(Served):
        def one(self, request: Any) -> Any:
            raise ValueError("no")

    found = reading(tiny_task(70), Fails(Hand(), 0.1), tmp_path, "single_stream", audit=True)
    assert (found["verdict"], found["n"], found["audit"]["cache"]) == ("INVALID", 0, None)
    assert "11 of 11 answers failed (100.0 %); at most 1 % may" in found["reasons"]
