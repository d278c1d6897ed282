"""ROUGE of a summary against one reference: F1 of stemmed words, pairs of words, or the longest common subsequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

from bench.metrics.metric import Metric

KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def as_lines(text: str | Sequence[str]) -> str:
    """A summary as one text, its sentences or bullets as lines."""
    return text if isinstance(text, str) else "\n".join(text)


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(KINDS), use_stemmer=True)


@lru_cache(maxsize=4096)  # every metric of a task asks for the same pairs, of which most of the time goes into stemming
def _scored(target: str, answer: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _scorer().score(target, answer)
    return found


def rouge(kind: str, *, weight: float = 1.0, name: str = "") -> Metric:
    """The mean over summaries of ROUGE's F1 with Porter's stems, in [0, 1]; texts, or lists of lines.

    rougeLsum takes the longest common subsequences line by line. F1 is that of precision and recall to the power 1 / `weight`,
    which is 1 but where a published figure was computed otherwise. Sources: Lin 2004, "ROUGE: A Package for Automatic Evaluation
    of Summaries"; the package rouge_score, which computes it.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is not one of {', '.join(KINDS)}")

    def measure(target: str | Sequence[str], answer: str | Sequence[str]) -> tuple[float]:
        found = _scored(as_lines(target), as_lines(answer))[kind]
        if weight == 1.0:
            return (float(found.fmeasure),)
        precision, recall = found.precision ** (1 / weight), found.recall ** (1 / weight)
        return (2 * precision * recall / (precision + recall) if precision + recall else 0.0,)

    stated = f"rouge_score {version('rouge-score')}, stemmed, F1"
    return Metric(
        name or kind,
        measure=measure,
        signature=stated if weight == 1.0 else f"{stated} of precision and recall to the power 1/{weight:g}",
    )
