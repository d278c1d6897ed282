"""Bounds of percentiles, and the difference of two runs' percentiles: right as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.stats import quantiles
from bench.stats.quantiles import bounds, slower
from bench.stats.speed import judge_speed


@pytest.mark.parametrize(
    ("n", "rank", "low", "high"),
    [
        (10, 50, 2, 9),  # P(2nd <= median <= 9th of 10) = 1 - 2 * 11/1024 = 0.979, as in every table of the sign test
        (64, 90, 53, 63),  # P(B(64, 0.9) <= 52) = 0.024 <= 0.025 < P(<= 53); P(B <= 62) = 0.990 >= 0.975 > P(<= 61)
        (5, 50, None, None),  # 2/32 > 0.05: five answers enclose no median
        (20, 99, 19, None),  # nothing is sampled above the 99th percentile of twenty; P(B(20, 0.99) <= 18) = 0.017
    ],
)
def test_bounds_are_the_order_statistics_that_the_binomial_names(
    n: int, rank: int, low: int | None, high: int | None
) -> None:
    found = bounds([float(i) for i in range(1, n + 1)], rank)
    assert found == (low, high)


def test_bounds_hold_the_true_percentile_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    true = -math.log(0.1)  # the 90th percentile of the exponential distribution
    inside = [low <= true <= high for low, high in (bounds(list(rng.exponential(size=64)), 90) for _ in range(400))]
    assert np.mean(inside) >= 0.94  # at least 95 %, and 400 draws err by 1.1 points


def _run(rng: np.random.Generator, lengths: np.ndarray, times: float, between: float) -> dict[str, float]:
    seconds = lengths * times * math.exp(rng.normal(0, between)) * np.exp(rng.normal(0, 0.1, len(lengths)))
    return {f"q{i}": float(one) for i, one in enumerate(seconds)}


@pytest.mark.slow
@pytest.mark.parametrize(("k", "between", "rank"), [(1, 0.05, 90), (1, 0.05, 50), (3, 0.05, 90), (1, 0.0, 90)])
def test_a_run_that_is_just_as_slow_as_the_margin_allows_fails_no_more_often_than_the_level(
    k: int, between: float, rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantiles, "RESAMPLES", 200)
    rng, outcomes = np.random.default_rng(1), []
    for _ in range(150):
        lengths = np.exp(rng.normal(0, 0.7, 64))
        base = [_run(rng, lengths, 1.0, between) for _ in range(k)]
        found = slower(_run(rng, lengths, 1.2, between), base, rank)
        outcomes.append(judge_speed(found, margin=0.2, level=0.05).outcome)
    for wrong in ("FAIL", "PASS"):  # each is wrong half the time here
        assert outcomes.count(wrong) / len(outcomes) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / len(outcomes))


def test_what_long_examples_take_cancels_out_where_both_answered_the_same() -> None:
    rng = np.random.default_rng(2)
    lengths = np.exp(rng.normal(0, 1.0, 200))
    base, run = (_run(rng, lengths, times, 0.0) for times in (1.0, 1.6))
    other = {f"x{name}": seconds for name, seconds in base.items()}
    assert slower(run, [base], 50).within < 0.5 * slower(run, [other], 50).within
    assert judge_speed(slower(run, [base], 50), margin=0.2, level=0.05).outcome == "FAIL"
