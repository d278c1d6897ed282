"""Labelling: F1 of found against wanted items, worked by hand and as properties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.labelling import (
    SLOTS,
    f1,
    label_accuracy,
    pooled_macro_f1,
    positive_class,
    precision,
    recall,
    set_metric,
)
from bench.metrics.metric import Metric, RankedMetric

CLASSES = ("a", "b", "c")
Items = set[tuple[int, str]]
ITEMS = st.sets(st.tuples(st.integers(0, 4), st.sampled_from([*CLASSES, "other"])), max_size=6)
MACRO = set_metric("macro", CLASSES, lambda t: t, lambda t, a: a, macro=True)
MICRO = set_metric("micro", CLASSES, lambda t: t, lambda t, a: a)
POOLED = pooled_macro_f1("pooled", CLASSES, lambda t: t, lambda t, a: a, signature="test")


def value(metric: Metric | RankedMetric, pairs: Iterable[tuple[Any, Any]]) -> float:
    rows = np.array([metric.measure(target, answer) for target, answer in pairs])
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, np.ones((1, len(rows))))[0])
    return float(metric.summarise(rows.sum(axis=0), np.array(len(rows))))


@pytest.mark.parametrize(
    ("pairs", "macro", "micro", "pooled"),
    [
        # a: 1 hit of 2 found and 1 wanted, F1 2/3; b: 0 of 1 wanted; c: neither wanted nor found, so 0
        ([({(1, "a"), (2, "b")}, {(1, "a"), (3, "a")})], 2 / 9, 2 / 4, 2 / 9),
        ([({(1, "a")}, {(1, "b")})], 0.0, 0.0, 0.0),
        ([({(1, "a"), (1, "b"), (1, "c")}, {(1, "a"), (1, "b"), (1, "c")})], 1.0, 1.0, 1.0),
        ([(set(), set())], 0.0, 0.0, 0.0),
        ([({(1, "a")}, {(1, "a"), (1, "other")})], 1 / 3, 1.0, 1 / 3),  # other classes do not count
        # the same item in two examples: two wanted, one found, F1 2/3; as one pool one of one
        ([({(1, "a")}, {(1, "a")}), ({(1, "a")}, set())], 2 / 9, 2 / 3, 1 / 3),
        # wanted in one and found in the other: no hit; as one pool a hit
        ([({(1, "a")}, set()), (set(), {(1, "a")})], 0.0, 0.0, 1 / 3),
    ],
)
def test_f1_of_items_by_hand(pairs: list[tuple[Items, Items]], macro: float, micro: float, pooled: float) -> None:
    assert value(MACRO, pairs) == pytest.approx(macro, abs=1e-12)
    assert value(MICRO, pairs) == pytest.approx(micro, abs=1e-12)
    assert value(POOLED, pairs) == pytest.approx(pooled, abs=1e-12)


def test_precision_recall_and_f1_of_the_positive_class_by_hand() -> None:
    pairs = [*[("1", "1")] * 3, *[("1", "0")] * 2, *[("0", "1")], *[("0", "0")] * 4]
    for ratio, expected in ((precision, 3 / 4), (recall, 3 / 5), (f1, 6 / 9)):
        assert value(positive_class("p", ratio, signature="test"), pairs) == pytest.approx(expected, abs=1e-12)
        assert value(positive_class("p", ratio, signature="test"), [("0", "0")]) == 0.0


def test_a_failed_sentence_counts_with_the_other_label_and_a_failed_text_as_one_without_items() -> None:
    metric = positive_class("f1", f1, signature="test")
    assert metric.worst("0") == (0.0, 1.0, 0.0)  # a false alarm
    assert metric.worst("1") == (0.0, 0.0, 1.0)
    assert MICRO.worst({(1, "a")}) == MICRO.measure({(1, "a")}, set())
    assert POOLED.worst({(1, "a")}) == POOLED.measure({(1, "a")}, set())


def test_label_accuracy_is_of_the_places_that_were_found() -> None:
    metric = label_accuracy("accuracy", lambda t: t, lambda t, a: a, signature="test")
    golds = {(0, 4, "a"), (6, 9, "b"), (12, 13, "a"), (12, 13, "b")}  # the last place has two right labels
    assert metric.measure(golds, {(0, 4, "a"), (6, 9, "a"), (12, 13, "b"), (7, 9, "b")}) == (2.0, 3.0)
    assert value(metric, [(golds, {(0, 4, "a"), (6, 9, "a")})]) == 0.5
    assert value(metric, [(golds, set())]) == 0.0


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(pairs=st.lists(st.tuples(ITEMS, ITEMS), min_size=1, max_size=5))
def test_f1_is_that_of_plain_sets_within_its_bounds_and_does_not_depend_on_order(
    pairs: list[tuple[Items, Items]],
) -> None:
    def plain(golds: set[Any], items: set[Any]) -> float:
        total = 0.0
        for name in CLASSES:
            gold, item = ({one for one in part if one[-1] == name} for part in (golds, items))
            total += 2 * len(gold & item) / (len(gold) + len(item)) if gold & item else 0.0
        return total / len(CLASSES)

    apart = [{(i, *item) for i, pair in enumerate(pairs) for item in pair[side]} for side in (0, 1)]
    pool = [{item for pair in pairs for item in pair[side]} for side in (0, 1)]
    assert value(MACRO, pairs) == pytest.approx(plain(*apart), abs=1e-12)
    assert value(POOLED, pairs) == pytest.approx(plain(*pool), abs=1e-12)
    for metric in (MACRO, MICRO, POOLED):
        assert 0.0 <= value(metric, pairs) <= 1.0
        assert value(metric, pairs[::-1]) == pytest.approx(value(metric, pairs), abs=1e-12)
        for golds, items in pairs:
            assert metric.measure(golds, golds) == metric.best(golds)
            assert len(metric.measure(golds, items)) == len(metric.worst(golds))


def test_a_pooled_metric_of_drawn_examples_is_that_of_those_examples() -> None:
    pairs: list[tuple[Items, Items]] = [
        ({(1, "a")}, {(1, "a")}),
        ({(2, "b")}, {(3, "b")}),
        ({(1, "a"), (4, "c")}, set()),
    ]
    rows = np.array([POOLED.measure(*pair) for pair in pairs])
    weights = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0]])
    drawn = [value(POOLED, [pair for pair, n in zip(pairs, row, strict=True) if n]) for row in weights]
    assert POOLED.summarise(rows, weights).tolist() == pytest.approx(drawn, abs=1e-12)


def test_more_items_than_a_pooled_metric_has_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match=f"found {SLOTS + 1} items in one example, expected at most {SLOTS}"):
        POOLED.measure(set(), {(i, "a") for i in range(SLOTS + 1)})
