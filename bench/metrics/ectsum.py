"""ECTSum's published figures: ROUGE as py-rouge gives it, the share of numbers that are known, each also at the gold's length.

A target is {"summary": lines, "source": lines}, an answer a list of lines. Source: utils.py and evaluate.py of the authors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bench.metrics.bertscore import bertscore
from bench.metrics.grounding import NUMBERS_IN_SOURCE
from bench.metrics.lens import of_key
from bench.metrics.metric import Metric, Row
from bench.metrics.rouge import rouge

_WEIGHT = 1.2  # py-rouge takes its weight of ROUGE-W for the precision and recall of ROUGE-L, too
_MONTHS = "january|february|march|april|may|june|july|september|october|november|december|jan|feb|mar|apr|jun|jul|sept?|oct|nov|dec"
# What is no value: digits at a letter (q2, 10-K), years in short ('21), times, telephone numbers, days, slides, codes.
_NO_VALUE = re.compile(
    rf"[A-Za-z]\d+|\d+-?[A-Za-z]|'\d+|\d{{1,2}}:\d\d|\d{{3}}\)?[-. ]\d{{3}}[-. ]\d{{4}}"
    rf"|\b(?:{_MONTHS}|slide|passcode|code) \d+(?:,\d+)?",
    re.IGNORECASE,
)
_VALUE = re.compile(r"(?<![A-Za-z])(?:\d+[.,/]\d+|\d+)")
_YEAR = re.compile(r"20[12]\d")


def values(lines: Iterable[str]) -> frozenset[str]:
    """The different numbers of the lines as written, without years, days and the like.

    >>> sorted(values(["q2 sales of $1.82 billion on May 12, up 5% from 2019"]))
    ['1.82', '5']
    """
    found = (value for line in lines for value in _VALUE.findall(_NO_VALUE.sub(" ", line)))
    return frozenset(value for value in found if not _YEAR.fullmatch(value))


@lru_cache(maxsize=1024)
def _known(lines: tuple[str, ...]) -> frozenset[str]:
    return values(lines)


def _precision(target: Mapping[str, Any], answer: Sequence[str]) -> Row:
    """The share of the summary's numbers that stand in the call or in the gold summary, to 2 places; 0 where it has none."""
    said = values(answer)
    known = _known((*target["source"], *target["summary"]))
    return (round(len(said & known) / len(said), 2) if said else 0.0,)


def _at_gold_length(metric: Metric) -> Metric:
    """The metric of the summary's first lines, as many as the gold one has."""
    measure = metric.measure

    def cut(target: Mapping[str, Any], answer: Sequence[str]) -> Row:
        return measure(target, answer[: len(target["summary"])])

    return replace(metric, name=f"{metric.name}_goldlength", measure=cut)


def _summary(kind: str, **more: Any) -> Metric:
    return of_key(rouge(kind, **more), "summary")


_FIGURES: tuple[Metric, ...] = (
    _summary("rouge1"),
    _summary("rouge2"),
    _summary("rougeLsum", weight=_WEIGHT, name="rougeL_as_published"),
    Metric("num_precision", measure=_precision, signature="values in the source or the gold summary, to 2 places each"),
)
ECTSUM: tuple[Metric, ...] = (
    *_FIGURES[:2], _summary("rougeL"), _summary("rougeLsum"), of_key(bertscore(), "summary"), NUMBERS_IN_SOURCE, *_FIGURES[2:],
    *map(_at_gold_length, _FIGURES),
)  # fmt: skip


def published(measured: Mapping[str, float]) -> dict[str, float]:
    """The authors' figures by their names, of the summaries as they are and of each cut to its gold one's number of lines."""
    names = {
        "rouge1": "rouge1_f",
        "rouge2": "rouge2_f",
        "rougeL_as_published": "rougeL_f",
        "num_precision": "num_precision",
    }
    return {
        f"{name}{form}": measured[f"{key}{form}"] for form in ("", "_goldlength") for key, name in names.items()
    }  # fmt: skip
