"""Whether a free answer to a question on a report is right, as people judged: FinanceBench's questions and the like.

The rules, in this order; `scripts/financebench_agreement.py` measures how well they agree with people (docs/metrics.md):

1. An answer commits itself: it has at most `LONGEST` words, no sentence of more than `SENTENCE` words, `NUMBERS` numbers,
   `ALTERNATIVES` times "or" or `ITEMS` items, and
   of its content words a share of `POINT` (of those of its claims, `CLAIM`) stands in the question or the gold answer. Of more than
   `QUOTE` words at most a share of `COPIED` is copied from the evidence.
2. Where the gold answer is a number, the answer's result has to be that number: to the gold's last digit but one step, within
   1 %, or rounded by less than 0.5 %. More than three numbers as the result are none.
3. Where it begins with yes or no, the answer has to say the same, and a word or number of the reason with it.
4. Where it says that there is nothing, a claim of the answer has to say so too.
5. A refusal is wrong, and so is a claim that goes up where the gold goes down.
6. Of alternatives that the question names, a claim has to name those of the gold, and not all of them.
7. Where an amount is asked for, its claims have to hold the gold's numbers, and few others; else a share of the gold's words
   that the question does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from bench.metrics import commitment
from bench.metrics.commitment import Said, content_words, n_figures, quantities
from bench.metrics.metric import Metric
from bench.text.quantities import Number, n_unread, sole_number

LONGEST = 400  # words
SENTENCE = 100  # words
NUMBERS = 10
ALTERNATIVES, ITEMS = 3, 15
POINT, CLAIM = 0.06, 0.15
QUOTE, COPIED = 60, 0.7  # words, share
WORDS = 0.3  # share of the gold's words that an explanation has to hold
_RESULTS = 3  # numbers that a result may have: a ratio is also given in per cent
_NOTE = re.compile(r"\s*The answer here assumes.*", re.DOTALL)
_OR, _ITEM = re.compile(r"\bor\b", re.IGNORECASE), re.compile(r"[,;|](?=\s)|\s/\s")
_DECIMALS = re.compile(r"\.(\d+)")
_AMOUNT = re.compile(
    r"\bhow (?:much|many)\b|\bwhat percent|\bby how\b|\bamount\b|\bquantity\b|\bhow (?:do|does|did) .*\bcompare"
    r"|\bwhat (?:was|is)\b.*\b(?:ebitda|ratio|rate|income|revenue|margin)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\W*(?:there (?:is|are|were) (?:none|no)\b|none\b|nothing\b)|.{0,60}\b(?:not|no|never)\b", re.IGNORECASE
)
_AMONG = re.compile(r"\b(?:among|between|of) ((?:[\w&]+, )+(?:and|or) [\w&]+)", re.IGNORECASE)


@cache
def _frame() -> frozenset[str]:
    """How answers begin, which says nothing for or against them."""
    return frozenset(
        content_words(
            "provided provide context information filing filings form annual quarterly report reports financial statement "
            "statements data document documents according appears given specifically key points reviewing analysis years ended "
            "month consolidated details specific"
        )
    )


def is_right(target: Mapping[str, Any], text: str) -> bool:
    """Whether an answer is right.

    `target` has the gold "text", the "question", the "factor" of the unit that it asks for, and the "evidence" where it is shown.
    """
    gold, said = _NOTE.sub("", target["text"]), Said(text.replace("**", ""))
    n = len(text.split())
    if not said.sentences or said.says_both or n > LONGEST:
        return False
    if (number := sole_number(gold.rstrip("."))) is not None:
        return _right_number(number, target["factor"], said)
    if " ".join(gold.split()) == " ".join(said.text.split()):
        return True
    if n > QUOTE and commitment.copied(text, target.get("evidence", "")) > COPIED:
        return False
    question = str(target.get("question", ""))
    if not _to_the_point(gold, question, said):
        return False
    if polarity := commitment.stated_polarity(gold):
        return _right_yes_or_no(polarity, gold, question, said)
    return _right_text(gold, question, said)


def _right_number(gold: Number, factor: float | None, said: Said) -> bool:
    step, gold = _step(gold), gold.within(factor)
    found: list[Number] = []
    for number in said.result:
        if not any(abs(number.value - other.value) <= 0.01 * abs(other.value) for other in found):
            found.append(number)
    if not said.result:
        return gold.value == 0 and not said.refuses and any(map(commitment.negates, said.claims))
    few = len(found) + n_unread(said.result_text) <= _RESULTS and n_figures(said.result_text) <= 2 * _RESULTS
    return few and any(same(number, gold, step) for number in said.result)


def _step(number: Number) -> float:
    """One of the last digit that a number states, zeros behind the point left out."""
    found = _DECIMALS.search(number.text)
    return float(10.0 ** -len(found[1].rstrip("0"))) if found else 1.0


def same(found: Number, gold: Number, step: float) -> bool:
    """Whether a number is the gold one but for rounding: half a `step`, a whole one within 1 %, or a thousandth.

    An answer that is itself rounded may be off by half of its own last digit, within 0.5 %.
    """
    size, scale = abs(gold.value), (gold.factor or 1.0) * (0.01 if gold.percent else 1.0)
    own = 0.5 * _step(found) * (found.factor or scale)
    slack = max(0.5 * step * scale, min(step * scale, 0.01 * size), 0.001 * size, min(own, 0.005 * size)) * (1 + 1e-9)
    return any(abs(one - gold.value) <= slack for one in _readings(found, gold))


def _near(found: Number, gold: Number) -> bool:
    """The same within 1 %, or to the last digit that either of them states: what a text says in passing."""
    own = _step(found) * abs(replace(found, mantissa=1.0).value)
    slack = max(0.5 * _step(gold) * replace(gold, mantissa=1.0).value, 0.01 * abs(gold.value))
    slack = max(slack, min(0.5 * own, 0.05 * abs(gold.value)))
    return any(abs(one - gold.value) <= slack * (1 + 1e-9) for one in _readings(found, gold))


def _readings(found: Number, gold: Number) -> list[float]:
    """The number, and in the gold's scale or per cent where it has none itself."""
    bare = found.factor is None and not found.percent
    return [found.value, *([replace(gold, mantissa=found.mantissa).value] if bare else [])]


