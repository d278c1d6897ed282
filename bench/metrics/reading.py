"""Reading comprehension: SQuAD's exact match and token F1, DocVQA's ANLS."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bench.metrics.metric import Array, Metric, RankedMetric, Row, lacking

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@lru_cache(maxsize=65_536)  # every metric of a task asks for the same strings
def normalise(text: str) -> str:
    """Lower-case, drop ASCII punctuation, then articles, then fold white space, as SQuAD's scripts do.

    Source: evaluate-v1.1.py and evaluate-v2.0.py of the SQuAD explorer.

    >>> normalise("The  U.S. dollar, a currency")
    'us dollar currency'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, target: str) -> float:
    """1.0 where the normalised strings are equal, else 0.0."""
    return float(normalise(answer) == normalise(target))


def token_f1(answer: str, target: str) -> float:
    """F1 of the bags of normalised tokens, in [0, 1]; no common token gives 0, also for two empty strings.

    >>> token_f1("the cat sat", "cat sat down")
    0.8
    """
    found, wanted = Counter(normalise(answer).split()), Counter(normalise(target).split())
    common = (found & wanted).total()
    if not common:
        return 0.0
    precision, recall = common / found.total(), common / wanted.total()
    return 2 * precision * recall / (precision + recall)  # in this form, as the scripts do, to the last bit


def token_f1_v2(answer: str, target: str) -> float:
    """As `token_f1`, but where either side is empty, 1.0 if both are, else 0.0 (SQuAD 2.0)."""
    if not normalise(answer) or not normalise(target):
        return exact_match(answer, target)
    return token_f1(answer, target)


def answerable(targets: Sequence[str]) -> list[str]:
    """SQuAD 2.0's golds: those that normalise to something; [""] (no answer) if there is none."""
    return [target for target in targets if normalise(target)] or [""]


_BETWEEN = re.compile(r"(?<=\d)[-\N{MINUS SIGN}\N{EN DASH}/](?=\d)")
_FIGURE = re.compile(
    r"(?P<sign>(?<![\w)])[-\N{MINUS SIGN}]|\b(?:minus|negative) )?"
    r"(?:[$\N{EURO SIGN}\N{POUND SIGN}\N{YEN SIGN}] ?(?P<inner>[-\N{MINUS SIGN}])?)?(?P<digits>(?<![\w.,])\d[\d.,]*)",
    re.IGNORECASE,
)


def numbers_whole(text: str) -> str:
    """The text with each number as one word that keeps its sign and its decimal point, which `normalise` would drop.

    A comma before three digits parts thousands and else is a decimal one; a point is a decimal one unless several part thousands,
    or a comma stands behind it. Zeros at the end of a decimal part do not count.

    >>> numbers_whole("-1.50 or $1,234 or 1.234,5"), normalise("-1.5") == normalise("15")
    ('minus1point5 or 1234 or 1234point5', True)
    """
    return _FIGURE.sub(_whole, _BETWEEN.sub(" ", text))


def _whole(found: re.Match[str]) -> str:
    digits = found["digits"].rstrip(".,")
    behind = found["digits"][len(digits) :]
    if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", digits) and (digits.count(".") > 1 or "," in digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?", digits):
        digits = digits.replace(",", "")
    elif digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
    if digits.count(".") == 1 and "," not in digits:
        digits = digits.rstrip("0").rstrip(".")
    sign = "minus" if found["sign"] or found["inner"] else ""
    return sign + digits.replace(".", "point").replace(",", "comma") + behind


def _of_whole(compare: Callable[[str, str], float]) -> Callable[[str, str], float]:
    """The comparison of two texts whose numbers are words with sign and point."""
    return lambda answer, target: compare(numbers_whole(answer), numbers_whole(target))


def anls(answer: str, targets: Sequence[str], threshold: float = 0.5) -> float:
    """Average normalised Levenshtein similarity to the nearest target, in [0, 1].

    Strings are lower-cased with white space folded; the lengths are those of the raw strings. A similarity below
    `threshold` counts as 0, exactly `threshold` is kept; two empty strings give 1. Raises ValueError without targets.
    Source: the organisers' script; Biten et al. 2019, "Scene Text Visual Question Answering" (ICCV).

    >>> anls("12.4 mln", ["12.4 mn"])
    0.875
    """
    from rapidfuzz.distance import Levenshtein

    def similarity(target: str) -> float:
        distance = Levenshtein.distance(" ".join(target.lower().split()), " ".join(answer.lower().split()))
        length = max(len(target), len(answer))
        return 1 - distance / length if length else 1.0

    if not targets:
        raise ValueError("anls needs at least one target")
    nearest = max(map(similarity, targets))
    return nearest if nearest >= threshold else 0.0


def _several(targets: Sequence[str]) -> Sequence[str]:
    """The targets; TypeError for one string, whose characters would be scored silently as targets."""
    if isinstance(targets, str):
        raise TypeError(f"targets must be a list of strings, got the string {targets!r}")
    return targets


def best_of(
    compare: Callable[[str, str], float], golds: Callable[[Sequence[str]], Sequence[str]] = _several
) -> Callable[[Sequence[str], str], tuple[float]]:
    """Turn a comparison with one target into a measure that takes the maximum over `golds(targets)`."""
    return lambda targets, answer: (max(compare(answer, target) for target in golds(_several(targets))),)


