"""Exact match, token F1 and ANLS: worked by hand, against published scores, and as properties."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.metric import Metric
from bench.metrics.reading import (
    ANLS,
    EXACT_MATCH,
    EXACT_MATCH_V2,
    TOKEN_F1,
    TOKEN_F1_V2,
    anls,
    answerable,
    exact_match,
    normalise,
    token_f1,
    token_f1_v2,
)

METRICS = [EXACT_MATCH, TOKEN_F1, EXACT_MATCH_V2, TOKEN_F1_V2, ANLS]
NAMES = ["exact_match v1", "f1 v1", "exact_match v2", "f1 v2", "anls"]
WORDS = st.lists(st.sampled_from(["the", "rate", "of", "5%", "Loan", "loan", "an", "U.S.", ""]), max_size=6)
TEXTS = st.one_of(st.text(max_size=12), WORDS.map(" ".join))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  U.S. dollar, a currency", "us dollar currency"),
        ("  An\tapple\n", "apple"),
        ("theatre and anthem", "theatre and anthem"),  # articles go as whole words only
        ("a-b", "ab"),  # punctuation goes first and joins: "ab" holds no article
        ("the-rate", "therate"),
        ("The. End", "end"),  # after the full stop is gone "the" is a word of its own
        ("A", ""),
        ("?!.", ""),
        ("€5 – 7 %", "€5 – 7"),  # ASCII punctuation only: the euro sign and the dash stay
        ("“quoted”", "“quoted”"),
        ("ÉCOLE", "école"),
        ("no\u00a0break", "no break"),
        ("", ""),
    ],
)
def test_normalise_lowers_drops_punctuation_then_articles_then_folds_space(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("answer", "target", "expected"),
    [
        ("The Bank.", "bank", 1.0),
        ("1,000", "1000", 1.0),
        ("5 %", "5", 1.0),
        ("-5", "5", 1.0),  # the minus sign is punctuation
        ("five", "5", 0.0),
        ("bank", "banks", 0.0),
        ("", "", 1.0),
        ("the", "", 1.0),
        ("", "bank", 0.0),
    ],
)
def test_exact_match_compares_normalised_strings(answer: str, target: str, expected: float) -> None:
    assert exact_match(answer, target) == expected


@pytest.mark.parametrize(
    ("answer", "target", "expected"),
    [
        ("the cat sat", "cat sat down", 0.8),  # 2 common of 2 found and 3 wanted: 2·2/(2+3)
        ("cat", "cat sat on mat", 0.4),  # 2·1/(1+4)
        ("red red blue", "red blue blue", 2 / 3),  # bags share one red and one blue: 2·2/(3+3)
        ("red red red", "red", 0.5),  # one common of three: 2·1/(3+1)
        ("red", "red red red", 0.5),
        ("blue red", "red blue", 1.0),  # a bag has no order
        ("up", "down", 0.0),
        ("", "down", 0.0),
        ("up", "", 0.0),
    ],
)
def test_token_f1_counts_repeated_tokens(answer: str, target: str, expected: float) -> None:
    assert token_f1(answer, target) == pytest.approx(expected, abs=1e-12)
    assert token_f1_v2(answer, target) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("answer", "target"), [("", ""), ("the", ""), ("a", "an"), (".", "!")])
def test_two_empty_texts_share_nothing_in_squad_1_and_agree_in_squad_2(answer: str, target: str) -> None:
    assert token_f1(answer, target) == 0.0
    assert token_f1_v2(answer, target) == 1.0


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], [""]),
        (["the"], [""]),
        (["", "?"], [""]),
        (["the", "rate"], ["rate"]),
        (["The rate", "rate", ""], ["The rate", "rate"]),  # as they were, not normalised
    ],
)
def test_targets_that_normalise_to_nothing_are_dropped_and_none_left_means_no_answer(
    targets: list[str], expected: list[str]
) -> None:
    assert answerable(targets) == expected


@pytest.mark.parametrize(
    ("answer", "targets", "expected"),
    [
        ("12.4 mln", ["12.4 mn"], 0.875),  # one deletion in 8 characters
        ("ab", ["ac"], 0.5),  # 1 - 1/2 is the threshold itself and is kept
        ("abcd", ["abxy"], 0.5),
        ("abc", ["axy"], 0.0),  # 1 - 2/3 is below it
        ("abcde", ["abxyz"], 0.0),  # 1 - 3/5 = 0.4 is below it
        ("", [""], 1.0),
        (" ", [""], 1.0),  # folded to nothing: no edit in one raw character
        ("x", [""], 0.0),
        ("", ["x"], 0.0),
        ("TOTAL", ["total"], 1.0),
        ("a  b", ["a b"], 1.0),  # white space is folded before the distance
        ("a    b", ["a c"], 1 - 1 / 6),  # one edit over the longer raw string, "a    b" with 6
        ("a c", ["a    b"], 1 - 1 / 6),
        ("a    b", ["c d"], 1 - 2 / 6),  # the folded length 3 would give 1/3, and so 0
        ("abcd", ["zzzz", "abcx", "abxy"], 0.75),  # the nearest of several
        ("the rate", ["rate"], 0.5),  # articles count: 4 edits in 8
        ("5.", ["5"], 0.5),  # so does punctuation
    ],
)
def test_anls_divides_by_the_longer_raw_string_and_keeps_exactly_one_half(
    answer: str, targets: list[str], expected: float
) -> None:
    assert anls(answer, targets) == pytest.approx(expected, abs=1e-12)


def test_anls_has_a_threshold_that_can_be_moved() -> None:
    assert anls("abcd", ["abxy"], threshold=0.51) == 0.0
    assert anls("abc", ["axy"], threshold=0.0) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("metric", "targets", "answer", "expected"),
    [
        (EXACT_MATCH, ["rates", "the rate"], "rate", 1.0),
        (TOKEN_F1, ["cat sat down", "cat"], "cat", 1.0),  # the maximum of 0.5 and 1
        (TOKEN_F1, [""], "", 0.0),
        (EXACT_MATCH_V2, [], "", 1.0),
        (EXACT_MATCH_V2, [], "rate", 0.0),
        (TOKEN_F1_V2, [], "the", 1.0),
        (TOKEN_F1_V2, ["the", "rate"], "", 0.0),  # "the" is no target, so "" is not an answer
        (ANLS, ["rates", "rate"], "rate", 1.0),
    ],
)
def test_a_metric_takes_the_best_of_several_targets(
    metric: Metric, targets: list[str], answer: str, expected: float
) -> None:
    assert metric.measure(targets, answer) == (expected,)


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
@pytest.mark.parametrize("target", ["Paris", "P", ""])
def test_a_string_where_a_list_of_targets_is_due_is_refused(metric: Metric, target: str) -> None:
    with pytest.raises(TypeError, match=f"list of strings, got the string '{target}'"):
        metric.measure(target, "P")


@pytest.mark.parametrize("metric", [EXACT_MATCH, TOKEN_F1, ANLS], ids=["exact_match v1", "f1 v1", "anls"])
def test_no_target_at_all_is_refused_where_every_question_has_an_answer(metric: Metric) -> None:
    with pytest.raises(ValueError, match=r"target|empty"):
        metric.measure([], "rate")


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
@settings(deadline=None, max_examples=60)
@given(answer=TEXTS, targets=st.lists(TEXTS, min_size=1, max_size=4))
def test_a_value_lies_between_its_worst_and_best_row_whatever_the_order_of_targets(
    metric: Metric, answer: str, targets: list[str]
) -> None:
    (value,) = metric.measure(targets, answer)
    assert metric.worst(targets) == (0.0,)
    assert metric.best(targets) == (1.0,)
    assert 0.0 <= value <= 1.0
    assert metric.measure(targets[::-1], answer) == (value,)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
@settings(deadline=None, max_examples=60)
@given(answer=TEXTS.filter(normalise), others=st.lists(TEXTS, max_size=3))
def test_an_answer_that_is_one_of_the_targets_scores_one(metric: Metric, answer: str, others: list[str]) -> None:
    assert metric.measure([*others, answer], answer) == (1.0,)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(answer=TEXTS, target=TEXTS)
def test_f1_is_symmetric_and_no_lower_than_exact_match(answer: str, target: str) -> None:
    assert token_f1_v2(answer, target) == token_f1_v2(target, answer) >= exact_match(answer, target)


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[1] / ".." / "shared" / "data")
    if not (folder / "GOLDEN.json").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return folder


def questions(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The id and the gold texts of every question of an official file."""
    for article in load(path)["data"]:
        for paragraph in article["paragraphs"]:
            for item in paragraph["qas"]:
                yield item["id"], [answer["text"] for answer in item["answers"]]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("system", ["match_lstm", "slqa_plus"])
