"""Generated text against references (BLEU, chrF) and as a corpus of its own (distinct-n, entropy).

BLEU's and chrF's counts per sentence come from sacrebleu; the formulas over summed counts stand here in vectorised form
so that a bootstrap needs no loop, and a test holds them against sacrebleu's own corpus scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np

from bench.metrics.metric import Array, CorpusMetric, Metric, Row, lacking

_CHRF_ORDERS = 6
NO_REFERENCE = "the references hold no word"


@cache
def _sacrebleu(name: str) -> Any:
    from sacrebleu.metrics import BLEU, CHRF

    return BLEU() if name == "bleu" else CHRF()


def _counts(name: str, references: Sequence[str], answer: str) -> Row:
    if isinstance(references, str):
        raise TypeError(f"references must be a list of strings, got the string {references!r}")
    # One list per reference position, each with this single sentence: sacrebleu's shape for a corpus of one.
    (row,) = _sacrebleu(name)._extract_corpus_statistics([answer], [[reference] for reference in references])
    return tuple(row)


def bleu_from_counts(totals: Array, n: Array) -> Array:
    """Corpus BLEU in [0, 1] from sums of (answer length, reference length, matches 1..4, n-grams 1..4): [..., 10] -> [...].

    Exponential smoothing of orders without a match and the brevity penalty as sacrebleu computes them.
    Source: Papineni et al. 2002 (ACL); Post 2018, "A Call for Clarity in Reporting BLEU Scores" (WMT).
    """
    length, reference_length = totals[..., 0], totals[..., 1]
    matches, ngrams = totals[..., 2:6], totals[..., 6:10]
    zero = (matches == 0) & (ngrams > 0)
    smoothed = 1.0 / (2.0 ** np.cumsum(zero, axis=-1) * np.where(ngrams > 0, ngrams, 1.0))
    precision = np.where(zero, smoothed, matches / np.where(ngrams > 0, ngrams, 1.0))
    with np.errstate(divide="ignore"):
        geometric = np.exp(np.log(precision).mean(axis=-1))
        brevity = np.exp(np.minimum(0.0, 1 - reference_length / np.maximum(length, 1e-9)))
    # sacrebleu: no unigram match anywhere, or an order without any n-gram, is 0, smoothing or not.
    dead = (matches.sum(axis=-1) == 0) | (ngrams == 0).any(axis=-1)
    return np.where(dead, 0.0, geometric * brevity)


def chrf_from_counts(totals: Array, n: Array, beta: float = 2.0) -> Array:
    """Corpus chrF2 in [0, 1] from sums of (answer, reference, matching n-grams) for orders 1..6: [..., 18] -> [...].

    F-score of the precision and of the recall that are averaged over the orders which both sides have.
    Source: Popović 2015 (WMT), as sacrebleu computes it.
    """
    by_order = totals.reshape(*totals.shape[:-1], _CHRF_ORDERS, 3)
    answer, reference, match = by_order[..., 0], by_order[..., 1], by_order[..., 2]
    both = (answer > 0) & (reference > 0)
    orders = np.maximum(both.sum(axis=-1), 1)
    precision = (match / np.where(both, answer, np.inf)).sum(axis=-1) / orders
    recall = (match / np.where(both, reference, np.inf)).sum(axis=-1) / orders
    below = beta**2 * precision + recall
    return np.asarray((1 + beta**2) * precision * recall / np.where(below > 0, below, 1.0))


def tokens(text: str) -> list[str]:
    """Lower-cased tokens of sacrebleu's 13a tokeniser (the one its BLEU uses)."""
    return list(_sacrebleu("bleu").tokenizer(text.lower()).split())


def _ngrams(order: int) -> Any:
    def count(answer: str) -> Counter[Hashable]:
        words = tokens(answer)
        return Counter(zip(*(words[start:] for start in range(order)), strict=False))

    return count


def distinct_share(counts: Array) -> float:
    """Distinct over total n-grams, in [0, 1]; 0 for no n-gram. Source: Li et al. 2016 (NAACL)."""
    total = counts.sum()
    return float((counts > 0).sum() / total) if total else 0.0


def shannon_entropy(counts: Array) -> float:
    """-sum p ln p over the n-grams, in nats. Source: Zhang et al. 2018 (NeurIPS), DSTC7's entropy-n."""
    found = counts[counts > 0]
    if not found.size:
        return 0.0
    share = found / found.sum()
    return float(abs((share * np.log(share)).sum()))  # abs: one n-gram alone would give -0.0


_SACREBLEU = f"sacrebleu {version('sacrebleu')}"
BLEU = Metric(
    "bleu",
    measure=lambda references, answer: _counts("bleu", references, answer),
    summarise=bleu_from_counts,
    worst=lambda references: _counts("bleu", references, ""),
    best=lambda references: _counts("bleu", references, max(references, key=len)),
    signature=f"{_SACREBLEU} 13a exp",
    undefined=lacking(NO_REFERENCE, 1),
)
CHRF = Metric(
    "chrf",
    measure=lambda references, answer: _counts("chrf", references, answer),
    summarise=chrf_from_counts,
    worst=lambda references: _counts("chrf", references, ""),
    best=lambda references: _counts("chrf", references, max(references, key=len)),
    signature=f"{_SACREBLEU} chrF2",
    undefined=lacking(NO_REFERENCE, slice(1, None, 3)),
)
DISTINCT_1 = CorpusMetric("distinct_1", count=_ngrams(1), summarise=distinct_share, signature="13a, lower case")
DISTINCT_2 = CorpusMetric("distinct_2", count=_ngrams(2), summarise=distinct_share, signature="13a, lower case")
ENTROPY_4 = CorpusMetric(
    "entropy_4", count=_ngrams(4), summarise=shannon_entropy, is_fraction=False, signature="13a, lower case, nats"
)
