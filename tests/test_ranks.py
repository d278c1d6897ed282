"""Intervals on ranks: what they cover, what ties, and how groups are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from bench.metrics.metric import mean
from bench.stats import ranks as module
from bench.stats.intervals import MIN_CLUSTERS
from bench.stats.ranks import Ranks, by_clusters, by_tasks

ONES = np.ones(40)


def bounds(found: Ranks | None) -> list[tuple[int, int]]:
    assert found is not None
    return [(int(low), int(high)) for low, high in zip(found.low, found.high, strict=True)]


def noisy(*levels: float, g: int = 40, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """Scores [m, g] around these levels."""
    return np.array(levels)[:, None] + noise * np.random.default_rng(seed).normal(size=(len(levels), g))


def test_models_far_apart_have_ranks_without_doubt() -> None:
    found = by_tasks(noisy(0.1, 0.9, 0.5))
    assert bounds(found) == [(3, 3), (1, 1), (2, 2)]
    assert found is not None
    assert list(found.group) == [3, 1, 2]


def test_a_model_between_two_ties_widens_the_interval_of_each() -> None:
    # Differences 0.06 and 0.06 with a standard error of 0.1·sqrt(2/40) = 0.022: only the outer two, 0.12 apart, differ
    # for sure (0.12/0.022 = 5.4; the inner ones, 2.7, are under Holm's first bound of 2.9 where the middle one is drawn low)
    x = noisy(0.0, 0.0, 0.0)
    x += np.array([0.12, 0.06, 0.0])[:, None] - x.mean(axis=1, keepdims=True)
    x[1] += 0.2 * np.tile([1, -1], 20)  # the middle one is much noisier
    assert bounds(by_tasks(x)) == [(1, 2), (1, 3), (2, 3)]


def test_where_less_is_better_the_order_turns_round() -> None:
    x = noisy(0.1, 0.9, 0.5)
    assert bounds(by_tasks(x, higher_is_better=False)) == [(1, 1), (3, 3), (2, 2)]


def test_two_models_are_decided_as_a_paired_t_test_decides_them() -> None:
    rng = np.random.default_rng(3)
    decisions = []
    for shift in np.linspace(0, 0.08, 40):
        x = noisy(shift, 0.0, seed=int(rng.integers(1e9)))
        p = stats.ttest_rel(x[0], x[1]).pvalue
        if abs(p - 0.05) > 0.015:  # a thousand resamples know the error to 2 %, so close calls may differ
            decisions.append((p < 0.05, bounds(by_tasks(x))[0][0] != bounds(by_tasks(x))[0][1]))
    assert len(decisions) > 25
    assert all(significant != tied for significant, tied in decisions)
    assert {significant for significant, _ in decisions} == {True, False}


def test_the_correction_is_holms_over_all_ordered_pairs() -> None:
    # p-values of the ordered pairs, one-sided, with many degrees of freedom; 3 models, so 6 tests:
    # 0.05/6 = 0.0083, then 0.05/5 = 0.01, then 0.05/4 = 0.0125
    z = {p: float(stats.t.isf(p, 1e6)) for p in (0.008, 0.0095, 0.0126)}
    statistic = np.array([[0.0, z[0.008], z[0.0095]], [-z[0.008], 0.0, z[0.0126]], [-z[0.0095], -z[0.0126], 0.0]])
    assert module._holm(statistic, 1e6).tolist() == [[False, True, True], [False, False, False], [False, False, False]]
    statistic[0, 1], statistic[1, 0] = z[0.0095], -z[0.0095]  # no test passes the first bound: none is significant
    assert not module._holm(statistic, 1e6).any()


def test_copies_of_one_model_always_tie_also_through_rounding() -> None:
    rng = np.random.default_rng(0)
    one = rng.random(300)
    x = np.stack([one, one, one + 1e-16, one * (1 + 1e-15), one - 0.3])
    found = by_clusters(x[..., None], np.ones(300), mean)
    assert bounds(found) == [(1, 4)] * 4 + [(5, 5)]
    assert found is not None
    assert list(found.group) == [1, 1, 1, 1, 2]


def test_a_model_that_is_right_everywhere_is_better_than_one_that_never_is() -> None:
    sums = np.stack([np.ones((20, 1)), np.zeros((20, 1))])  # the difference is the same in every resample
    assert bounds(by_clusters(sums, np.ones(20), mean)) == [(1, 1), (2, 2)]


def test_a_difference_in_one_cluster_of_many_is_no_difference() -> None:
    right = np.ones((2, 200, 1))
    right[1, 7] = 0
    assert bounds(by_clusters(right, np.ones(200), mean)) == [(1, 2), (1, 2)]


def test_few_clusters_give_no_intervals() -> None:
    x = noisy(0.1, 0.9, g=MIN_CLUSTERS - 1)
    assert by_tasks(x) is None
    assert by_clusters(x[..., None], np.ones(MIN_CLUSTERS - 1), mean) is None
    assert by_tasks(noisy(0.1, 0.9, g=MIN_CLUSTERS)) is not None


def test_one_model_is_first() -> None:
    assert bounds(by_tasks(noisy(0.5))) == [(1, 1)]


def test_clusters_of_differing_size_weigh_by_their_size() -> None:
    sizes = np.array([10.0] * 10 + [1.0] * 10)
    a, b = np.ones(20), np.zeros(20)
    a[:10] = 10 * 0.6  # 60 of 100 right in the large clusters, 10 of 10 in the small
    b[:10] = 10 * 0.9
    found = by_clusters(np.stack([a, b])[..., None], sizes, mean)
    assert bounds(found) == [(2, 2), (1, 1)]


def test_a_metric_that_is_no_mean_is_ranked_by_its_own_value() -> None:
    def share(totals: np.ndarray, n: np.ndarray) -> np.ndarray:  # hits of those found
        return totals[..., 0] / totals[..., 1]

    rng = np.random.default_rng(0)
    found = rng.integers(3, 9, size=(3, 60)).astype(float)
    hits = rng.binomial(found.astype(int), [[0.2], [0.5], [0.8]]).astype(float)
    sums = np.stack([hits, found], axis=2)
    for jackknife in (False, True):
        assert bounds(by_clusters(sums, np.ones(60), share, jackknife=jackknife)) == [(3, 3), (2, 2), (1, 1)]


def test_drawing_and_leaving_out_agree_on_a_mean() -> None:
    rng = np.random.default_rng(5)
    x = noisy(*(0.01 * rng.normal(size=12)), g=100, noise=0.03, seed=4)[..., None]
    drawn, left = (by_clusters(x, np.ones(100), mean, jackknife=one, resamples=4000) for one in (False, True))
    assert drawn is not None
    assert left is not None
    assert 5 < drawn.better.sum() < 60
    assert (drawn.better != left.better).sum() <= 3


def test_a_group_ends_only_where_all_above_beat_all_below() -> None:
    better = np.zeros((4, 4), dtype=bool)
    better[0, 2] = better[0, 3] = better[1, 3] = True  # a chain: neighbours tie, so all tie
    centre = np.array([4.0, 3.0, 2.0, 1.0])
    assert module._groups(centre, better).tolist() == [1, 1, 1, 1]
    better[1, 2] = True  # now the first two beat the last two
    assert module._groups(centre, better).tolist() == [1, 1, 2, 2]
    assert module._groups(centre[::-1], better[::-1, ::-1]).tolist() == [2, 2, 1, 1]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(float, st.tuples(st.integers(1, 7), st.integers(6, 12)), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    st.integers(0, 3),
)  # fmt: skip
def test_a_rank_lies_within_its_bounds_and_groups_follow_the_order(x: np.ndarray, seed: int) -> None:
    found = by_tasks(x, seed=seed, resamples=100)
    assert found is not None
    value, m = x.mean(axis=1), len(x)
    for i in range(m):
        above, same = int((value > value[i] + 1e-12).sum()), int((abs(value - value[i]) <= 1e-12).sum())
        assert 1 <= found.low[i] <= above + 1
        assert above + same <= found.high[i] <= m
    order = np.argsort(-value, kind="stable")
    assert (np.diff(found.group[order]) >= 0).all()
    assert not (found.better & found.better.T).any()
    for i in range(m):
        for j in range(m):
            assert found.group[i] >= found.group[j] or found.better[i, j]


def test_the_order_of_models_does_not_matter() -> None:
    x = noisy(*np.linspace(0, 0.3, 8))
    order = np.random.default_rng(1).permutation(8)
    here, there = by_tasks(x), by_tasks(x[order])
    assert [bounds(here)[i] for i in order] == bounds(there)


def simultaneous(m: int, g: int, step: float, n: int, seed: int) -> tuple[float, float]:
    """How often all bounds hold together for true values 0, step, 2·step, …, and the mean width of an interval."""
    rng = np.random.default_rng(seed)
    truth = step * np.arange(m)
    better = truth[:, None] > truth[None, :]
    low, high = 1 + better.sum(axis=0), m - better.sum(axis=1)
    held, width = 0, 0.0
    for one in range(n):
        shared = rng.normal(size=g)  # what makes an example hard for all
        found = by_tasks(truth[:, None] + shared + rng.normal(size=(m, g)), seed=one, resamples=300)
        assert found is not None
        held += bool(((found.low <= low) & (found.high >= high)).all())
        width += float((found.high - found.low).mean()) / n
    return held / n, width


@pytest.mark.slow
@pytest.mark.parametrize(("m", "g"), [(5, 8), (10, 41), (30, 100)])
def test_all_ranks_are_covered_together_where_all_models_are_equal(m: int, g: int) -> None:
    held, _ = simultaneous(m, g, 0.0, n=600, seed=m)
    assert held > 0.95 - 3 * (0.05 * 0.95 / 600) ** 0.5  # three Monte-Carlo errors: 0.923


@pytest.mark.slow
def test_intervals_narrow_with_more_clusters() -> None:
    few, many = (simultaneous(8, g, 0.25, n=60, seed=1) for g in (30, 600))
    assert few[1] > 4
    assert many[1] < 0.6  # steps of 0.25 have a standard error of sqrt(2/600) = 0.058 there
    assert min(few[0], many[0]) > 0.9
