"""ROUGE of a summary against one reference: F1 of stemmed words, pairs of words, or the longest common subsequence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

from bench.metrics.metric import Metric

KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def as_lines(text: str | Sequence[str]) -> str:
    """A summary as one text, its sentences or bullets as lines."""
    return text if isinstance(text, str) else "\n".join(text)


class _Tokens:
    """The words of a text as rouge_score has them, stemmed: each text once, and each word once."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self.stem = lru_cache(maxsize=1 << 16)(PorterStemmer().stem)
        self.tokenize = lru_cache(maxsize=4096)(self._tokenize)  # what a RougeScorer asks for

    def _tokenize(self, text: str) -> list[str]:
        from rouge_score.tokenize import tokenize

        found: list[str] = tokenize(text, self)
        return found


@cache
def _tokens() -> _Tokens:
    return _Tokens()


@cache
def _scorer(kind: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind], tokenizer=_tokens())


def _longest(target: str, answer: str) -> tuple[float, float]:
    """Precision and recall of the longest common subsequence, whose length rouge_score asks a table of all pairs of words for."""
    from rapidfuzz.distance import LCSseq

    ours, theirs = _tokens().tokenize(answer), _tokens().tokenize(target)
    if not ours or not theirs:
        return 0.0, 0.0
    length = LCSseq.similarity(theirs, ours)
    return length / len(ours), length / len(theirs)


@lru_cache(maxsize=4 * 4096)  # submissions are first looked at, and then scored
def _scored(kind: str, target: str, answer: str) -> tuple[float, float]:
    """Precision and recall of a pair of texts."""
    if kind == "rougeL":
        return _longest(target, answer)
    found = _scorer(kind).score(target, answer)[kind]
    return float(found.precision), float(found.recall)


def rouge(kind: str, *, weight: float = 1.0, name: str = "") -> Metric:
    """The mean over summaries of ROUGE's F1 with Porter's stems, in [0, 1]; texts, or lists of lines.

    rougeLsum takes the longest common subsequences line by line. F1 is that of precision and recall to the power 1 / `weight`,
    which is 1 but where a published figure was computed otherwise. Sources: Lin 2004, "ROUGE: A Package for Automatic Evaluation
    of Summaries"; the package rouge_score, which computes it.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is not one of {', '.join(KINDS)}")

    def measure(target: str | Sequence[str], answer: str | Sequence[str]) -> tuple[float]:
        precision, recall = _scored(kind, as_lines(target), as_lines(answer))
        if weight != 1.0:
            precision, recall = precision ** (1 / weight), recall ** (1 / weight)
        return (2 * precision * recall / (precision + recall) if precision + recall else 0.0,)

    stated = f"rouge_score {version('rouge-score')}, stemmed, F1"
    return Metric(
        name or kind,
        measure=measure,
        signature=stated if weight == 1.0 else f"{stated} of precision and recall to the power 1/{weight:g}",
    )
