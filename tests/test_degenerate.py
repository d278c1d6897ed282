"""Scores of degenerate data: undefined with the reason where the references say nothing, and never sure of what did not vary."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.commands.shared.gathered import _reasons
from bench.commands.shared.output import _uncommon
from bench.errors import BenchError
from bench.leaderboard.board import Row
from bench.metrics import evaluate_module
from bench.metrics.binary import roc_auc
from bench.metrics.classification import averaged
from bench.metrics.concordance import ccc, ccc_per_video, mse, pearson
from bench.metrics.contrast import same_answer
from bench.metrics.dialogues import whole_dialogues
from bench.metrics.entities import ENTITIES
from bench.metrics.generation import BLEU, CHRF, DISTINCT_1
from bench.metrics.metric import AnyMetric, Metric, RankedMetric
from bench.metrics.page_text import PAGE_TEXT
from bench.metrics.reading import EXACT_MATCH, SQUAD_V2
from bench.metrics.speech import WER
from bench.metrics.table_cells import CELL_F1
from bench.record import Score
from bench.runs.measurements import Measurements
from bench.scoring.bounds import of_corpus, of_rows
from bench.site.scores import by_slice
from bench.stats.intervals import alike_interval
from bench.stats.paired import difference
from bench.stats.ranks import by_clusters

SCALE = {"valence": 0.5}
NAMES = [f"c{i}" for i in range(20)]


def rows(metric: Metric | RankedMetric, targets: list[Any], answers: list[Any]) -> Any:
    return np.array([metric.measure(t, a) for t, a in zip(targets, answers, strict=True)], dtype=np.float64)


NOTHING: list[tuple[Any, Any, Any, str]] = [  # metric, a target that says nothing of it, an answer, the reason
    (ccc("valence", 0, 1), SCALE, {"valence": 0.9}, "the references are all the same"),
    (pearson("valence", 0, 1), SCALE, SCALE, "the references are all the same"),
    (ccc_per_video("valence", 0, 1), SCALE | {"video": 0}, SCALE, "the same within each video"),
    (roc_auc("bad", ("good", "bad")), "good", {"label": "bad", "confidence": 0.9}, "no example is 'bad'"),
    (SQUAD_V2[2], [], {"text": "x", "no_answer": None}, "no question has an answer"),
    (SQUAD_V2[4], ["x"], {"text": "x", "no_answer": None}, "every question has an answer"),
    (PAGE_TEXT[0], "", "", "the pages hold no text"),
    (PAGE_TEXT[1], " ", "word", "the pages hold no text"),
    (WER, [], "well", "the references hold no such word"),
    (BLEU, [""], "well", "the references hold no word"),
    (CHRF, [""], "", "the references hold no word"),
    (CELL_F1, [[""]], [["x"]], "no cell with a text"),
    (ENTITIES[0], [{"name": "n", "kind": "text", "texts": []}], {"n": "x"}, "these pages have no value to find"),
]


@pytest.mark.parametrize(("metric", "target", "answer", "reason"), NOTHING, ids=[one[0].name for one in NOTHING])
def test_of_what_the_references_do_not_hold_there_is_no_score_but_a_reason(
    metric: Any, target: Any, answer: Any, reason: str
) -> None:
    assert reason in metric.undefined(rows(metric, [target] * 3, [answer] * 3))
    assert reason in metric.undefined(np.array([metric.worst(target)] * 3))  # failures make no other
    assert reason in metric.undefined(np.array([metric.best(target)] * 3))
    with pytest.raises(BenchError, match="is undefined: "):
        evaluate_module.value(metric, [target] * 3, [answer] * 3)


def test_a_squared_error_and_a_mean_are_defined_on_anything() -> None:
    for metric in (mse("valence", 0, 1), EXACT_MATCH, averaged("f1", ("a", "b"))):
        assert metric.undefined(np.zeros((1, 6))) == ""
    assert same_answer().absent([]) == "no example has an answer"  # 0 would be the best there is


def test_a_module_leaves_out_what_is_undefined_and_says_so_where_nothing_is_left() -> None:
    found = evaluate_module._defined(SQUAD_V2[:6], [["a"]], [{"text": "a", "no_answer": None}])
    assert found == {"f1": 1.0, "exact_match": 1.0, "HasAns_f1": 1.0, "HasAns_exact": 1.0}
    with pytest.raises(BenchError, match="none of NoAns_f1, NoAns_exact is defined"):
        evaluate_module._defined(SQUAD_V2[4:6], [["a"]], [{"text": "a", "no_answer": None}])


@pytest.mark.parametrize("k", [0, 20])
def test_all_wrong_and_all_right_have_the_exact_interval_of_scipy(k: int) -> None:
    from scipy.stats import binomtest

    theirs = binomtest(k, 20).proportion_ci(0.95, method="exact")
    found = of_rows(EXACT_MATCH, np.full((20, 1), k / 20), NAMES, resamples=100, seed=0)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.note == "exact: all 20 clusters have the same value, which others need not have"


def test_a_few_large_clusters_count_for_fewer_than_they_are() -> None:
    even, uneven = alike_interval(1.0, np.ones(10)), alike_interval(1.0, np.array([91.0] + [1.0] * 9))
    assert uneven[0] < even[0] < uneven[1] == even[1] == 1.0


def test_a_metric_that_is_no_mean_has_no_interval_where_nothing_varies() -> None:
    f1 = averaged("f1", ("a", "b"))
    found = of_rows(f1, rows(f1, ["a", "b"] * 10, [{"label": one} for one in "ab" * 10]), NAMES, resamples=100, seed=0)
    assert (found.low, found.high) == (None, None)
    assert found.note.startswith("no interval: the value is the same whichever of 20 clusters is left out")


def test_no_resamples_are_no_lack_of_clusters() -> None:
    found = of_rows(EXACT_MATCH, np.ones((20, 1)), NAMES, resamples=0, seed=0)
    assert found.note == "no interval: no resamples were asked for"


def test_an_interval_holds_its_value_where_draws_leave_it_outside() -> None:
    drawn = RankedMetric(  # of all examples 1; a draw of 20 with replacement has about 64 % of them
        "drawn", measure=lambda target, answer: (1.0,), summarise=lambda rows, weights: (weights > 0).mean(axis=1)
    )
    found = of_rows(drawn, np.ones((20, 1)), NAMES, resamples=200, seed=0)
    assert found.low is not None
    assert found.low < 0.7
    assert found.high == 1.0
    assert found.note.endswith("widened to hold the value")


def test_the_bounds_of_a_share_of_words_are_shares() -> None:
    groups = [DISTINCT_1.count(text) for text in ("a a a a a a", "b", "c", "d", "e", "f f")]
    found = of_corpus(DISTINCT_1, groups, resamples=100)
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low < found.high <= 1.0


def test_one_right_dialogue_and_one_wrong_can_be_compared() -> None:
    metric = whole_dialogues("whole", lambda target, answer: float(answer == target["right"]))
    targets = [{"dialogue": f"d{i // 2}", "right": "x"} for i in range(16)]
    right, wrong = (rows(metric, targets, [said] * 16) for said in "xy")
    found = difference(metric, wrong, right, [one["dialogue"] for one in targets])
    assert (found.value, found.p) == (1.0, 2 / 2**8)
    assert found.note.startswith("no interval: the difference is the same in every draw")
    assert metric.summarise(right, np.ones((1, 16)))[0] == 1.0


@pytest.mark.parametrize(("g", "sure"), [(6, False), (7, True)])
def test_clusters_that_all_say_the_same_rank_no_surer_than_so_many_coins(g: int, sure: bool) -> None:
    sums = np.stack([np.ones((g, 1)), np.zeros((g, 1)), np.zeros((g, 1))])
    found = by_clusters(sums, np.ones(g), EXACT_MATCH.summarise)
    assert found is not None
    assert bool(found.better[0, 1]) is sure  # 2^-6 is not below 5 % of six ordered pairs, 2^-7 is
    assert list(found.low) == [1, 1 + sure, 1 + sure]
    assert not found.better[1, 2]


def test_a_slice_without_what_is_measured_says_so() -> None:
    metric = roc_auc("bad", ("good", "bad"))
    table = rows(metric, ["bad", "good", "good"], [{"label": "bad", "confidence": p} for p in (0.9, 0.2, 0.3)])
    slices = {"kind": ("one", "one", "other")}
    measured = Measurements(("a", "b", "c"), ("",) * 3, ("a", "b", "c"), frozenset(), {metric.name: table}, slices)
    one, other = by_slice(metric, measured)
    assert (one.score, other.score) == (1.0, None)
    assert other.note == "undefined: no example is 'bad', a ranking takes both labels"


def test_the_reasons_reach_the_terminal_and_the_board(run_record: Any) -> None:
    few, exact = (
        "no interval: clusters 1, needed 6",
        "exact: all 7 clusters have the same value, which others need not have",
    )
    scores = (Score("a", 1.0, None, None, 1, 0, note=few), Score("b", 1.0, 0.5, 1.0, 1, 0, note=exact),
              Score("c", 0.5, 0.4, 0.6, 1, 0, note="bootstrap over 9 clusters, 2000 resamples"))  # fmt: skip
    run = replace(run_record("one"), scores=scores)
    assert list(_uncommon(run)) == [f"a: {few}", f"b: {exact}"]
    assert list(_uncommon(replace(run, scores=scores[:1] * 2))) == [few]
    board = [
        Row(None, run, score) for score in (*scores, Score("d", None, None, None, 1, 0, note="undefined: no word"))
    ]
    assert _reasons(board) == [
        "No interval of one: clusters 1, needed 6.", f"Interval of one: {exact}.", "No score of one: undefined: no word.",
    ]  # fmt: skip
    assert _reasons(board[:1]) == ["No interval: clusters 1, needed 6."]


@pytest.mark.slow
def test_metrics_that_are_defined_on_anything_keep_their_digest() -> None:
    from bench.scoring import source

    def of(metric: AnyMetric) -> Any:
        return source._of_metric(metric, source._Modules(frozenset())).found

    plain = of(EXACT_MATCH)
    assert not any("undefined" in name or ":defined" in name for name in plain)
    assert of(replace(EXACT_MATCH, undefined=lambda rows: "never")) != plain
    assert math.isfinite(len(plain))
