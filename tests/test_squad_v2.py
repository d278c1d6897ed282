"""SQuAD 2.0's figures: worked by hand, the best thresholds against a plain walk, weights as repetition."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_data import shipped, write

from bench.metrics.metric import Metric, RankedMetric
from bench.metrics.reading import SQUAD_V2
from bench.record import Score
from bench.scoring.measure import score
from bench.types import Prediction
from tasks.squad import SquadV2

BY_NAME = {metric.name: metric for metric in SQUAD_V2}
Item = tuple[list[str], str, float]  # the golds, the answer, the probability of no answer


def said(text: str, no_answer: float | None = None, **more: int) -> dict[str, Any]:
    return {"text": text, "no_answer": no_answer, **more}


def value(name: str, items: Sequence[Item], weights: Sequence[float] | None = None) -> float:
    """The metric's value over the items, each counted `weights` times."""
    metric = BY_NAME[name]
    rows = np.array([metric.measure(golds, said(text, p, rank=i)) for i, (golds, text, p) in enumerate(items)])
    weight = np.array(weights or [1.0] * len(items))
    if isinstance(metric, RankedMetric):
        return float(metric.summarise(rows, weight[None])[0])
    assert isinstance(metric, Metric)
    return float(metric.summarise(weight @ rows, weight.sum()))


@pytest.mark.parametrize(
    ("golds", "text", "no_answer", "exact", "f1"),
    [
        (["Bohemia"], "Bohemia", None, 1.0, 1.0),
        (["Bohemia"], "in Bohemia", None, 0.0, 2 / 3),  # 2·1/(2+1)
        (["in Bohemia", "Bohemia"], "the Bohemia", None, 1.0, 1.0),
        (["Bohemia"], "", None, 0.0, 0.0),
        ([], "", None, 1.0, 1.0),
        ([], "the", None, 1.0, 1.0),  # normalises to nothing
        ([], "deep", None, 0.0, 0.0),
        (["the", "?"], "", None, 1.0, 1.0),  # golds that normalise to nothing are none
        (["the", "652 km"], "", None, 0.0, 0.0),
        (["Bohemia"], "Bohemia", 1.0, 1.0, 1.0),  # the default threshold is 1, and only more is no answer
        (["Bohemia"], "Bohemia", 1.5, 0.0, 0.0),
        ([], "deep", 1.5, 1.0, 1.0),
    ],
)
def test_one_question_scores_as_worked_by_hand(
    golds: list[str], text: str, no_answer: float | None, exact: float, f1: float
) -> None:
    for name, expected in (("exact_match", exact), ("f1", f1)):
        metric = BY_NAME[name]
        assert isinstance(metric, Metric)
        assert tuple(metric.measure(golds, said(text, no_answer))) == pytest.approx((expected, 1.0))


# Two questions with an answer (exact 1 and 0, F1 1 and 2/3), three without (right, wrong, right).
FIVE: list[Item] = [
    (["Bohemia"], "Bohemia", 0.1), (["652 km"], "652", 0.2), ([], "", 0.3), ([], "wide", 0.4), ([], "the", 0.5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("exact_match", 3 / 5), ("f1", (1 + 2 / 3 + 2) / 5), ("HasAns_exact", 1 / 2), ("HasAns_f1", (1 + 2 / 3) / 2),
        ("NoAns_exact", 2 / 3), ("NoAns_f1", 2 / 3),
        # From 3 with nothing answered: 0.1 +1, 0.2 +0, 0.3 an empty answer +0, 0.4 -1, 0.5 "the" is not empty -1.
        ("best_exact", 4 / 5), ("best_exact_thresh", 0.1),
        ("best_f1", (3 + 1 + 2 / 3) / 5), ("best_f1_thresh", 0.2),
    ],
)  # fmt: skip
def test_five_questions_score_as_worked_by_hand(name: str, expected: float) -> None:
    assert value(name, FIVE) == pytest.approx(expected, abs=1e-12)


def test_where_answering_never_helps_the_threshold_is_zero() -> None:
    items: list[Item] = [([], "wide", 0.1), (["a b"], "c", 0.2), ([], "deep", 0.0)]
    assert (value("best_exact", items), value("best_exact_thresh", items)) == (pytest.approx(2 / 3), 0.0)


def test_of_equal_values_the_first_threshold_counts() -> None:
    items: list[Item] = [(["x"], "x", 0.1), ([], "wide", 0.2), (["y"], "y", 0.3)]  # 1, then 2, 1, 2 of three
    assert (value("best_exact", items), value("best_exact_thresh", items)) == (pytest.approx(2 / 3), 0.1)


def test_questions_of_one_probability_are_answered_in_the_order_of_their_file() -> None:
    right, wrong = (["x"], "x", 0.5), ([], "wide", 0.5)
    assert value("best_exact", [right, wrong]) == 1.0  # 1 none, +1, -1: the 2 on the way counts
    assert value("best_exact", [wrong, right]) == 0.5  # 1 none, -1, +1: never above the start
    assert value("best_exact_thresh", [wrong, right]) == 0.0