def test_published_outputs_on_squad_1_get_their_published_scores(data: Path, system: str) -> None:
    golden, said = load(data / "GOLDEN.json")["squad_v1"][system], load(data / f"squad/predictions/{system}-v1.1.json")
    gold = list(questions(data / "squad/dev-v1.1.json"))
    for metric in (EXACT_MATCH, TOKEN_F1):
        # A question without a prediction stays in the denominator and gets the worst row.
        rows = [metric.measure(t, said[i]) if i in said else metric.worst(t) for i, t in gold]
        assert 100 * sum(row[0] for row in rows) / len(rows) == pytest.approx(golden[metric.name], abs=5e-5)


@pytest.mark.parametrize("system", [pytest.param("bert_single", marks=pytest.mark.slow), "bidaf_elmo"])
def test_published_outputs_on_squad_2_get_their_published_scores(data: Path, system: str) -> None:
    golden, said = load(data / "GOLDEN.json")["squad_v2"][system], load(data / f"squad/predictions/{system}-v2.0.json")
    # The official script leaves a question without a prediction out of the denominator; `total` tells of it.
    gold = [(i, targets) for i, targets in questions(data / "squad/dev-v2.0.json") if i in said]
    keep: dict[str, Callable[[list[str]], bool]] = {"": lambda _: True, "HasAns_": bool, "NoAns_": lambda t: not t}
    for prefix, kept in keep.items():
        part = [(i, targets) for i, targets in gold if kept(targets)]
        assert len(part) == golden[f"{prefix}total"]
        for metric, name in ((EXACT_MATCH_V2, "exact"), (TOKEN_F1_V2, "f1")):
            value = 100 * sum(metric.measure(targets, said[i])[0] for i, targets in part) / len(part)
            assert value == pytest.approx(golden[f"{prefix}{name}"], abs=5e-5)


@pytest.mark.parametrize("system", ["llama_vision", "qwen2_vl_2b_instruct", "qwen2_vl_7b_instruct"])
def test_published_outputs_on_docvqa_get_their_published_anls(data: Path, system: str) -> None:
    golden, said = load(data / "GOLDEN.json")["docvqa"][system], load(data / f"docvqa/outputs/{system}.json")
    rows = [ANLS.measure(item["ground_truth"], item["predicted_answer"]) for item in said]
    assert len(rows) == golden["n"]
    assert sum(row[0] for row in rows) / len(rows) == pytest.approx(golden["anls"], abs=5e-7)
