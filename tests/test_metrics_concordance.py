"""Concordance correlation: worked by hand, against numpy's moments, and as properties."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.metrics.concordance import ccc, ccc_from_moments

METRIC = ccc("valence", -1.0, 1.0)
Pair = tuple[float, float]
Array = npt.NDArray[np.float64]
# Hundredths: far finer differences are rounding error of the moments, which the metric takes for none.
VALUES = st.integers(-100, 100).map(lambda number: number / 100)
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12)


def value(pairs: list[Pair]) -> float:
    """The CCC of (target, prediction) pairs, by way of the metric's rows."""
    rows = np.array([METRIC.measure({"valence": t}, {"valence": p}) for t, p in pairs])
    return float(METRIC.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def moments(t: Array, p: Array) -> Array:
    return np.stack([t, p, t * t, p * p, t * p], axis=-1)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        # t 0, 1; p 0, 1/2: var 1/4 and 1/16, cov 1/8, means 1/4 apart: (2/8) / (4/16 + 1/16 + 1/16)
        ([(0, 0), (1, 0.5)], 2 / 3),
        # a constant shift of 0.1: var = cov = 0.08/3, (0.16/3) / (0.16/3 + 0.01)
        ([(0, 0.1), (0.2, 0.3), (0.4, 0.5)], 0.16 / 0.19),
        # half the spread, same mean: var 1 and 1/4, cov 1/2: 1 / (5/4)
        ([(-1, -0.5), (1, 0.5)], 0.8),
        # reversed: cov = -var
        ([(-1, 1), (1, -1)], -1.0),
        # t 0, 0, 1, 1 and p 0, 1, 0, 1: no covariance
        ([(0, 0), (0, 1), (1, 0), (1, 1)], 0.0),
        # both constant and apart: 0 / 0.25
        ([(0.5, 0), (0.5, 0)], 0.0),
        ([(0.3, 0.3), (0.3, 0.3)], 1.0),
    ],
)
def test_ccc_by_hand(pairs: list[Pair], expected: float) -> None:
    assert value(pairs) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("constant", [-1.0, -0.3, 0.0, 0.1, 1.0])
def test_a_constant_prediction_has_zero(constant: float) -> None:
    targets = np.random.default_rng(0).uniform(-1, 1, 200)
    assert value([(t, constant) for t in targets]) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
@settings(deadline=None)
@given(pairs=PAIRS)
def test_ccc_lies_between_minus_one_and_one_and_is_never_nan(pairs: list[Pair]) -> None:
    found = value(pairs)
    assert math.isfinite(found)
    assert -1 - 1e-9 <= found <= 1 + 1e-9


@pytest.mark.slow
@settings(deadline=None)
@given(pairs=PAIRS)
def test_ccc_is_what_numpy_says(pairs: list[Pair]) -> None:
    t, p = np.array(pairs).T
    below = t.var() + p.var() + (t.mean() - p.mean()) ** 2
    expected = 2 * np.cov(t, p, bias=True)[0, 1] / below if below > 1e-9 else 1.0
    assert value(pairs) == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@settings(deadline=None)
@given(targets=st.lists(VALUES, min_size=1, max_size=12))
def test_predicting_the_targets_is_one(targets: list[float]) -> None:
    assert value([(t, t) for t in targets]) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.slow
@settings(deadline=None)
@given(pairs=PAIRS, shift=VALUES, factor=st.sampled_from([-1.0, 0.5, 2.0]))
def test_ccc_does_not_change_when_both_sides_are_moved_or_stretched_alike(
    pairs: list[Pair], shift: float, factor: float
) -> None:
    moved = [(factor * t + shift, factor * p + shift) for t, p in pairs]
    assert value(moved) == pytest.approx(value(pairs), abs=1e-8)


@pytest.mark.slow
@settings(deadline=None)
@given(pairs=PAIRS, shift=st.sampled_from([-0.5, 0.25, 1.0]))
def test_moving_the_predictions_alone_never_helps_a_model_without_bias(pairs: list[Pair], shift: float) -> None:
    t, p = np.array(pairs).T
    centred = p - p.mean() + t.mean()
    assume(max(abs(centred + shift)) <= 3)  # as far as a value may be off its scale
    found = value(list(zip(t, centred, strict=True)))
    assert abs(value(list(zip(t, centred + shift, strict=True)))) <= abs(found) + 1e-9


@pytest.mark.slow
@settings(deadline=None)
@given(pairs=PAIRS)
def test_ccc_is_symmetric_and_does_not_know_the_order_of_examples(pairs: list[Pair]) -> None:
    found = value(pairs)
    assert value([(p, t) for t, p in pairs]) == pytest.approx(found, abs=1e-9)
    assert value(pairs[::-1]) == pytest.approx(found, abs=1e-9)


@pytest.mark.slow
@settings(deadline=None)
@given(pairs=PAIRS)
def test_ccc_is_no_further_from_zero_than_pearsons_correlation(pairs: list[Pair]) -> None:
    t, p = np.array(pairs).T
    if t.std() > 1e-3 and p.std() > 1e-3:
        assert abs(value(pairs)) <= abs(np.corrcoef(t, p)[0, 1]) + 1e-9


def test_many_sums_are_summarised_at_once_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    t, p = rng.uniform(-1, 1, (2, 4, 30))  # four corpora of 30
    totals, n = moments(t, p).sum(axis=1), np.full(4, 30.0)
    found = ccc_from_moments(totals, n)
    assert found.shape == (4,)
    assert found == pytest.approx([float(ccc_from_moments(row, np.array(30.0))) for row in totals], abs=1e-12)


def test_counting_a_row_twice_is_a_weight_of_two() -> None:
    pairs = [(0.1, 0.3), (-0.5, 0.2), (0.9, 0.4)]
    rows = np.array([METRIC.measure({"valence": t}, {"valence": p}) for t, p in pairs])
    weighted = float(METRIC.summarise(np.array([2.0, 1.0, 1.0]) @ rows, np.array(4.0)))
    assert weighted == pytest.approx(value([pairs[0], *pairs]), abs=1e-12)


@pytest.mark.parametrize(("target", "far"), [(0.4, -1.0), (-0.4, 1.0), (1.0, -1.0), (-1.0, 1.0)])
def test_a_failure_counts_as_the_far_end_of_the_scale(target: float, far: float) -> None:
    assert METRIC.worst({"valence": target}) == METRIC.measure({"valence": target}, {"valence": far})


@pytest.mark.slow
@settings(deadline=None)
@given(targets=st.lists(VALUES, min_size=1, max_size=12))
def test_failing_everywhere_is_not_above_zero_and_the_best_rows_give_one(targets: list[float]) -> None:
    worst = np.sum([METRIC.worst({"valence": t}) for t in targets], axis=0)
    best = np.sum([METRIC.best({"valence": t}) for t in targets], axis=0)
    n = np.array(float(len(targets)))
    assert float(METRIC.summarise(worst, n)) <= 1e-9
    assert float(METRIC.summarise(best, n)) == pytest.approx(1.0, abs=1e-9)


def test_a_metric_reads_its_own_value_only() -> None:
    arousal = ccc("arousal", 0.0, 1.0)
    target, answer = {"valence": 1.0, "arousal": 0.5}, {"valence": -1.0, "arousal": 0.25}
    assert arousal.name == "ccc_arousal"
    assert tuple(arousal.measure(target, answer)) == (0.5, 0.25, 0.25, 0.0625, 0.125)
