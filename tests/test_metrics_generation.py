"""BLEU and chrF against sacrebleu, distinct-n and entropy by hand, and what bounds what."""

from __future__ import annotations

import json
import math
import os
import random
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sacrebleu.metrics import BLEU as SacreBLEU
from sacrebleu.metrics import CHRF as SacreCHRF

from bench.metrics.generation import (
    BLEU,
    CHRF,
    DISTINCT_1,
    DISTINCT_2,
    ENTROPY_4,
    distinct_share,
    shannon_entropy,
    tokens,
)
from bench.metrics.metric import Metric

Corpus = list[tuple[list[str], str]]  # references and answer
METRICS = [pytest.param(BLEU, id="bleu"), pytest.param(CHRF, id="chrf")]
WORDS = ["the", "rate", "is", "5%", "today,", "Fees", "fees", "rise.", "don't", "card", "naïve", "a", "£1,000.50", "&"]


def sentence(draw: random.Random, least: int, most: int) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))


def near(draw: random.Random, reference: str) -> str:
    """The reference with some words gone and some replaced, so that n-grams of all orders match."""
    kept = [word if draw.random() < 0.8 else draw.choice(WORDS) for word in reference.split() if draw.random() < 0.9]
    return " ".join(kept)


def corpora(kind: str) -> Iterator[Corpus]:
    for seed in range(12):
        draw = random.Random(f"{kind}/{seed}")
        found: Corpus = []
        for _ in range(draw.randint(1, 8)):
            n_references = draw.randint(2, 4) if kind == "several references" else 1
            references = [sentence(draw, 1, 14) for _ in range(n_references)]
            answer = near(draw, draw.choice(references))
            if kind == "empty answers" and draw.random() < 0.5:
                answer = ""
            elif kind == "one word":
                references, answer = [draw.choice(WORDS)], draw.choice(WORDS)
            elif kind == "nothing in common":
                answer = "zzz xxx qqq www vvv"[: draw.randint(0, 19)]
            elif kind == "too long":
                answer = f"{references[0]} {answer} {answer}"
            found.append((references, answer))
        yield found


KINDS = ["one reference", "several references", "empty answers", "one word", "nothing in common", "too long"]


@cache
def reference_metric(name: str) -> Any:
    return SacreBLEU() if name == "bleu" else SacreCHRF()


def published(metric: Metric, corpus: Corpus) -> float:
    """sacrebleu's own corpus score, as a fraction; None stands where a sentence has fewer references than another."""
    most = max(len(references) for references, _ in corpus)
    by_position = [[refs[i] if i < len(refs) else None for refs, _ in corpus] for i in range(most)]
    score = reference_metric(metric.name).corpus_score([answer for _, answer in corpus], by_position)
    return float(score.score) / 100


def rows(metric: Metric, corpus: Corpus) -> npt.NDArray[np.float64]:
    return np.array([metric.measure(references, answer) for references, answer in corpus], dtype=np.float64)


