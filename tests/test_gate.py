"""Tests of bench.stats.gate and bench.stats.speed: bounds, verdicts, error rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as published

from bench.stats.gate import FAIL, INCONCLUSIVE, PASS, Change, Verdict, flips_take, judge, together
from bench.stats.speed import ASSUMED, LEAST, judge_speed, slowdown

FINITE = {"allow_nan": False, "allow_infinity": False}


def test_bounds_count_one_more_example_that_went_the_other_way() -> None:
    # n = 100, no spread: the lower bound is (0 - 1)/101 - t(.95, 99) * 1/101 = -(1 + 1.66039)/101 = -0.026341
    found = judge(Change(0.0, 0.0, 100, 100), margin=0.03, level=0.05)
    assert (found.outcome, found.low, found.high) == (
        PASS,
        pytest.approx(-0.026341, abs=1e-6),
        pytest.approx(0.026341, abs=1e-6),
    )


def test_a_large_loss_fails_with_the_p_of_students_t() -> None:
    # centre (100 * -0.2 + 1)/101 = -0.188119; error sqrt((100 * 0.05)^2 + 1)/101 = 0.050485; high -0.188119 + 1.66039 * 0.050485
    found = judge(Change(-0.2, 0.05, 100, 100), margin=0.01, level=0.05)
    assert found.outcome == FAIL
    assert found.high == pytest.approx(-0.104294, abs=1e-6)
    assert found.p == pytest.approx(published.t.cdf((-0.188119 + 0.01) / 0.050485, 99), rel=1e-3)


def test_the_examples_needed_are_the_fewest_that_decide() -> None:
    # all that were seen are equal: (1 + t)/(n + 1) < 0.02 from n = 132 on (2.6566/133 = 0.01997, 2.6566/132 = 0.02013)
    change = Change(0.0, 0.0, 100, 100, unseen=900)
    assert judge(change, margin=0.02, level=0.05).needed == 132
    assert judge(Change(0.0, 0.0, 131, 131), margin=0.02, level=0.05).outcome == INCONCLUSIVE
    assert judge(Change(0.0, 0.0, 132, 132), margin=0.02, level=0.05).outcome == PASS


def test_a_spread_needs_four_times_the_examples_for_half_the_distance() -> None:
    far, near = (judge(Change(-d, 0.1, 1000, 1000), margin=0.0, level=0.05).needed or 0 for d in (0.1, 0.05))
    assert 3.9 < near / far < 4.1


def test_a_difference_on_the_margin_can_never_be_decided() -> None:
    found = judge(Change(-0.01, 0.02, 500, 500, reach=0.0), margin=0.01, level=0.05)
    assert (found.outcome, found.needed) == (INCONCLUSIVE, None)
    assert "so near the margin" in found.reason


def test_few_examples_that_did_not_change_prove_nothing_of_the_others() -> None:
    found = judge(Change(0.0, 0.0, 20, 10, unseen=447, identical=True), margin=0.01, level=0.05)
    assert (found.outcome, found.needed) == (INCONCLUSIVE, 265)


def test_the_very_same_scores_on_all_examples_pass_with_any_margin() -> None:
    for n, g in ((467, 100), (6, 6)):
        assert judge(Change(0.0, 0.0, n, g, identical=True), margin=0.0, level=0.01).outcome == PASS


def test_the_very_same_scores_on_too_few_clusters_are_no_test_of_anything() -> None:
    for n, g in ((10, 3), (1, 1)):
        found = judge(Change(0.0, None, n, g, identical=True), margin=0.0, level=0.01)
        assert found.outcome == INCONCLUSIVE
        assert found.reason.startswith("every example has the same score, but ")


def test_too_few_clusters_are_said_with_the_number_that_would_do() -> None:
    found = judge(Change(-0.5, None, 50, 5), margin=0.01, level=0.05)
    assert (found.outcome, found.reason) == (INCONCLUSIVE, "5 clusters, at least 6 are needed")
    assert found.needed is not None
    assert found.needed >= 60


@pytest.mark.parametrize("lost", [0, 1, 2, 5, 12, 30])
def test_the_bound_on_rare_losses_is_near_the_exact_one(lost: int) -> None:
    """Clopper and Pearson's, of scipy; the worst is 12 % inside it, where nothing was lost."""
    n = 1000
    share = lost / n
    ours = judge(Change(-share, math.sqrt(share * (1 - share) / (n - 1)), n, n), margin=0.9, level=0.05).low
    exact = published.binomtest(lost, n, alternative="less").proportion_ci(0.95).high
    assert ours is not None
    assert 0.88 < -ours / exact < 1.05