TEXTS = st.sampled_from(["", "the", "cat", "cat sat", "dog"])
ITEMS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["cat", "cat sat", "the"]), max_size=2),
        TEXTS,
        st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.5, 1.0, 2.0]),
    ),
    min_size=1,
    max_size=12,
)


def plain_f1(gold: str, answer: str) -> float:
    g, a = ([word for word in text.split() if word != "the"] for text in (gold, answer))
    if not g or not a:
        return float(g == a)
    common = sum(min(g.count(word), a.count(word)) for word in set(g))
    precision, recall = common / len(a), common / len(g)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def plain_exact(gold: str, answer: str) -> float:
    return float(gold.replace("the", "").split() == answer.replace("the", "").split())


def walk(items: Sequence[Item], compare: Any) -> tuple[float, float]:
    """The best score and its threshold, one question after the other."""
    now = best = float(sum(not golds for golds, _, _ in items))
    threshold = 0.0
    for golds, text, probability in sorted(items, key=lambda item: item[2]):
        if golds:
            usable = [gold for gold in golds if gold != "the"] or [""]
            now += max(compare(gold, text) for gold in usable)
        elif text:
            now -= 1
        if now > best:
            best, threshold = now, probability
    return best / len(items), threshold


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(items=ITEMS)
def test_the_best_threshold_is_that_of_a_plain_walk(items: list[Item]) -> None:
    for name, compare in (("exact", plain_exact), ("f1", plain_f1)):
        best, threshold = walk(items, compare)
        assert value(f"best_{name}", items) == best
        assert value(f"best_{name}_thresh", items) == threshold


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(items=ITEMS, data=st.data())
@pytest.mark.parametrize(
    "name", ["best_exact", "best_f1", "best_exact_thresh", "exact_match", "HasAns_f1", "NoAns_exact"]
)
def test_a_weight_is_a_repetition(name: str, items: list[Item], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(items), max_size=len(items)).filter(any))
    ordered = sorted(items, key=lambda item: item[2])
    repeated = [item for item, weight in zip(ordered, weights, strict=True) for _ in range(weight)]
    assert value(name, ordered, list(map(float, weights))) == pytest.approx(value(name, repeated), abs=1e-9)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(items=ITEMS)
def test_the_best_is_no_less_than_the_score_and_the_two_halves_make_the_whole(items: list[Item]) -> None:
    usual = [(golds, text, min(p, 1.0)) for golds, text, p in items]
    if all(not golds or golds != ["the"] * len(golds) for golds, _, _ in items) and all(
        t != "the" for _, t, _ in items
    ):
        assert value("best_f1", usual) >= value("f1", usual) - 1e-9
    n, has = len(items), sum(bool(golds) for golds, _, _ in items)
    halves = value("HasAns_f1", items) * has + value("NoAns_f1", items) * (n - has)
    assert value("f1", items) == pytest.approx(halves / n, abs=1e-9)


def scores(task: SquadV2, predictions: Sequence[Prediction]) -> dict[str, Score]:
    return {s.metric: s for s in score(task, task.examples(), predictions, resamples=20, seed=0)}


@pytest.fixture
def task(tmp_path: Path) -> SquadV2:
    found = shipped("squad_v2", write(tmp_path))
    assert isinstance(found, SquadV2)
    return found


def test_without_probabilities_the_best_figures_are_absent_and_say_why(task: SquadV2) -> None:
    found = scores(task, [task.ideal(example) for example in task.examples()])
    for name in ("best_f1", "best_exact", "best_f1_thresh", "best_exact_thresh"):
        assert found[name].value is None
        assert found[name].note == "absent: no probabilities of no answer are given"
    assert {found[name].value for name in BY_NAME if "best" not in name} == {1.0}


def test_a_model_that_gives_probabilities_has_the_best_figures(task: SquadV2) -> None:
    texts = {
        "elbe-1": ("Bohemia", 0.1),
        "elbe-2": ("deep", 0.8),
        "po-1": ("652 km", 0.3),
        "po-2": ("unanswerable", 0.9),
    }
    found = scores(task, [Prediction(key, text=text, no_answer=p) for key, (text, p) in texts.items()])
    assert (found["best_exact"].value, found["best_exact_thresh"].value, found["exact_match"].value) == (1.0, 0.3, 0.75)
    assert (found["HasAns_exact"].value, found["NoAns_exact"].value) == (1.0, 0.5)


def test_the_official_figures_have_the_scripts_keys_and_percent(task: SquadV2) -> None:
    found = scores(task, [Prediction("elbe-1", text="Bohemia"), Prediction("elbe-2", text="unanswerable")])
    kept = [example for example in task.examples() if example.id.startswith("elbe")]
    values = {name: s.official for name, s in found.items() if s.official is not None}
    assert json.loads(json.dumps(task.official(values, kept))) == {
        "exact": 100.0, "f1": 100.0, "HasAns_exact": 100.0, "HasAns_f1": 100.0, "NoAns_exact": 100.0, "NoAns_f1": 100.0,
        "total": 2, "HasAns_total": 1, "NoAns_total": 1,
    }  # fmt: skip
