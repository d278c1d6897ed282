"""Scores of submitted answers and of metrics that are no plain sum over the examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from test_scoring import FAILED, SAID, Fake, scores

from bench.metrics.generation import DISTINCT_1
from bench.metrics.metric import CorpusMetric, Metric, RankedMetric
from bench.metrics.reading import EXACT_MATCH
from bench.types import Json, Prediction


class Left(Fake):
    """A task whose official script leaves missing predictions out."""

    missing_left_out = True


def test_a_submitted_answer_is_not_parsed() -> None:
    class Loud(Fake):
        def answer(self, prediction: Prediction) -> Json:
            raise AssertionError("an answer is final")

    assert scores(Loud(), [Prediction(f"q{i}", answer="red") for i in range(1, 9)])["exact_match"].value == 1 / 8


def test_where_the_official_script_leaves_missing_predictions_out_its_value_stands_beside_ours() -> None:
    found = scores(Left(), SAID[:5])["exact_match"]  # q1, q4 and q5 of five are right
    assert (found.value, found.official, found.n, found.n_failed) == (3 / 8, 3 / 5, 8, 3)
    assert scores(Fake(), SAID[:5])["exact_match"].official is None
    assert scores(Left(), SAID)["exact_match"].official is None  # nothing is missing


def test_a_failed_prediction_is_no_missing_one() -> None:
    found = scores(Left(), [*SAID[:5], Prediction("q6", error="malformed: found 7")])["exact_match"]
    assert (found.value, found.official, found.n_failed) == (3 / 8, 3 / 6, 3)


def test_nothing_but_missing_predictions_has_no_official_value() -> None:
    found = scores(Left(), [])["exact_match"]
    assert (found.value, found.official) == (0.0, None)


MIDDLE = RankedMetric(  # the weighted median length of the answers, lower half
    "median_length",
    measure=lambda target, answer: (float(len(answer)),),
    summarise=lambda rows, weights: np.array(
        [sorted(np.repeat(rows[:, 0], w.astype(int)))[int(w.sum() - 1) // 2] for w in weights]
    ),
    best=lambda target: (float(len(target[0])),),
    is_fraction=False,
)


class Ranked(Fake):
    metrics = (MIDDLE,)


def test_a_metric_of_the_order_of_examples_has_its_value_bounds_and_an_interval_of_whole_clusters() -> None:
    found = scores(Ranked(), SAID)["median_length"]  # lengths 3, 6, 4, 5, 5, 6, 9, 5
    assert (found.value, found.worst, found.best) == (5.0, None, None)
    assert found.note == "bootstrap over 6 clusters, 50 resamples"
    assert found.low is not None
    assert found.high is not None
    assert 3.0 <= found.low <= 5.0 <= found.high <= 9.0
    failed = scores(Ranked(), [Prediction("q1", text="red"), *(Prediction(f"q{i}", error="x") for i in range(2, 9))])
    lengths = failed["median_length"]  # worst 3 and seven 0; best 3 5 8 5 5 4 4 5
    assert (lengths.value, lengths.worst, lengths.best, lengths.n_failed) == (0.0, 0.0, 5.0, 7)


def test_a_metric_of_the_order_in_one_value_has_no_interval_and_says_why() -> None:
    found = scores(Ranked(), [Prediction(f"q{i}", text="four") for i in range(1, 9)])["median_length"]
    assert (found.low, found.value, found.high) == (None, 4.0, None)
    assert found.note.startswith("no interval: the value is the same in ")


def test_a_metric_that_depends_on_all_targets_is_fitted_to_them_once() -> None:
    asked: list[Sequence[Json]] = []

    def fit(targets: Sequence[Json]) -> Metric:
        asked.append(targets)
        return replace(EXACT_MATCH, name="fitted", measure=lambda target, answer: (float(len(targets)),))

    class Fitted(Fake):
        metrics = (replace(EXACT_MATCH, fit=fit),)

    assert scores(Fitted(), SAID)["fitted"].value == 8.0
    assert asked == [[example.target for example in Fake().examples()]]


@pytest.mark.parametrize("metric", [EXACT_MATCH, MIDDLE, DISTINCT_1], ids=["rows", "ranked", "corpus"])
def test_a_metric_that_cannot_be_had_has_no_value_and_says_why(metric: Metric | RankedMetric | CorpusMetric) -> None:
    class Absent(Fake):
        metrics = (replace(metric, absent=lambda answers: f"{len(answers)} answers are not enough"),)

    (found,) = scores(Absent(), [*SAID[:-1], FAILED]).values()
    assert (found.value, found.low, found.worst, found.n_failed) == (None, None, None, 1)
    assert found.note == "absent: 7 answers are not enough"
