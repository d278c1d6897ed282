"""Accuracy, F1, average recall, calibration and risk-coverage: by hand, against scikit-learn, and as properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.classification import (
    ACCURACY,
    AURC,
    AVERAGES,
    average_recall,
    averaged,
    calibration_error,
    single_label,
)
from bench.metrics.metric import Metric, RankedMetric
from bench.stats.intervals import bootstrap_interval

LABELS = ("a", "b", "c", "d")
SCORES = ("precision", "recall", "f1")
ECE = calibration_error()


def one(label: str, confidence: float | None = None) -> dict[str, Any]:
    return {"label": label, "confidence": confidence}


def value(metric: Metric | RankedMetric, targets: Sequence[Any], answers: Sequence[Any]) -> float:
    rows = np.array([metric.measure(t, a) for t, a in zip(targets, answers, strict=True)], dtype=np.float64)
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, np.ones((1, len(rows))))[0])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


# Of a, a, b, c the answers a, b, b, b: a 1 right of 1 given and 2 wanted, b 1 of 3 and 1, c 0 of 0 and 1, d nowhere.
TARGETS, ANSWERS = ["a", "a", "b", "c"], [one("a"), one("b"), one("b"), one("b")]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (ACCURACY, 2 / 4),
        (averaged("precision", LABELS), (1 + 1 / 3 + 0 + 0) / 4),
        (averaged("recall", LABELS), (1 / 2 + 1 + 0 + 0) / 4),
        (averaged("f1", LABELS), (2 / 3 + 2 / 4 + 0 + 0) / 4),
        (averaged("f1", LABELS, "weighted"), (2 * 2 / 3 + 1 * 2 / 4 + 0) / 4),
        (averaged("precision", LABELS, "weighted"), (2 * 1 + 1 / 3 + 0) / 4),
        (averaged("f1", LABELS, "micro"), 2 * 2 / (4 + 4)),
        (average_recall(LABELS), (1 / 2 + 1 + 0) / 3),  # d is nowhere and left out
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_one_label_an_example_by_hand(metric: Metric, expected: float) -> None:
    assert value(metric, TARGETS, ANSWERS) == pytest.approx(expected, abs=1e-12)


def test_several_labels_by_hand() -> None:
    targets = [["a", "b"], ["b"], ["c"]]
    answers = [{"labels": ["a"]}, {"labels": ["b", "c"]}, {"labels": []}]
    # a 1 right of 1 given and 1 wanted; b 1 of 1 and 2; c 0 of 1 and 1
    assert value(averaged("f1", LABELS), targets, answers) == pytest.approx((1 + 2 / 3 + 0 + 0) / 4)
    assert value(averaged("f1", LABELS, "micro"), targets, answers) == pytest.approx(2 * 2 / (3 + 4))
    assert value(ACCURACY, targets, answers) == 0.0
    assert value(ACCURACY, targets, [{"labels": ["b", "a"]}, {"labels": []}, {"labels": []}]) == pytest.approx(1 / 3)


def test_a_label_that_is_not_in_the_list_is_wrong_and_counts_for_no_other() -> None:
    assert value(averaged("f1", LABELS), ["a", "b"], [one(""), one("b")]) == pytest.approx(1 / 4)


def test_a_target_that_is_not_in_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="target 'z' is not one of the 4 labels"):
        averaged("f1", LABELS).measure("z", one("a"))


def test_a_string_where_a_list_of_labels_is_due_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a list, got the string 'ab'"):
        ACCURACY.measure(["a"], {"labels": "ab"})


@pytest.mark.parametrize(("score", "average"), [("accuracy", "macro"), ("f1", "samples")])
def test_an_unknown_average_is_refused(score: str, average: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        averaged(score, LABELS, average)


def test_a_label_without_examples_leaves_average_recall_also_where_a_resample_lost_it() -> None:
    metric = average_recall(("a", "b"))
    rows = np.array([metric.measure("a", one("a")), metric.measure("b", one("a"))])
    drawn = np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    assert metric.summarise(drawn @ rows, drawn.sum(axis=1)).tolist() == [0.5, 1.0, 0.0, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize("several", [False, True], ids=["one label", "several labels"])
def test_precision_recall_and_f1_are_those_of_scikit_learn_over_all_labels(several: bool) -> None:
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, precision_recall_fscore_support

    labels = tuple(f"l{i}" for i in range(9))  # the last two are never a target, the last is never an answer
    for seed in range(5):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(5, 60))
        if several:
            wanted, said = rng.random((n, 9)) < 0.2, rng.random((n, 9)) < 0.3
            wanted[:, 7:], said[:, 8] = False, False
            targets: list[Any] = [[labels[i] for i in np.flatnonzero(row)] for row in wanted]
            answers: list[Any] = [{"labels": [labels[i] for i in np.flatnonzero(row)]} for row in said]
        else:
            wanted, said = rng.integers(0, 7, n), rng.integers(0, 8, n)
            targets, answers = [labels[i] for i in wanted], [one(labels[i]) for i in said]
            assert value(average_recall(labels), targets, answers) == pytest.approx(
                np.mean([np.mean(said[wanted == i] == i) for i in np.unique(wanted)]), abs=1e-12
            )
            if set(said) <= set(wanted):  # else scikit-learn warns; its figure is the same
                assert value(average_recall(labels), targets, answers) == pytest.approx(
                    balanced_accuracy_score(wanted, said), abs=1e-12
                )
        assert value(ACCURACY, targets, answers) == pytest.approx(accuracy_score(wanted, said), abs=1e-12)
        for average in AVERAGES:
            expected = precision_recall_fscore_support(wanted, said, labels=range(9), average=average, zero_division=0)[
                :3
            ]
            for score, figure in zip(SCORES, expected, strict=True):
                metric = averaged(score, labels, average)
                assert value(metric, targets, answers) == pytest.approx(figure, abs=1e-12), metric.name


def test_calibration_error_by_hand() -> None:
    # Bins end at 1/15, 2/15, …: 0.95 and 1 share the last, 0.2 = 3/15 is in the third, 0.21 in the fourth, 0 in the first.
    targets = ["a"] * 5
    answers = [one("a", 0.95), one("b", 1.0), one("a", 0.2), one("b", 0.21), one("b", 0.0)]
    # |(1 - 0.95) + (0 - 1)| + |1 - 0.2| + |0 - 0.21| + |0 - 0|, over 5
    assert value(ECE, targets, answers) == pytest.approx((0.95 + 0.8 + 0.21) / 5, abs=1e-12)


def test_calibration_error_is_the_weighted_gap_between_accuracy_and_confidence_of_each_bin() -> None:
    rng = np.random.default_rng(3)
    confidence, right = rng.random(400), rng.random(400) < 0.6
    which = np.minimum(np.ceil(confidence * 15).astype(int) - 1, 14)
    gaps = [(which == b).mean() * abs(right[which == b].mean() - confidence[which == b].mean()) for b in set(which)]
    answers = [one("a" if good else "b", c) for c, good in zip(confidence, right, strict=True)]
    assert value(ECE, ["a"] * 400, answers) == pytest.approx(sum(gaps), abs=1e-12)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([("a", 0.9), ("a", 0.8), ("b", 0.7)], (0 + 0 + 1 / 3) / 3),
        ([("b", 0.9), ("a", 0.8), ("a", 0.7)], (1 + 1 / 2 + 1 / 3) / 3),
        ([("a", 0.7), ("b", 0.9), ("a", 0.8)], (1 + 1 / 2 + 1 / 3) / 3),  # the order of the file does not matter
        ([("b", 0.5), ("a", 0.5)], (1 / 2 + 1 / 2) / 2),  # both orders of a tie: (1, 1/2) and (0, 1/2)
        ([("a", 0.9), ("b", 0.5), ("a", 0.5)], (0 + 1 / 4 + 1 / 3) / 3),
        ([("b", 0.5)] * 4, 1.0),
        ([("a", 0.5)] * 4, 0.0),
    ],
)
def test_area_under_risk_and_coverage_by_hand(answers: list[tuple[str, float]], expected: float) -> None:
    assert value(AURC, ["a"] * len(answers), [one(*x) for x in answers]) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.4, 0.4000001, 1.0]), st.booleans(), st.integers(0, 3)), min_size=1, max_size=9
    )
)
def test_an_example_drawn_thrice_is_three_examples(drawn: list[tuple[float, bool, int]]) -> None:
    drawn.append((0.7, True, 1))
    rows = np.array([(confidence, wrong) for confidence, wrong, _ in drawn], dtype=np.float64)
    weights = np.array([[times for *_, times in drawn]], dtype=np.float64)
    copied = np.repeat(rows, weights[0].astype(int), axis=0)
    assert AURC.summarise(rows, weights) == pytest.approx(AURC.summarise(copied, np.ones((1, len(copied)))), abs=1e-12)


@pytest.mark.parametrize("metric", [ECE, AURC], ids=["ece", "aurc"])
def test_without_confidences_calibration_is_absent_and_says_why(metric: Metric | RankedMetric) -> None:
    assert metric.absent([one("a", 0.5), one("b", 0.0)]) == ""
    assert metric.absent([one("a", 0.5), one("b")]) == "1 of 2 answers carry no confidence"
    assert metric.absent([]) == "every example failed, and no answer carries a confidence"
    assert not metric.higher_is_better


EXAMPLES = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, "z"]), st.floats(0, 1)), min_size=1, max_size=12
)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [*single_label(LABELS), average_recall(LABELS)], ids=lambda m: m.name)
@settings(deadline=None, max_examples=40)
@given(drawn=EXAMPLES)
def test_a_value_lies_within_its_range_whatever_the_order_and_a_perfect_one_is_best(
    metric: Metric | RankedMetric, drawn: list[tuple[str, str, float]]
) -> None:
    targets, answers = [t for t, _, _ in drawn], [one(a, c) for _, a, c in drawn]
    found = value(metric, targets, answers)
    assert -1e-12 <= found <= 1 + 1e-12
    assert value(metric, targets[::-1], answers[::-1]) == pytest.approx(found, abs=1e-9)
    for target in targets:
        assert metric.best(target) == pytest.approx(metric.measure(target, one(target, 1.0)))
    perfect = value(metric, [*targets, *LABELS], [one(target, 1.0) for target in [*targets, *LABELS]])
    assert perfect == pytest.approx(float(metric.higher_is_better), abs=1e-12)


# Not the calibration error: being sure and right may tip a bin that was balanced.
ORDERED = [ACCURACY, averaged("f1", LABELS), averaged("f1", LABELS, "weighted"), average_recall(LABELS), AURC]


@pytest.mark.slow
@pytest.mark.parametrize("metric", ORDERED, ids=lambda m: m.name)
@settings(deadline=None, max_examples=40)
@given(drawn=EXAMPLES, place=st.integers(0, 11))
def test_a_failed_example_is_never_better_than_its_right_answer(
    metric: Metric | RankedMetric, drawn: list[tuple[str, str, float]], place: int
) -> None:
    rows = np.array([metric.measure(t, one(a, c)) for t, a, c in drawn], dtype=np.float64)
    place %= len(drawn)
    figures = []
    for row in (metric.worst(drawn[place][0]), metric.best(drawn[place][0])):
        rows[place] = row
        weights = np.ones((1, len(rows)))
        figures.append(
            metric.summarise(rows, weights)[0]
            if isinstance(metric, RankedMetric)
            else metric.summarise(rows.sum(axis=0), np.array(float(len(rows))))
        )
    assert (figures[0] <= figures[1] + 1e-12) if metric.higher_is_better else (figures[0] >= figures[1] - 1e-12)


def test_a_failed_example_is_wanted_and_gives_nothing() -> None:
    metric = averaged("f1", LABELS)
    assert metric.worst("b") == metric.measure("b", one(""))
    assert metric.worst(["a", "b"]) == metric.measure(["a", "b"], {"labels": []})
    assert ACCURACY.worst("b") == (0.0,)
    assert ECE.worst("b") == ECE.measure("b", one("a", 1.0))
    assert AURC.worst("b") == AURC.measure("b", one("a", 1.0))


def test_an_interval_of_many_labels_holds_the_value() -> None:
    labels = tuple(f"l{i}" for i in range(77))
    rng = np.random.default_rng(0)
    metric, targets = averaged("f1", labels), [labels[i] for i in rng.integers(0, 77, 600)]
    answers = [one(t if rng.random() < 0.8 else "l0") for t in targets]
    rows = np.array([metric.measure(t, a) for t, a in zip(targets, answers, strict=True)])
    low, high = bootstrap_interval(rows, np.ones(len(rows)), metric.summarise, resamples=500)
    assert low < value(metric, targets, answers) < high
    assert 0.01 < high - low < 0.15


def test_signatures_name_what_the_figure_depends_on() -> None:
    assert averaged("f1", LABELS).name == "macro_f1"
    assert averaged("f1", LABELS).signature == "macro over 4 labels, 0/0 = 0"
    assert "15 bins" in ECE.signature
    assert [metric.name for metric in single_label(LABELS)] == ["accuracy", "macro_f1", "weighted_f1", "ece", "aurc"]
