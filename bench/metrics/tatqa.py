"""TAT-QA's exact match and F1 with scale: numbers, percentages and scale words are brought to one form, then compared."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bench.metrics.metric import Metric, Row

Scalar = str | int | float | None

_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "percent": 0.01}
_NOT_IN_NUMBERS = str.maketrans("", "", "'\"\\$€£¥%(),[]")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_FIRST_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)|[+-]?\.\d+")
_NUMBER_AND_WORD = re.compile(r"(?<![\d.])[\d.]+\s?[a-zA-Z]+")
_IN_BRACKETS = re.compile(r"\([\d.\s]+\)")
_PERCENT = re.compile(r"[\d.\s]%")
_LONGEST = 280  # digits: with a billion on top it still fits a float; the official script fails beyond


def scale_factor(scale: str) -> float:
    """What a scale stands for; 1 for none and for words that are no scale."""
    return next((factor for word, factor in _SCALES.items() if word in scale.lower()), 1)


def is_number(text: str) -> bool:
    """Whether the first word is a number, and the second, if there is one, a scale: "$ 1,023" or "1 million"."""
    words = " ".join(word.translate(_NOT_IN_NUMBERS) for word in text.split()).split()
    try:
        if not words or np.isnan(float(words[0])):
            return False
    except ValueError:
        return False
    return len(words) == 1 or scale_factor(words[1]) != 1


def to_number(text: str) -> float | None:
    """The first number of a text times its scale word, its per cent and its brackets (minus), to 4 places.

    As in the official script a decimal without its zero (".5") has none, and brackets with a comma are no minus.
    """
    found = _FIRST_NUMBER.search(str(text).translate(_NOT_IN_NUMBERS))
    if found is None or found[1] is None or len(found[1]) > _LONGEST:
        return None
    word = _NUMBER_AND_WORD.search(text)
    number = float(found[1]) if "." in found[1] else int(found[1])
    sign = -1 if _IN_BRACKETS.search(text.strip()) else 1
    share = 0.01 if _PERCENT.search(text.strip()) else 1
    return round(number * (scale_factor(word[0]) if word else 1) * sign * share, 4)


def answer_text(answers: Sequence[Scalar], scale: str) -> str:
    """Answers in one text: sorted, numbers rounded to 2 places and multiplied out, words followed by the scale.

    >>> answer_text(["$1,452.4"], "million"), answer_text(["fee", "12%"], "")
    ('1452400000.0000', '0.1200 fee')
    """
    try:
        ordered = sorted(answers)  # type: ignore[type-var]  # numbers by size, texts by letter
    except TypeError:
        ordered = sorted(answers, key=str)
    return " ".join(_one_text(str(answer), scale) for answer in ordered)


def _one_text(answer: str, scale: str) -> str:
    number = to_number(answer) if is_number(answer) else None
    if number is None:
        return f"{answer} {scale}" if scale else answer
    return f"{number:.4f}" if "%" in answer else f"{round(number, 2) * scale_factor(scale):.4f}"


def readings(answers: Sequence[Scalar], scale: str) -> list[str]:
    """The texts that an answer may be read as: a lone number without scale also unrounded, as a share (0.2342 is 23.42 %)."""
    texts = [answer_text(answers, scale)]
    only = str(answers[0]) if len(answers) == 1 else ""
    if not scale and "%" not in only and is_number(only) and (number := to_number(only)) is not None:
        texts.append(f"{number:.4f}")
    return texts


@lru_cache(maxsize=65_536)
def normalise(text: str) -> str:
    """Lower-case; word by word numbers in one form, else no punctuation; then no articles and single spaces."""
    words = (_ARTICLES.sub(" ", _plain(word.lower())).split() for word in text.split(" "))
    return " ".join(part for parts in words for part in parts)


def _plain(word: str) -> str:
    kept = word if is_number(word) else word.translate(_PUNCTUATION)
    return str(to_number(kept)) if is_number(kept) else kept


def exact_match(answer: str, target: str) -> float:
    """1.0 where the normalised texts are equal, else 0.0."""
    return float(normalise(answer) == normalise(target))


def token_f1(answer: str, target: str) -> float:
    """F1 of the sets of normalised words, rounded to 2 places as the official script does; 1 for two empty texts."""
    found, wanted = set(normalise(answer).split()), set(normalise(target).split())
    common = len(found & wanted)
    precision, recall = common / len(found) if found else 1.0, common / len(wanted) if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return float(np.round(f1, 2))


def _best(
    compare: Callable[[str, str], float],
) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Row]:
    """The best of an answer's readings; an empty answer is wrong, and so is every answer to an empty target."""

    def measure(target: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
        if not answer["answer"] or not target["answer"]:
            return (0.0,)
        wanted = answer_text(target["answer"], target["scale"])
        return (max(compare(text, wanted) for text in readings(answer["answer"], answer["scale"])),)

    return measure


_EXACT = _best(exact_match)
_WORDS = _best(token_f1)


def _f1(target: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
    """F1; exact match where the answer is computed or counted."""
    return (_EXACT if target["type"] in ("arithmetic", "count") else _WORDS)(target, answer)


def _scale(target: Mapping[str, Any], answer: Mapping[str, Any]) -> Row:
    """1.0 where something is answered in the right scale, be it the right answer or not."""
    return (float(bool(answer["answer"] and target["answer"]) and answer["scale"] == target["scale"]),)


def _perfect(target: Mapping[str, Any]) -> Row:
    return (float(bool(target["answer"])),)


# target {"answer": [text, …], "scale": text, "type": text}, answer {"answer": [text or number, …], "scale": text}
TATQA = (
    Metric("f1", measure=_f1, best=_perfect, signature="tatqa_metric.py"),
    Metric("exact_match", measure=_EXACT, best=_perfect, signature="tatqa_metric.py"),
    Metric("scale", measure=_scale, best=_perfect, signature="tatqa_metric.py"),
)
