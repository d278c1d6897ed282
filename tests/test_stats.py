"""Intervals: the clustered bootstrap and jackknife by hand, and that they cover what they promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from bench.metrics.metric import mean
from bench.stats.intervals import (
    MIN_CLUSTERS,
    bootstrap_interval,
    cluster_sums,
    jackknife_interval,
    resample,
    resample_weights,
)

Array = npt.NDArray[np.float64]


def grouped(values: Sequence[float] | Array, size: int) -> tuple[Array, Array]:
    """Sums and sizes of neighbours in clusters of `size`."""
    return cluster_sums(np.asarray(values, dtype=np.float64)[:, None], [str(i // size) for i in range(len(values))])


def share(counts: Array) -> float:
    """The share of the first n-gram: the mean of ones and zeros, as a statistic of counts."""
    return float(counts[0] / counts.sum())


def votes(values: Sequence[int]) -> list[Counter[Hashable]]:
    """One Counter a cluster, each with a single n-gram: "yes" for 1 and "no" for 0."""
    return [Counter(["yes" if value else "no"]) for value in values]


def test_cluster_sums_adds_rows_by_cluster_in_order_of_first_appearance() -> None:
    rows = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
    sums, sizes = cluster_sums(rows, ["b", "a", "b", "c"])
    assert sums.tolist() == [[4.0, 40.0], [2.0, 20.0], [4.0, 40.0]]  # b: 1 + 3, a: 2, c: 4
    assert sizes.tolist() == [2.0, 1.0, 1.0]


@pytest.mark.parametrize("clusters", [["a"], ["a", "b", "c"]])
def test_a_cluster_for_each_row_is_required(clusters: list[str]) -> None:
    with pytest.raises(ValueError, match="2 rows"):
        cluster_sums(np.zeros((2, 1)), clusters)


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_equal_rows_have_an_interval_of_no_width(value: float) -> None:
    sums, sizes = grouped([value] * 30, size=3)
    assert bootstrap_interval(sums, sizes, mean, resamples=200) == pytest.approx((value, value), abs=1e-12)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    sums, sizes = grouped(np.random.default_rng(1).random(60), size=3)
    first = bootstrap_interval(sums, sizes, mean, resamples=300, seed=7)
    assert bootstrap_interval(sums, sizes, mean, resamples=300, seed=7) == first
    assert bootstrap_interval(sums, sizes, mean, resamples=300, seed=8) != first


def test_two_metrics_of_one_run_are_resampled_alike() -> None:
    sums, sizes = grouped(np.random.default_rng(2).random(40), size=2)
    once = resample(sums, sizes, mean, resamples=50, seed=4)
    assert resample(3 * sums, sizes, mean, resamples=50, seed=4) == pytest.approx(3 * once)
    both = resample(np.column_stack([sums, sums]), sizes, mean, resamples=50, seed=4)
    assert both == pytest.approx(once)


def test_the_order_of_rows_within_a_cluster_and_its_name_do_not_matter() -> None:
    values = np.random.default_rng(3).integers(0, 2, 40).astype(float)
    expected = bootstrap_interval(*grouped(values, size=5), mean, resamples=200)
    backwards = values.reshape(8, 5)[:, ::-1].ravel()
    assert bootstrap_interval(*grouped(backwards, size=5), mean, resamples=200) == expected
    renamed = cluster_sums(values[:, None], [f"passage {99 - i // 5}" for i in range(40)])
    assert bootstrap_interval(*renamed, mean, resamples=200) == expected


def test_resampled_values_centre_on_the_value_with_the_clusters_standard_error() -> None:
    values = np.random.default_rng(4).random(200)
    drawn = resample(*grouped(values, size=5), mean, resamples=4000, seed=0)
    centres = values.reshape(40, 5).mean(axis=1)
    assert drawn.shape == (4000,)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.002)
    assert drawn.std() == pytest.approx(centres.std() / np.sqrt(40), rel=0.05)


def test_resampling_in_pieces_or_at_once_draws_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    sums, sizes = grouped(np.random.default_rng(5).random(30), size=3)
    monkeypatch.setattr("bench.stats.intervals._CHUNK", 25)  # two draws of ten clusters at a time, the last alone
    drawn = resample(sums, sizes, mean, resamples=401, seed=0)
    assert drawn.shape == (401,)
    assert np.isfinite(drawn).all()
    assert len(set(drawn.tolist())) > 300  # no piece repeats another


@pytest.mark.parametrize("g", [10, 30, 100])
def test_the_bootstrap_of_a_mean_is_as_wide_as_students_interval(g: int) -> None:
    values = stats.norm.ppf((np.arange(g) + 0.5) / g)  # normal quantiles: as normal as g numbers can be
    low, high = bootstrap_interval(*grouped(values, size=1), mean, resamples=20_000)
    textbook = stats.t.ppf(0.975, g - 1) * values.std(ddof=1) / np.sqrt(g)
    assert (high - low) / 2 == pytest.approx(textbook, rel=0.05)


@pytest.mark.slow
def test_few_clusters_make_a_wider_interval_than_the_plain_percentiles() -> None:
    ratios = []
    for g in (MIN_CLUSTERS, 10, 1000):
        sums, sizes = grouped(stats.norm.ppf((np.arange(g) + 0.5) / g), size=1)
        low, high = bootstrap_interval(sums, sizes, mean, resamples=4000)
        plain = np.quantile(resample(sums, sizes, mean, resamples=4000, seed=0), [0.025, 0.975])
        ratios.append((high - low) / (plain[1] - plain[0]))
    assert ratios[0] > ratios[1] > ratios[2] > 1.0
    assert ratios[2] < 1.02


def test_fewer_clusters_of_the_same_rows_make_a_wider_interval_when_neighbours_agree() -> None:
    values = np.repeat(np.random.default_rng(6).random(20), 10)
    alone = bootstrap_interval(*grouped(values, size=1), mean, resamples=1000)
    together = bootstrap_interval(*grouped(values, size=10), mean, resamples=1000)
    assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])  # sqrt(10) = 3.2 times, by theory


def coverage(n_repeats: int, *, cluster: int) -> float:
    """How often the interval holds the true mean 0: 50 groups of 10 with an intra-group correlation of 0.7."""
    rng, hits = np.random.default_rng(11), 0
    for seed in range(n_repeats):
        values = np.sqrt(0.7) * rng.normal(size=(50, 1)) + np.sqrt(0.3) * rng.normal(size=(50, 10))
        low, high = bootstrap_interval(*grouped(values.ravel(), size=cluster), mean, resamples=400, seed=seed)
        hits += low <= 0.0 <= high
    return hits / n_repeats


@pytest.mark.slow
def test_the_clustered_interval_covers_the_truth_as_often_as_it_says() -> None:
    assert 0.91 <= coverage(300, cluster=10) <= 0.98


@pytest.mark.slow
def test_an_interval_that_overlooks_clusters_covers_far_too_seldom() -> None:
    assert coverage(60, cluster=1) < 0.75


def coverage_of_few(g: int) -> float:
    """How often the interval from g clusters of one normal value each holds their true mean 0."""
    rng, hits = np.random.default_rng(12), 0
    for seed in range(400):
        low, high = bootstrap_interval(*grouped(rng.normal(size=g), size=1), mean, resamples=400, seed=seed)
        hits += low <= 0.0 <= high
    return hits / 400


@pytest.mark.slow
@pytest.mark.parametrize("g", [6, 8, 15])
def test_an_interval_from_few_clusters_covers_the_truth_too(g: int) -> None:
    assert 0.91 <= coverage_of_few(g) <= 0.98


def test_three_clusters_are_refused_since_they_would_cover_the_truth_too_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Percentiles stay between the least and the greatest cluster, and all three lie on one side of 0 once in four times.
    monkeypatch.setattr("bench.stats.intervals.MIN_CLUSTERS", 2)
    assert 0.70 <= coverage_of_few(3) <= 0.80


def test_the_jackknife_of_a_mean_is_the_textbook_interval() -> None:
    # 6 of 10: variance 10 · 0.24 / 9 = 0.26667, error sqrt(0.026667) = 0.1633, times t(9) = 2.2622.
    low, high = jackknife_interval(votes([1, 1, 1, 0, 1, 0, 0, 1, 0, 1]), share)
    assert low == pytest.approx(0.6 - 2.2622 * 0.16330, abs=1e-4)
    assert high == pytest.approx(0.6 + 2.2622 * 0.16330, abs=1e-4)


def test_above_200_clusters_the_jackknife_leaves_out_blocks_of_neighbours() -> None:
    values = [1, *np.random.default_rng(8).integers(0, 2, 599).tolist()]
    low, high = jackknife_interval(votes(values), share)
    blocks = np.reshape(values, (200, 3)).mean(axis=1)
    half = stats.t.ppf(0.975, 199) * blocks.std(ddof=1) / np.sqrt(200)
    assert (low, high) == pytest.approx((blocks.mean() - half, blocks.mean() + half), abs=1e-9)


def test_the_jackknife_of_equal_clusters_has_no_width() -> None:
    low, high = jackknife_interval([Counter({"a": 3, "b": 1})] * 6, share)
    assert (low, high) == pytest.approx((0.75, 0.75), abs=1e-12)


def test_the_jackknife_takes_a_cluster_that_holds_nothing() -> None:
    counts: list[Counter[Hashable]] = [Counter(), *votes([1, 0, 1, 1, 1])]
    low, high = jackknife_interval(counts, lambda found: float((found > 0).sum()))
    # Distinct n-grams: 2 of all; without each cluster 2, 2, 1, 2, 2, 2, of mean 11/6: error² = 5/6 · 5/6, t(5) = 2.5706.
    assert (low, high) == pytest.approx((2 - 2.5706 * 5 / 6, 2 + 2.5706 * 5 / 6), abs=1e-4)


def test_the_jackknife_leaves_the_counts_as_they_were() -> None:
    counts = votes([1, 0, 1, 1, 0, 1])
    assert jackknife_interval(counts, share) == jackknife_interval(counts, share)
    assert counts == votes([1, 0, 1, 1, 0, 1])


def test_an_interval_needs_six_clusters() -> None:
    assert MIN_CLUSTERS == 6
    for low, high in (
        bootstrap_interval(*grouped([0.0, 1.0] * 3, size=1), mean),
        jackknife_interval(votes([0, 1] * 3), share),
    ):
        assert low < 0.5 < high


@pytest.mark.parametrize("g", range(1, 6))
def test_an_interval_from_fewer_than_six_clusters_is_refused_however_many_rows_they_hold(g: int) -> None:
    with pytest.raises(ValueError, match=f"at least 6 clusters, got {g}"):
        bootstrap_interval(*grouped([0.0, 1.0] * 5 * g, size=10), mean)
    with pytest.raises(ValueError, match=f"at least 6 clusters, got {g}"):
        jackknife_interval([Counter({"a": 7, "b": 3})] * g, share)


def test_no_cluster_at_all_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 6 clusters, got 0"):
        bootstrap_interval(np.zeros((0, 1)), np.zeros(0), mean)
    with pytest.raises(ValueError, match="at least 6 clusters, got 0"):
        jackknife_interval([], share)


def test_each_draw_is_of_as_many_clusters_as_there_are() -> None:
    weights = np.concatenate(list(resample_weights(7, resamples=50, seed=3)))
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights >= 0).all()
    assert abs(weights.mean() - 1) < 1e-12
    assert len({tuple(row) for row in weights}) > 40


def test_draws_that_are_kept_for_the_next_run_are_those_of_their_seed_and_nobody_can_alter_them() -> None:
    (first,), (other,), (again,) = (resample_weights(7, resamples=50, seed=seed) for seed in (3, 4, 3))
    assert again is first
    assert not (other == first).all()
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0
    assert list(resample_weights(7, resamples=0, seed=3)) == []


def test_the_draws_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(resample_weights(7, resamples=50, seed=3)))
    monkeypatch.setattr("bench.stats.intervals._CHUNK", 100)
    for width, chunks in ((None, 4), (50, 25), (1000, 50)):  # 14, 2 and 1 draws at a time
        parts = list(resample_weights(7, resamples=50, seed=3, width=width))
        assert len(parts) == chunks
        assert (np.concatenate(parts) == whole).all()