@pytest.mark.slow
@given(
    st.floats(-1, 1, **FINITE), st.floats(0.001, 0.5, **FINITE), st.integers(6, 5000), st.floats(0, 0.5, **FINITE),
    st.sampled_from([0.01, 0.05, 0.2]),
)  # fmt: skip
def test_fail_means_a_p_below_the_level_and_a_wider_margin_never_fails_what_passed(
    value: float, error: float, n: int, margin: float, level: float
) -> None:
    change = Change(value, error, n, n)
    found, wider = (judge(change, margin=m, level=level) for m in (margin, margin + 0.1))
    assert (found.outcome == FAIL) == (found.p < level)
    assert (wider.outcome == FAIL) <= (found.outcome == FAIL)
    assert (wider.outcome == PASS) >= (found.outcome == PASS)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= value <= found.high


def test_holm_turns_a_lone_weak_fail_among_many_into_inconclusive() -> None:
    weak, strong, fine = (Verdict(FAIL, -0.2, -0.1, p) for p in (0.03, 0.001, 0.001))
    fine = Verdict(PASS, -0.001, 0.2, 0.9)
    # Holm: 0.001 * 3 = 0.003; 0.03 * 2 = 0.06 > 0.05
    found = together([weak, strong, fine], 0.05)
    assert [one.outcome for one in found] == [INCONCLUSIVE, FAIL, PASS]
    assert found[0].reason == "fails alone (p 0.03), but not as one of 3 (Holm: 0.06)"
    assert together([weak], 0.05) == [weak]


def test_flips_take_what_two_unrelated_models_would_differ_by_on_the_flipped_share() -> None:
    # z(.95) = 1.644854; sqrt(2 * 0.125) = 0.5; half of 1.644854 * 0.02
    assert flips_take(0.125, 0.02, 0.05) == pytest.approx(0.01644854)
    assert flips_take(0.0, 0.02, 0.05) == 0


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_neither_verdict_is_wrong_more_often_than_its_level(rate: float) -> None:
    """The truth lies on the margin: 40 clusters of 10, gains and losses that come in clusters, 4,000 runs."""
    rng = np.random.default_rng(5)
    runs, g, size, margin, level = 4000, 40, 10, rate / 2, 0.05
    lose = rng.beta(rate * 9, (1 - rate) * 9, (runs, g, 1))  # intra-cluster correlation 0.1
    d = np.where(rng.random((runs, g, size)) < lose, -1, 0) + (rng.random((runs, g, size)) < rate / 2)
    means = d.mean(axis=2)
    values, errors = means.mean(axis=1), means.std(axis=1, ddof=1) / math.sqrt(g)
    found = [
        judge(Change(v, e, g * size, g), margin=margin, level=level).outcome
        for v, e in zip(values, errors, strict=True)
    ]
    at_most = level + 3 * math.sqrt(level * (1 - level) / runs)
    assert found.count(FAIL) / runs <= at_most
    assert found.count(PASS) / runs <= at_most
    assert found.count(FAIL) / runs > 0.002 or rate < 0.1  # a gate that never fails would pass this test


