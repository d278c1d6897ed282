"""Word error rate as Rev's fstalign counts it: errors over the reference words on the path that was aligned.

How words are aligned, and what fstalign takes for the same, stands in `word_alignment`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.metrics.metric import Array, Metric, Row, defined, lacking
from bench.metrics.word_alignment import Counts, Step, align, steps

_MOST = 3  # words said for each of the reference, above which nothing is aligned


def _ratio(totals: Array, n: Array) -> Array:
    """The first column over the second; 0 where there is nothing to count."""
    return np.asarray(totals[..., 0] / np.where(totals[..., 1] > 0, totals[..., 1], 1.0))


def _metric(name: str, part: Callable[[Counts], Row], **more: Any) -> Metric:
    """A metric of the alignment with a transcript in one text; a failure counts as an empty transcript."""

    def measure(reference: Sequence[Any], answer: str) -> Row:
        said = _said(answer)
        return part(_all_wrong(reference, said) if _is_beyond(reference, said) else align(reference, said))

    return Metric(
        name,
        measure,
        worst=lambda reference: measure(reference, ""),
        best=lambda reference: measure(reference, as_it_stands(reference)),
        higher_is_better=False,
        signature="fstalign: alternatives, hyphens, cut-offs, tags",
        **{"summarise": _ratio, "undefined": lacking("the references hold no such word", 1)} | more,
    )


def _said(answer: str) -> list[str]:
    return answer.lower().split()


def _is_beyond(reference: Sequence[Any], said: Sequence[str]) -> bool:
    """Whether so much more was said than the reference holds that nothing is aligned."""
    return len(said) > _MOST * (len(reference) + 10)


def marked(reference: Sequence[Any], answer: str) -> list[Step]:
    """The alignment that the metrics count, for people to look at; nothing for a transcript that is too long to be aligned."""
    said = _said(answer)
    return [] if _is_beyond(reference, said) else steps(reference, said)


def _all_wrong(reference: Sequence[Any], said: Sequence[str]) -> Counts:
    """What a transcript counts with that is too long to be aligned: every word of both sides is an error."""
    return replace(align(reference, ()), insertions=len(said))


def as_it_stands(reference: Sequence[Any]) -> str:
    """A transcript without error: the reference with the last way to say each entity, which is how it is written."""
    parts = (slot if isinstance(slot, str) else " ".join(slot["alternatives"][-1]) for slot in reference)
    return " ".join(filter(None, parts))


def _of_class(label: str) -> Metric:
    """The word error rate within the entities of a class; absent where the references have none."""

    def part(counts: Counts) -> Row:
        return (float(counts.class_errors[label]), float(counts.class_words[label]))

    def fit(references: Sequence[Sequence[Any]]) -> Metric:
        there = any(not isinstance(slot, str) and slot["label"] == label for slots in references for slot in slots)
        reason = "" if there else f"the references have no entity of class {label}"
        return replace(metric, fit=None, absent=lambda answers: reason)

    metric = _metric(f"wer_{label}", part, fit=fit)
    return metric


# The classes of the column `tags`, which fstalign reports. Those of names (PERSON, ORG) are in files of their own.
CLASSES = (
    "ABBREVIATION", "ALPHANUMERIC", "CARDINAL", "CONTRACTION", "FALLBACK", "MONEY", "ORDINAL", "PERCENT", "PHONE", "RANGE",
    "TIME", "TWITTER", "WEBSITE", "YEAR",
)  # fmt: skip
WER = _metric("wer", lambda counts: (float(counts.errors), float(counts.words)))
SPEECH = (
    WER,
    _metric("substitutions", lambda counts: (float(counts.substitutions), float(counts.words))),
    _metric("deletions", lambda counts: (float(counts.deletions), float(counts.words))),
    _metric("insertions", lambda counts: (float(counts.insertions), float(counts.words))),
    *map(_of_class, CLASSES),
    _metric(
        "reference_words",
        lambda counts: (float(counts.words),),
        summarise=lambda totals, n: totals[..., 0],
        is_fraction=False,
        undefined=defined,
    ),
)