def summary(metric: Metric, found: Sequence[Sequence[float]] | npt.NDArray[np.float64]) -> float:
    return float(metric.summarise(np.sum(found, axis=0, dtype=np.float64), np.array(float(len(found)))))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_formula_over_summed_rows_equals_sacrebleus_corpus_score(metric: Metric, kind: str) -> None:
    for corpus in corpora(kind):
        assert summary(metric, rows(metric, corpus)) == pytest.approx(published(metric, corpus), abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_a_weighted_sum_of_rows_is_sacrebleus_score_of_the_resampled_corpus(metric: Metric) -> None:
    draw = np.random.default_rng(5)
    for corpus in corpora("several references"):
        found, n = rows(metric, corpus), len(corpus)
        weights = draw.multinomial(n, np.full(n, 1 / n), size=3)  # [B, n]
        values = metric.summarise(weights @ found, weights.sum(axis=1).astype(np.float64))
        assert values.shape == (3,)
        for value, times in zip(values, weights, strict=True):
            drawn = [pair for pair, k in zip(corpus, times, strict=True) for _ in range(k)]
            assert value == pytest.approx(published(metric, drawn), abs=1e-9)


@pytest.mark.parametrize(("metric", "columns"), [(BLEU, 10), (CHRF, 18)])
def test_a_row_has_one_place_for_each_count_and_its_order_does_not_matter(metric: Metric, columns: int) -> None:
    for corpus in corpora("several references"):
        found = rows(metric, corpus)
        assert found.shape == (len(corpus), columns)
        assert summary(metric, found[::-1]) == summary(metric, found)
        assert metric.summarise(found[None], np.ones((1, len(found)))).shape == (1, len(corpus))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("times", [1, 100_000])
@pytest.mark.filterwarnings("error")
def test_a_corpus_of_empty_answers_is_zero_without_a_warning(metric: Metric, times: int) -> None:
    assert summary(metric, times * np.array([metric.worst(["the rate is 5% today"])])) == 0.0


def test_bleu_by_hand() -> None:
    # Answer "a b c d x" of 5 against "a b c d e f" of 6: precisions 4/5, 3/4, 2/3, 1/2, brevity exp(1 - 6/5).
    assert tuple(BLEU.measure(["a b c d e f"], "a b c d x")) == (5, 6, 4, 3, 2, 1, 5, 4, 3, 2)
    expected = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25 * math.exp(1 - 6 / 5)
    assert summary(BLEU, [BLEU.measure(["a b c d e f"], "a b c d x")]) == pytest.approx(expected, abs=1e-12)


def test_chrf_by_hand() -> None:
    # "ab" against "abc": order 1 finds 2 of 2 and of 3, order 2 finds 1 of 1 and of 2, orders 3 to 6 lack a side.
    # Precision (1 + 1)/2, recall (2/3 + 1/2)/2 = 7/12, F2 = 5·1·7/12 / (4·1 + 7/12) = 35/55.
    assert summary(CHRF, [CHRF.measure(["abc"], "ab")]) == pytest.approx(35 / 55, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_a_string_where_a_list_of_references_is_due_is_refused(metric: Metric) -> None:
    with pytest.raises(TypeError, match="list of strings"):
        metric.measure("the rate is 5%", "the rate")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_one_answer_scores_between_its_worst_and_its_best_row(metric: Metric, kind: str) -> None:
    for corpus in corpora(kind):
        for references, answer in corpus:
            if min(len(tokens(reference)) for reference in references) >= 4:  # BLEU is 0 without any 4-gram
                value = summary(metric, [metric.measure(references, answer)])
                assert summary(metric, [metric.worst(references)]) == 0.0
                assert summary(metric, [metric.best(references)]) == pytest.approx(1.0, abs=1e-12)
                assert 0.0 <= value <= 1.0 + 1e-12


@pytest.mark.parametrize("metric", METRICS)
def test_a_corpus_of_best_rows_is_one_and_of_worst_rows_zero(metric: Metric) -> None:
    for corpus in corpora("several references"):
        best, worst = ([pick(references) for references, _ in corpus] for pick in (metric.best, metric.worst))
        if metric is CHRF or max(len(tokens(max(references, key=len))) for references, _ in corpus) >= 4:
            assert summary(metric, best) == pytest.approx(1.0, abs=1e-12)
        assert summary(metric, worst) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_the_best_row_is_that_of_the_longest_reference_and_the_worst_that_of_an_empty_answer(metric: Metric) -> None:
    for corpus in corpora("several references"):
        for references, _ in corpus:
            longest = sorted(references, key=len)[-1]
            if sum(len(reference) == len(longest) for reference in references) == 1:
                for order in (references, references[::-1]):
                    assert tuple(metric.best(order)) == tuple(metric.measure(references, longest))
            assert tuple(metric.worst(references)) == tuple(metric.measure(references, ""))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("longest_first", [True, False])
def test_the_longest_reference_lifts_a_corpus_more_than_a_short_one(metric: Metric, longest_first: bool) -> None:
    short, longest = "ok sure", "yes we can send the new card to your branch today"
    references = [longest, short] if longest_first else [short, longest]
    rest = metric.measure(["the cat sat on the mat today"], "the dog sat in a hat today")
    lifted = summary(metric, [rest, metric.best(references)])
    assert lifted == summary(metric, [rest, metric.measure(references, longest)])
    assert lifted > summary(metric, [rest, metric.measure(references, short)])


@pytest.mark.parametrize("metric", METRICS)
def test_a_long_wrong_answer_may_cost_a_corpus_more_than_the_worst_row(metric: Metric) -> None:
    # The counts of all answers are pooled, so what is wrong and long also weighs on what is right elsewhere.
    references = ["yes we can send the new card to your branch today"]
    rest = metric.measure(["the cat sat on the mat today"], "the cat sat on the mat today")
    wrong = summary(metric, [rest, metric.measure(references, "x q z w " * 12)])
    assert 0.0 < wrong < summary(metric, [rest, metric.worst(references)]) < summary(metric, [rest])


def test_tokens_are_lower_case_and_split_as_13a_does() -> None:
    assert tokens("Hello, World! It's 1,000.50 (net).") == [
        "hello", ",", "world", "!", "it's", "1,000.50", "(", "net", ")", ".",
    ]  # fmt: skip
    assert tokens(" \t") == []


def total(count: Any, answers: Sequence[str]) -> npt.NDArray[np.float64]:
    """How often each distinct n-gram comes in a corpus of answers."""
    found: Counter[Hashable] = Counter()
    for answer in answers:
        found.update(count(answer))
    return np.fromiter(found.values(), dtype=np.float64, count=len(found))


def test_distinct_share_and_entropy_by_hand() -> None:
    answers = ["a b A", "a c", ""]  # 5 tokens: a three times, b, c; 3 bigrams: a b, b a, a c
    assert distinct_share(total(DISTINCT_1.count, answers)) == pytest.approx(3 / 5)
    assert distinct_share(total(DISTINCT_2.count, answers)) == 1.0
    # -(3/5 ln 3/5 + 2 · 1/5 ln 1/5)
    expected = -(0.6 * math.log(0.6) + 0.4 * math.log(0.2))
    assert shannon_entropy(total(DISTINCT_1.count, answers)) == pytest.approx(expected, abs=1e-12)


def test_ngrams_do_not_cross_from_one_answer_to_the_next() -> None:
    assert DISTINCT_2.count("a b") + DISTINCT_2.count("c d") == Counter([("a", "b"), ("c", "d")])
    assert ENTROPY_4.count("a b c") == Counter()


@pytest.mark.parametrize("metric", [DISTINCT_1, DISTINCT_2, ENTROPY_4])
def test_a_corpus_without_ngrams_is_zero_and_never_nan(metric: Any) -> None:
    assert metric.summarise(total(metric.count, ["", ""])) == 0.0
    assert metric.summarise(np.zeros(3)) == 0.0  # columns whose last n-gram was left out


def test_ngrams_that_are_left_out_do_not_count_as_distinct() -> None:
    assert distinct_share(np.array([2.0, 0.0, 2.0])) == 0.5
    assert shannon_entropy(np.array([2.0, 0.0, 2.0])) == pytest.approx(math.log(2), abs=1e-12)


def test_2208_times_the_same_eight_tokens_has_the_published_entropy_and_diversity() -> None:
    text = "we do not know what that is about"
    words = tokens(text)
    for order, expected in ((1, 8), (2, 7), (3, 6), (4, 5)):
        grams = Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))
        counts = 2208 * np.fromiter(grams.values(), dtype=np.float64)
        assert shannon_entropy(counts) == pytest.approx(math.log(expected), abs=1e-12)
    answers = [text] * 2208
    assert distinct_share(total(DISTINCT_1.count, answers)) == pytest.approx(1 / 2208, abs=1e-15)
    assert distinct_share(total(DISTINCT_2.count, answers)) == pytest.approx(1 / 2208, abs=1e-15)
    assert shannon_entropy(total(ENTROPY_4.count, answers)) == pytest.approx(math.log(5), abs=1e-12)


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[1] / ".." / "shared" / "data")
    if not (folder / "GOLDEN.json").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return folder


def test_the_published_example_of_dstc7_gets_its_published_figures(data: Path) -> None:
    golden = json.loads((data / "GOLDEN.json").read_text(encoding="utf-8"))["dstc7_demo"]
    answers, first, second = (
        (data / "dstc7" / "demo" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for name in ("hyp", "ref0", "ref1")
    )
    entropies = [shannon_entropy(total(metric.count, answers)) for metric in (DISTINCT_1, DISTINCT_2, ENTROPY_4)]
    assert entropies == pytest.approx([golden["entropy"][n - 1] for n in (1, 2, 4)], abs=5e-5)
    shares = [distinct_share(total(metric.count, answers)) for metric in (DISTINCT_1, DISTINCT_2)]
    assert shares == pytest.approx(golden["diversity"], abs=5e-5)
    corpus = [([a, b], answer) for a, b, answer in zip(first, second, answers, strict=True)]
    assert summary(BLEU, rows(BLEU, corpus)) == pytest.approx(golden["bleu"][3], abs=5e-5)
