"""What was read of a page: character error rate, and words with and without their order."""

from __future__ import annotations

from collections import Counter

import numpy as np

from bench.metrics.metric import Array, Metric, Row, lacking


def _characters(target: str, answer: str) -> Row:
    """Edits, at most all characters of the reference, and these; white space is left out."""
    from rapidfuzz.distance import Levenshtein

    wanted = "".join(target.split())
    edits = Levenshtein.distance(wanted, "".join(answer.split()))
    return float(min(edits, len(wanted))), float(len(wanted))


def _bag(target: str, answer: str) -> Row:
    """Words that both have, those of the answer and those of the reference; a word said twice counts twice."""
    wanted, said = target.split(), answer.split()
    return float((Counter(wanted) & Counter(said)).total()), float(len(said)), float(len(wanted))


def _in_order(target: str, answer: str) -> Row:
    """The same with the longest sequence of words that both have in the same order, others between them or not."""
    from rapidfuzz.distance import LCSseq

    wanted, said = target.split(), answer.split()
    return float(LCSseq.similarity(wanted, said)), float(len(said)), float(len(wanted))


def _rate(totals: Array, n: Array) -> Array:
    """Edits over characters; 0 where there is nothing to read."""
    return np.asarray(totals[..., 0] / np.where(totals[..., 1] > 0, totals[..., 1], 1.0))


def _f1(totals: Array, n: Array) -> Array:
    """2 hits / (said + wanted); 0 where there is neither."""
    both = totals[..., 1] + totals[..., 2]
    return np.asarray(2 * totals[..., 0] / np.where(both > 0, both, 1.0))


_NO_TEXT = "the pages hold no text"
CER = Metric(
    "cer",
    measure=_characters,
    summarise=_rate,
    worst=lambda target: _characters(target, ""),
    best=lambda target: _characters(target, target),
    higher_is_better=False,
    signature="Levenshtein, case counts, without white space, pooled over pages, at most 1 for each",
    undefined=lacking(_NO_TEXT, 1),
)
WORD_F1 = Metric(
    "word_f1",
    measure=_bag,
    summarise=_f1,
    worst=lambda target: _bag(target, ""),
    best=lambda target: _bag(target, target),
    signature="bag of words between blanks, case counts, pooled over pages",
    undefined=lacking(_NO_TEXT, 2),
)
ORDERED_WORD_F1 = Metric(
    "ordered_word_f1",
    measure=_in_order,
    summarise=_f1,
    worst=lambda target: _in_order(target, ""),
    best=lambda target: _in_order(target, target),
    signature="longest common subsequence of words, case counts, pooled over pages",
    undefined=lacking(_NO_TEXT, 2),
)
PAGE_TEXT = (CER, WORD_F1, ORDERED_WORD_F1)