EXACT_MATCH = Metric("exact_match", measure=best_of(exact_match), signature="squad-v1.1")
TOKEN_F1 = Metric("f1", measure=best_of(token_f1), signature="squad-v1.1")
EXACT_MATCH_V2 = Metric("exact_match", measure=best_of(exact_match, answerable), signature="squad-v2.0")
TOKEN_F1_V2 = Metric("f1", measure=best_of(token_f1_v2, answerable), signature="squad-v2.0")
# For questions of one's own, where no official script has to be matched: -1.5 is neither 1.5 nor 15.
_WHOLE = "numbers with sign and point"
EXACT_MATCH_OWN = Metric("exact_match", measure=best_of(_of_whole(exact_match)), signature=f"squad-v1.1, {_WHOLE}")
TOKEN_F1_OWN = Metric("f1", measure=best_of(_of_whole(token_f1)), signature=f"squad-v1.1, {_WHOLE}")
EXACT_MATCH_OWN_V2 = Metric(
    "exact_match", measure=best_of(_of_whole(exact_match), answerable), signature=f"squad-v2.0, {_WHOLE}"
)
TOKEN_F1_OWN_V2 = Metric("f1", measure=best_of(_of_whole(token_f1_v2), answerable), signature=f"squad-v2.0, {_WHOLE}")
ANLS = Metric(
    "anls", measure=lambda targets, answer: (anls(answer, _several(targets)),), signature="threshold 0.5, kept"
)


def _answered(compare: Callable[[str, str], float]) -> Callable[[Sequence[str], Mapping[str, Any]], float]:
    """The score of {"text", "no_answer"}, before any threshold: the best over the golds."""
    return lambda targets, answer: max(compare(answer["text"], gold) for gold in answerable(_several(targets)))


def _refuse_no_number(answer: Mapping[str, Any]) -> None:
    """Raise ValueError where the probability of no answer, or the place that ties go by, cannot order the answers."""
    given = answer["no_answer"]
    for value in (0.0 if given is None else given, answer.get("rank", 0)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"found {str(value)[:40]}, expected a finite number")


def _has_answer(targets: Sequence[str]) -> bool:
    return bool(_several(targets))  # also where none of them normalises to anything, as in the official script


def _squad_v2(name: str, compare: Callable[[str, str], float], only: bool | None = None) -> Metric:
    """SQuAD 2.0's score of all questions, or of those that have an answer (True) or none (False).

    A probability of no answer above 1 turns the answer into none, as the official script's default threshold does.
    """
    raw = _answered(compare)

    def measure(targets: Sequence[str], answer: Mapping[str, Any]) -> Row:
        _refuse_no_number(answer)
        refused = answer["no_answer"] is not None and answer["no_answer"] > 1.0
        value = float(not _has_answer(targets)) if refused else raw(targets, answer)
        return (value * counted(targets), counted(targets))

    def counted(targets: Sequence[str]) -> float:
        return float(only is None or _has_answer(targets) is only)

    return Metric(
        name,
        measure,
        summarise=lambda totals, n: totals[..., 0] / np.where(totals[..., 1] > 0, totals[..., 1], 1.0),
        worst=lambda targets: (0.0, counted(targets)),
        best=lambda targets: (counted(targets), counted(targets)),
        signature="squad-v2.0",
        undefined=lacking("every question has an answer" if only is False else "no question has an answer", 1),
    )


def _best_threshold(name: str, compare: Callable[[str, str], float], what: int) -> RankedMetric:
    """SQuAD 2.0's best score over all thresholds on the probability of no answer, or (what = 1) that threshold.

    From nothing answered, questions are answered one by one with rising probability; the best value on the way counts.
    Source: find_best_thresh of evaluate-v2.0.py.
    """
    raw = _answered(compare)

    def measure(targets: Sequence[str], answer: Mapping[str, Any]) -> Row:
        has_answer = _has_answer(targets)
        gain = raw(targets, answer) if has_answer else -float(bool(answer["text"]))
        return (answer["no_answer"], answer.get("rank", 0), gain, not has_answer)

    def summarise(rows: Array, weights: Array) -> Array:
        order = np.lexsort((rows[:, 1], rows[:, 0]))
        probability, gain, none = rows[order, 0], rows[order, 2], rows[order, 3]
        drawn = weights[:, order]
        start = (drawn @ none)[:, None]  # added first, as the script does, so that equal values stay equal in floats
        walk = np.cumsum(np.concatenate([start, drawn * gain], axis=-1), axis=-1)
        at = walk.argmax(axis=-1)
        if what == 1:
            return np.where(at > 0, probability[at - 1], 0.0)
        return np.asarray(np.take_along_axis(walk, at[:, None], axis=-1)[:, 0] / drawn.sum(axis=-1))

    return RankedMetric(
        name,
        measure,
        summarise,
        worst=lambda targets: (0.0, 0.0, 0.0, 0.0),
        best=lambda targets: (0.0, 0.0, float(_has_answer(targets)), float(not _has_answer(targets))),
        is_fraction=what == 0,
        signature="squad-v2.0",
        absent=lambda answers: (
            ""
            if all(answer["no_answer"] is not None for answer in answers)
            else "no probabilities of no answer are given"
        ),
    )


SQUAD_V2 = (
    _squad_v2("f1", token_f1_v2),
    _squad_v2("exact_match", exact_match),
    _squad_v2("HasAns_f1", token_f1_v2, only=True),
    _squad_v2("HasAns_exact", exact_match, only=True),
    _squad_v2("NoAns_f1", token_f1_v2, only=False),
    _squad_v2("NoAns_exact", exact_match, only=False),
    _best_threshold("best_f1", token_f1_v2, 0),
    _best_threshold("best_f1_thresh", token_f1_v2, 1),
    _best_threshold("best_exact", exact_match, 0),
    _best_threshold("best_exact_thresh", exact_match, 1),
)