def test_three_baselines_say_how_much_runs_differ() -> None:
    # totals of 10 examples: ln rates 0, 0.1, -0.1: s = 0.1, error 0.1 * sqrt(4/3) = 0.11547, t(.95, 2) = 2.91999
    found = slowdown([(10, 10.0)], [[(10, 10 * math.exp(x))] for x in (0.0, 0.1, -0.1)])
    assert (found.value, found.error, found.degrees) == (
        pytest.approx(0, abs=1e-12),
        pytest.approx(0.11547, rel=1e-4),
        2,
    )
    assert judge_speed(found, margin=0.2, level=0.05).outcome == INCONCLUSIVE  # 0.337 is more than ln 1.2 = 0.182
    assert judge_speed(found, margin=0.5, level=0.05).outcome == PASS  # and less than ln 1.5 = 0.405
    slow = slowdown([(10, 20.0)], [[(10, 10 * math.exp(x))] for x in (0.0, 0.1, -0.1)])
    assert judge_speed(slow, margin=0.2, level=0.05).outcome == FAIL  # -0.693 + 0.337 = -0.356 is below -0.182


def test_a_run_that_was_disturbed_for_a_while_is_no_fail() -> None:
    """What a real run of minilm looked like beside another job: 1.7 times as long in the first of three batches."""
    calm = [[(164, 8.5 * x), (167, 7.0 * x), (169, 5.6 * x)] for x in (1.0, 1.04, 0.97)]
    disturbed, slower = [(164, 14.5), (167, 7.0), (169, 5.6)], [(164, 13.6), (167, 11.2), (169, 8.96)]
    found = judge_speed(slowdown(disturbed, calm), margin=0.2, level=0.05)
    assert (found.outcome, found.reason[:14]) == (INCONCLUSIVE, "uneven batches")
    assert judge_speed(slowdown(slower, calm), margin=0.2, level=0.05).outcome == FAIL  # 1.6 times in all three


def test_runs_of_one_quiet_hour_count_as_differing_a_little() -> None:
    assert slowdown([(10, 1.0)], [[(10, 1.0)]] * 3).between == LEAST


def test_paired_batches_in_proportion_leave_the_assumed_spread_alone() -> None:
    ours, theirs = [(5, 2.0 * i) for i in range(1, 8)], [(5, 1.0 * i) for i in range(1, 8)]
    found = slowdown(ours, [theirs])
    assert found.value == pytest.approx(-math.log(2))
    assert found.error == pytest.approx(ASSUMED * math.sqrt(2))
    assert found.degrees == 6
    assert judge_speed(found, margin=0.2, level=0.05).outcome == FAIL


def test_the_spread_of_batches_is_that_of_a_ratio_of_totals() -> None:
    # residuals of 6 batches of 2 s against 1 ± 0.1 s of a ratio of 2: ∓0.2, B/(B-1) * 6 * 0.04 / 144 = 0.002
    ours, theirs = [(5, 2.0)] * 6, [(5, 0.9), (5, 1.1)] * 3
    assert slowdown(ours, [theirs]).error == pytest.approx(math.sqrt(0.002 + 2 * ASSUMED**2))
    # cut otherwise, each side varies by itself: theirs 6/5 * 6 * 0.01 / 36 = 0.002, ours not at all
    assert slowdown([(6, 2.4)] * 6, [theirs]).error == pytest.approx(math.sqrt(0.002 + 2 * ASSUMED**2))


def test_few_batches_of_one_run_decide_nothing() -> None:
    found = judge_speed(slowdown([(5, 9.0)] * 5, [[(5, 1.0)] * 5]), margin=0.2, level=0.05)
    assert (found.outcome, found.low) == (INCONCLUSIVE, None)
    assert found.reason == "fewer than 6 batches; make the baseline of 3 runs or more"


@pytest.mark.slow
@given(st.floats(0.1, 10, **FINITE), st.lists(st.floats(0.5, 2, **FINITE), min_size=6, max_size=12))
def test_a_clock_that_ticks_otherwise_changes_no_verdict(unit: float, seconds: list[float]) -> None:
    ours, theirs = [(3, s) for s in seconds], [(3, s * (1 + 0.1 * (i % 2))) for i, s in enumerate(seconds)]
    found = slowdown(ours, [theirs])
    again = slowdown([(n, s * unit) for n, s in ours], [[(n, s * unit) for n, s in theirs]])
    assert again.value == pytest.approx(found.value, abs=1e-9)
    assert again.error == pytest.approx(found.error)