def _right_yes_or_no(polarity: str, gold: str, question: str, said: Said) -> bool:
    if said.refuses and commitment.stated_polarity(said.text) is None:
        return False
    return said.polarity(question) == polarity and _gives_a_reason(gold, question, said)


def _to_the_point(gold: str, question: str, said: Said) -> bool:
    """Whether it is in sentences, and speaks of what was asked: a page or table that is copied does not."""
    for one in said.sentences:
        ors, marks = len(_OR.findall(one)), len(_ITEM.findall(one))
        if len(one.split()) > SENTENCE or n_figures(one) > NUMBERS or ors > ALTERNATIVES or ors + marks > ITEMS:
            return False
    known = {*content_words(question), *content_words(gold)}
    for text, least in ((said.text, POINT), (" ".join(said.claims), CLAIM)):
        words = [word for word in content_words(text) if word in known or word not in _frame()]
        if len(known.intersection(words)) < least * len(words):
            return False
    return True


def _gives_a_reason(gold: str, question: str, said: Said) -> bool:
    """Whether it holds a word or number of the gold's reason, or goes its way: who always says yes gives none."""
    wanted = _words_beyond(gold, question)
    numbers = quantities(gold)
    way = commitment.direction(gold)
    if (not wanted and not numbers) or (way and any(commitment.direction(one) == way for one in said.sentences)):
        return True
    given = quantities(said.text)
    return bool(commitment.share(wanted, said.text)) or any(_near(one, number) for number in numbers for one in given)


def _words_beyond(gold: str, question: str) -> list[str]:
    """The gold's words that the question does not hold."""
    asked = set(content_words(question))
    return [word for word in content_words(gold) if word not in asked]


def _right_text(gold: str, question: str, said: Said) -> bool:
    claim = " ".join(said.claims)
    wanted = _words_beyond(gold, question)
    held = commitment.share(wanted, said.text)
    if _NOTHING.match(gold):
        denies = not commitment.refuses(said.sentences[0]) and commitment.negates(claim)
        denies = denies and bool(commitment.share(content_words(question), claim))
        return denies and (held is None or held >= WORDS or len(wanted) == 1)
    numbers = _numbers_beyond(gold, question)
    hits, few = _hits(numbers, said)
    whole = bool(numbers) and hits == len(numbers) and few
    if said.refuses and not whole:
        return False
    ways = commitment.direction(gold), commitment.direction(claim)
    if None not in ways and ways[0] != ways[1]:
        return False
    named = found[1] if (found := _AMONG.search(question)) else ""
    if right := [word for word in content_words(named) if word in content_words(gold)]:
        return _chooses(right, content_words(named), said.claims)
    if _AMOUNT.search(question) and numbers:
        return whole or (few and 2 * hits >= len(numbers) > 1 and (held or 0.0) >= WORDS)
    if held is None:
        return whole or (ways[0] is not None and ways[0] == ways[1])
    return held >= WORDS


def _numbers_beyond(gold: str, question: str) -> list[Number]:
    """The gold's numbers that the question does not hold; all of them where it holds all."""
    asked = [number.value for number in quantities(question)]
    numbers = quantities(gold)
    return [number for number in numbers if number.value not in asked] or numbers


def _hits(numbers: Sequence[Number], said: Said) -> tuple[int, bool]:
    """How many of the gold's numbers the claims and the result hold, and whether they hold few others."""
    given = [*(number for claim in said.claims for number in quantities(claim)), *said.result]
    few = len({round(number.value, 6) for number in given}) <= 4 + 2 * len(numbers)
    return sum(any(_near(one, number) for one in given) for number in numbers), few


def _chooses(right: Sequence[str], named: Sequence[str], claims: Sequence[str]) -> bool:
    """Whether a claim names what is right of the alternatives, and not all of them."""
    held = [set(content_words(claim)) for claim in claims]
    return any(held_by.issuperset(right) and not held_by.issuperset(named) for held_by in held)


# target {"text", "question", "factor": of the unit that the question asks for, or None}, answer text
CORRECT = Metric(
    "correct",
    measure=lambda target, answer: (float(is_right(target, answer)),),
    signature="rules of bench/metrics/verdict.py, v1",
)
