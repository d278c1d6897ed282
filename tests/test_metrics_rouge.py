"""ROUGE: hand-worked values, and that it is the library's to the last digit whatever is kept of texts that come again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.rouge import KINDS, rouge

WORDS = st.lists(
    st.sampled_from("profits rising rose the of running runs 12 % a\n \n bank's Ünder ß".split(" ")), max_size=25
).map(" ".join)


@pytest.mark.parametrize(
    ("kind", "target", "answer", "due"),
    [
        ("rouge1", "profits rose", "the profit rose", 2 * (2 / 3) * 1 / (2 / 3 + 1)),  # profits and profit have one stem
        ("rouge2", "a b c", "a b d", 0.5),  # one pair of two
        ("rougeL", "a b c d", "a c b d", 0.75),  # a c d of four each
        ("rougeLsum", "a b\nc d", "c d\na b", 1.0),  # line by line all is there
        ("rougeL", "a b\nc d", "c d\na b", 0.5),
        ("rougeL", "", "a", 0.0), ("rouge1", "a", "", 0.0), ("rougeL", "…", "…", 0.0),
    ],
)  # fmt: skip
def test_rouge_of_a_pair_that_can_be_worked_out(kind: str, target: str, answer: str, due: float) -> None:
    assert rouge(kind).measure(target, answer)[0] == pytest.approx(due, abs=1e-15)


@pytest.mark.slow
@given(WORDS | st.text(max_size=60), WORDS | st.text(max_size=60))
def test_rouge_is_the_librarys_whatever_the_texts(target: str, answer: str) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    due = RougeScorer(list(KINDS), use_stemmer=True).score(target, answer)
    for kind in KINDS:
        assert rouge(kind).measure(target, answer) == (due[kind].fmeasure,)
