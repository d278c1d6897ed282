"""From predictions to scores: what is counted, what is refused, and what a failure costs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from bench.errors import BenchError
from bench.metrics.concordance import ccc
from bench.metrics.generation import BLEU, CHRF, DISTINCT_1, ENTROPY_4
from bench.metrics.metric import CorpusMetric, Metric
from bench.metrics.reading import EXACT_MATCH, EXACT_MATCH_V2, TOKEN_F1
from bench.record import Score
from bench.scoring.measure import score
from bench.task import Task
from bench.types import Example, Generate, Json, Prediction, Request


class Fake(Task):
    """Answers in lower case; "nothing" means that there is no answer."""

    name, version, output = "fake", 1, Generate
    metrics: ClassVar[tuple[Metric | CorpusMetric, ...]] = (EXACT_MATCH, TOKEN_F1)

    def examples(self) -> Sequence[Example]:
        return [
            Example("q1", {}, ["red"], "a"),
            Example("q2", {}, ["green"], "a"),
            Example("q3", {}, ["blue sky"], "b"),
            Example("q4", {}, ["white"], "c"),
            Example("q5", {}, ["black"], "d"),
            Example("q6", {}, ["grey"], "d"),
            Example("q7", {}, ["pink"], "e"),
            Example("q8", {}, ["brown"], "f"),
        ]

    def request(self, example: Example) -> Request:
        return Request(example.id, (), Generate(4))

    def answer(self, prediction: Prediction) -> Json:
        assert prediction.error is None, "a failed prediction has no answer"
        return prediction.values or (prediction.text or "").lower()

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, text=example.target[0])


class Corpus(Fake):
    metrics = (DISTINCT_1, ENTROPY_4)


class Mixed(Fake):
    metrics = (TOKEN_F1, CHRF, BLEU, DISTINCT_1)


class Mood(Fake):
    metrics = (ccc("valence", -1.0, 1.0),)

    def examples(self) -> Sequence[Example]:
        return [Example(f"q{i}", {}, {"valence": v}, f"c{i}") for i, v in enumerate(VALENCES)]


VALENCES = [-0.5, 0.0, 0.5, -0.25, 0.25, 0.75]
SAID = [
    Prediction("q1", text="RED"),
    Prediction("q2", text="yellow"),
    Prediction("q3", text="blue"),
    Prediction("q4", text="white"),
    Prediction("q5", text="Black"),
    Prediction("q6", text="silver"),
    Prediction("q7", text="dark pink"),
    Prediction("q8", text="brown"),
]
FAILED = Prediction("q8", error="RuntimeError: out of memory")


def scores(task: Task, predictions: Sequence[Prediction], **settings: int) -> dict[str, Score]:
    chosen = {"resamples": 50, "seed": 0} | settings
    return {s.metric: s for s in score(task, task.examples(), predictions, **chosen)}


def test_every_metric_of_the_task_has_its_value_in_the_tasks_order() -> None:
    found = scores(Fake(), SAID)
    assert list(found) == ["exact_match", "f1"]
    assert found["exact_match"].value == 0.5  # q1, q4, q5 and q8 of eight
    # One word of two is right in q3, 2·1/(1+2), and one too many was said in q7, 2·1/(2+1).
    assert found["f1"].value == pytest.approx((1 + 0 + 2 / 3 + 1 + 1 + 0 + 2 / 3 + 1) / 8)
    assert {(s.n, s.n_failed, s.worst, s.best) for s in found.values()} == {(8, 0, None, None)}
    assert found["f1"].signature == TOKEN_F1.signature


def test_the_interval_holds_the_value_and_names_its_clusters() -> None:
    found = scores(Fake(), SAID, resamples=200)["f1"]
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low < found.value < found.high <= 1.0
    assert found.note == "bootstrap over 6 clusters, 200 resamples"


@pytest.mark.parametrize("task", [Fake(), Mixed(), Corpus()], ids=["reading", "mixed", "corpus"])
@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_predictions_does_not_matter(task: Task, seed: int) -> None:
    shuffled = random.Random(seed).sample(SAID, k=len(SAID))
    assert scores(task, shuffled) == scores(task, SAID)


def test_predictions_may_come_from_a_stream() -> None:
    task = Fake()
    streamed = score(task, task.examples(), (p for p in SAID), resamples=50, seed=0)
    assert {s.metric: s for s in streamed} == scores(task, SAID)


@pytest.mark.parametrize("task", [Fake(), Mixed(), Corpus()], ids=["reading", "mixed", "corpus"])
def test_a_missing_prediction_counts_as_failed(task: Task) -> None:
    missing = scores(task, SAID[:-1])
    assert missing == scores(task, [*SAID[:-1], FAILED])
    assert {s.n_failed for s in missing.values()} == {1}
    assert {s.n for s in missing.values()} == {8}


@pytest.mark.parametrize(
    ("extra", "found"),
    [
        (Prediction("q0", text="red"), "'q0' is not in the data"),
        (Prediction("Q1", text="red"), "'Q1' is not in the data"),
        (Prediction("q1", text="red"), "'q1' comes twice"),
        (Prediction("q1", error="again"), "'q1' comes twice"),
        (Prediction("q9", error="unknown and failed"), "'q9' is not in the data"),
    ],
)
def test_an_unknown_or_repeated_id_is_refused(extra: Prediction, found: str) -> None:
    with pytest.raises(BenchError, match=f"task 'fake': .*{found}; run again"):
        scores(Fake(), [*SAID, extra])


def test_a_failed_example_counts_as_wrong_and_the_best_case_stands_beside_it() -> None:
    found = scores(Fake(), [*SAID[:-1], FAILED])
    exact = found["exact_match"]
    # Right are q1, q4 and q5; q8 would be the fourth.
    assert (exact.value, exact.worst, exact.best, exact.n_failed) == (3 / 8, 3 / 8, 4 / 8, 1)
    assert found["f1"].value == found["f1"].worst == pytest.approx((1 + 0 + 2 / 3 + 1 + 1 + 0 + 2 / 3 + 0) / 8)
    assert found["f1"].best == pytest.approx((1 + 0 + 2 / 3 + 1 + 1 + 0 + 2 / 3 + 1) / 8)


def test_a_run_in_which_everything_failed_is_zero_at_worst_and_one_at_best() -> None:
    for found in scores(Fake(), []).values():
        assert (found.value, found.worst, found.best, found.n_failed) == (0.0, 0.0, 1.0, 8)


def test_a_failed_number_counts_as_the_far_end_of_its_scale() -> None:
    said = [Prediction(f"q{i}", values={"valence": v}) for i, v in enumerate(VALENCES[:-1])]
    found = scores(Mood(), said)["ccc_valence"]
    far = scores(Mood(), [*said, Prediction("q5", values={"valence": -1.0})])["ccc_valence"]
    assert found.low is not None
    assert (found.value, found.low, found.high) == (far.value, far.low, far.high)
    assert found.best == pytest.approx(1.0)
    assert far.best is None


def test_an_empty_answer_is_an_answer_and_no_failure() -> None:
    class MayBeEmpty(Fake):
        metrics = (EXACT_MATCH_V2,)

        def examples(self) -> Sequence[Example]:
            return [replace(e, target=[] if e.id == "q1" else e.target) for e in super().examples()]

    found = scores(MayBeEmpty(), [Prediction(f"q{i}", text="") for i in range(1, 9)])["exact_match"]
    assert (found.value, found.n_failed) == (1 / 8, 0)


def test_an_answer_of_none_is_the_tasks_own_word_and_no_failure() -> None:
    class Silent(Fake):
        metrics = (replace(EXACT_MATCH, measure=lambda target, answer: (float(answer is None),)),)

        def answer(self, prediction: Prediction) -> Json:
            return None

    found = scores(Silent(), SAID)["exact_match"]
    assert (found.value, found.n_failed) == (1.0, 0)


@pytest.mark.parametrize("task", [Fake, Corpus], ids=["bootstrap", "jackknife"])
@pytest.mark.parametrize("clusters", range(1, 6))
def test_fewer_than_six_clusters_have_a_value_but_no_interval_and_say_so(
    task: Callable[[], Task], clusters: int
) -> None:
    examples = [replace(e, cluster=f"c{i % clusters}") for i, e in enumerate(task().examples())]
    whole = scores(task(), SAID)
    for found in score(task(), examples, SAID, resamples=50, seed=0):
        assert (found.low, found.high) == (None, None)
        assert found.note == f"no interval: clusters {clusters}, needed 6"
        assert found.value == pytest.approx(whole[found.metric].value)
        assert found.n == 8


def test_a_failure_is_bounded_where_there_are_too_few_clusters_for_an_interval() -> None:
    examples = [replace(example, cluster="only") for example in Fake().examples()]
    exact = score(Fake(), examples, [*SAID[:-1], FAILED], resamples=50, seed=0)[0]
    assert (exact.value, exact.worst, exact.best, exact.low, exact.high) == (3 / 8, 3 / 8, 4 / 8, None, None)


@pytest.mark.parametrize("task", [Fake, Corpus], ids=["bootstrap", "jackknife"])
def test_six_clusters_have_an_interval(task: Callable[[], Task]) -> None:
    texts = ("red", "a b c d e", "blue sky a b c d", "white", "b c d e a", "grey", "a b c d e", "x y z w v u")
    said = [Prediction(f"q{i}", text=text) for i, text in enumerate(texts, start=1)]
    for found in scores(task(), said).values():
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.value <= found.high
        assert "over 6 clusters" in found.note


def test_the_interval_depends_on_the_seed_and_the_value_does_not() -> None:
    task = Fake()
    examples = [Example(f"q{i}", {}, ["red"], f"c{i}") for i in range(30)]
    said = [Prediction(f"q{i}", text="red" if i % 3 else f"dark {'very ' * i} red") for i in range(30)]
    one, same, other = (score(task, examples, said, resamples=60, seed=seed)[1] for seed in (1, 1, 2))
    assert one == same
    assert one.value == other.value
    assert (one.low, one.high) != (other.low, other.high)


def test_a_corpus_metric_counts_over_all_answers_and_skips_failures() -> None:
    texts = ["a b", "a a", "c", "d", "d", "b", "a c"]
    said = [Prediction(f"q{i}", text=text) for i, text in enumerate(texts, start=1)]
    found = scores(Corpus(), [*said, FAILED])["distinct_1"]
    assert found.value == pytest.approx(4 / 10)  # a four times, b, c and d twice
    assert (found.n, found.n_failed) == (8, 1)
    assert found.note == "jackknife over 6 clusters"
    assert found.low is not None
    empty = scores(Corpus(), [*said, Prediction("q8", text="")])["distinct_1"]
    assert (empty.value, empty.low, empty.high) == (found.value, found.low, found.high)
    assert empty.n_failed == 0


def test_a_corpus_metric_of_failures_alone_is_zero_and_never_nan() -> None:
    for found in scores(Corpus(), []).values():
        assert (found.value, found.low, found.high, found.n_failed) == (0.0, None, None, 8)
        assert found.note.startswith("no interval: the value is the same whichever of 6 clusters is left out")


@pytest.mark.parametrize("task", [Fake(), Mixed()], ids=["reading", "mixed"])
def test_saying_the_target_scores_one(task: Task) -> None:
    examples = [Example(f"q{i}", {}, ["the new card costs 5 euros a year"], f"c{i}") for i in range(6)]
    found = score(task, examples, [task.ideal(example) for example in examples], resamples=50, seed=0)
    for value in found:
        if value.metric != "distinct_1":
            assert value.value == pytest.approx(1.0, abs=1e-12)
            if value.note.startswith("exact: all 6 clusters"):  # 0.025^(1/6), as Clopper and Pearson have it for 6 of 6
                assert (value.low, value.high) == pytest.approx((0.025 ** (1 / 6), 1.0))
            else:
                assert (value.low, value.high, value.note[:25]) == (None, None, "no interval: the value is")
