"""ROUGE of a summary against one reference: F1 of stemmed words, pairs of words, or the longest common subsequence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from bench.metrics.metric import Metric

KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def as_lines(text: str | Sequence[str]) -> str:
    """A summary as one text, its sentences or bullets as lines."""
    return text if isinstance(text, str) else "\n".join(text)


@cache
def _scorer(kind: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind], use_stemmer=True)


def rouge(kind: str) -> Metric:
    """The mean over summaries of ROUGE's F1 with Porter's stems, in [0, 1]; texts, or lists of lines.

    rougeLsum takes the longest common subsequences line by line. Sources: Lin 2004, "ROUGE: A Package for Automatic Evaluation of
    Summaries"; the package rouge_score, which computes it.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is not one of {', '.join(KINDS)}")

    def measure(target: str | Sequence[str], answer: str | Sequence[str]) -> tuple[float]:
        return (float(_scorer(kind).score(as_lines(target), as_lines(answer))[kind].fmeasure),)

    return Metric(kind, measure=measure, signature="rouge_score, stemmed, F1")
