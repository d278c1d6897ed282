"""The one number that a reply gives as its answer: one rule for models, journals and tasks (docs/replies.md has the table)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.text.hedges import denied, other_place
from bench.text.numerals import folded
from bench.text.quantities import Number, placed, reads_as_label
from bench.text.stated_json import NAMES, objects
from bench.text.thinking import behind_thinking
from bench.types import Json

_READ = 8_000  # characters of a reply that are looked at, half of them at its beginning and half at its end
_NEAR = 80  # characters beside a number
_KEYS = NAMES - {"status", "decision", "movement"} | {
    "score",
    "value",
    "number",
    "rating",
    "sentiment_score",
    "sentiment score",
    "estimate",
    "final_score",
}
_WORDS = {"zero": 0.0, "minus one": -1.0, "negative one": -1.0, "one": 1.0}
_PLAIN = r"[-+]?\d{1,6}(?:\.\d{1,6})?"
_MARKS = re.compile(r'\*\*|[`"“”„]|(?<=\w)_(?=\w)|\b_(?=[-+.\d])|(?<=\d)_(?!\w)|\\boxed(?=\{)')
_ITEM = re.compile(
    r"^[ \t]*(?:\(?\d{1,2}[.)]|[*•])[ \t]+(?=[-+−]?\.?\d)", re.MULTILINE
)  # a list's mark before its number
_COMMA = re.compile(
    r"\s*([-+−]?\d),(\d{1,2})\s*\.?\s*"
)  # a decimal comma, where the whole reply is one number of a rate
_NAMED = re.compile(r"\bnegative(?=[^\w\n]{1,4}-\d)", re.IGNORECASE)  # the class beside its number, no second minus
_SCALE = re.compile(
    r"[(\[]? ?\b(?:(?:on|in|within|using|of) )?(?:(?:a|the|this) )?(?:scale|range|interval)\b"
    rf"(?: (?:of|from|is|goes|ranging|between))*[ :(\[]{{0,3}}{_PLAIN}(?: \([^()\n]{{1,40}}\))?"
    rf" ?(?:to|and|-|,|through|over) ?{_PLAIN}(?:[^\w.\n]?\([^()\n]{{1,40}}\))?[)\]]{{0,2}}"
    rf"|\b(?:ranging|ranges|scaled|running)? ?from {_PLAIN} ?\([^()\n]{{1,40}}\) (?:to|over) {_PLAIN} ?\([^()\n]{{1,40}}\)"
    rf"|\b(?:ranging|ranges|range|scaled) (?:from|between) {_PLAIN} (?:to|and) {_PLAIN}"
    rf"|[(\[] ?(?:from |range:? |between )?{_PLAIN} ?(?:to|,(?!\d{{3}}\b)|and|\.\.\.?|-) ?{_PLAIN} ?[)\]]"
    rf"|\b(?:where|with) {_PLAIN} (?:is|being|means|meaning|represents|representing|indicates|indicating|stands for|=)"
    r" [^.;)\n]{0,120}",
    re.IGNORECASE,
)
_OUT_OF = re.compile(rf"(?<=\d) ?(?:/|out of|on) ?({_PLAIN})(?![\d.,/]*\d)")
_ABOUT = r"(?:(?:about|around|approximately|roughly|exactly|only|just|a|an|the|now|simply|strong|solid|mild) )*"
_NOUN = r"(?:scores?|ratings?|answers?|values?|sentiments?|numbers?|results?|estimates?|predictions?|outputs?|polarity|label)"
_LEAD = re.compile(
    rf"(?:\b{_NOUN}\b[^.,;:!?=\n\d]{{0,60}}?(?:\b(?:is|was|are|would be|should be|will be|comes to|of|as|at|to)\b"
    rf"|[:=→>])[^\w\n(-]{{0,6}}\n?{_ABOUT}"
    rf"|\b{_NOUN} {_ABOUT}"
    rf"|\b(?:i(?:'d| would| will|'ll)? )?(?:give|rate|assign|say|score|estimate|go with|choose|pick|answer|settle on)\b"
    rf"[^.,;:!?=\n\d]{{0,60}}?[: ]?{_ABOUT}|= ?{_ABOUT}|\bbut (?:rather )?{_ABOUT}|(?:->|[→⇒]) ?)$",
    re.IGNORECASE,
)
_FINAL = re.compile(r"\b(?:final|overall|therefore|thus|hence|so|in conclusion)\b[^.;!?\n\d]*$|= ?$", re.IGNORECASE)
_REVISED = re.compile(
    r"\b(?:(?:actually|correction)\W{1,3}|(?:revis|chang|correct|adjust)(?:es?|ed|ing)? (?:it|that|this|(?:my|the) \w+) to )$",
    re.IGNORECASE,
)  # of the answer: "revenue changed 0.8" revises nothing
_TURN = re.compile(r"\b(?:but|rather|instead)\b(?! than\b| of\b)", re.IGNORECASE)
_UNSAID = re.compile(
    r"\b(?:cannot|can't|can not|could not|couldn't|unable to|not able to|won't|refuse to|impossible to|not possible to)\b"
    r"[^.;!?\n]{0,40}\b(?:score|rate|rating|assign|give|provide|determine|say|answer|judge|number|value|help|assess)\b",
    re.IGNORECASE,
)
_GUESS = re.compile(
    r"\b(?:maybe|perhaps|possibly|could be|might be|if|would have been|e\.g\.|for example|such as)\b[^.;!?\n]*$",
    re.IGNORECASE,
)


def number_said(text: str, low: float | None = None, high: float | None = None) -> float | None:
    """The number that a reply commits to, as it is written; None where there is none, several that differ, or one out of range.

    A number that is introduced ("Score: 0.7", "I would say 0.7", first in the reply) counts before those that are only mentioned;
    "final" before both. Per cent are hundredths where `low` and `high` lie in [-1, 1], which asks for a rate, else as written.

    >>> number_said("Score: 0.7 (on a scale from -1 to 1)", -1, 1), number_said("not 3 but 4"), number_said("between 0.2 and 0.4")
    (0.7, 4.0, None)
    """
    said = behind_thinking(text)
    if said is None:
        return None
    if len(said) > _READ:  # not from within a number
        half = _READ // 2
        said = f"{said[:half].rpartition(' ')[0]}\n\n{said[-half:].partition(' ')[2]}"
    found = _of_json(said)
    if found is None:
        found = _of_text(said, low, high)
    if found is None or (low is not None and found < low) or (high is not None and found > high):
        return None
    return found


def _of_json(said: str) -> float | None:
    """The number under the names of an answer in the reply's JSON, if all of them are one."""
    found = {float(value) for pairs in objects(said) for name, value in pairs if _is_answer(name, value)}
    return found.pop() if len(found) == 1 else None


def _is_answer(name: str, value: Json) -> bool:
    return str(name).lower() in _KEYS and isinstance(value, int | float) and not isinstance(value, bool)


def _of_text(said: str, low: float | None, high: float | None) -> float | None:
    rate = high is not None and high <= 1 and (low is None or low >= -1)
    said = _ITEM.sub("", said)
    if rate and (comma := _COMMA.fullmatch(said)):
        said = f"{comma[1]}.{comma[2]}"
    plain = _SCALE.sub(" ", _NAMED.sub("", folded(_MARKS.sub(lambda mark: " " if mark[0] == "_" else "", said))))
    plain = _OUT_OF.sub(lambda of: "" if high is not None and float(of[1]) == high else of[0], plain)
    if (word := _WORDS.get(plain.strip(" .!\n").lower())) is not None:
        return word
    ranks: dict[int, set[float | None]] = {}
    for rank, number in _given(plain, rate=rate):
        ranks.setdefault(rank, set()).add(None if number is None else _value(number, rate=rate))
    best = ranks.get(max(ranks, default=0), set())
    return best.pop() if len(best) == 1 else None


def _value(number: Number, *, rate: bool) -> float:
    return number.value if rate or not number.percent else number.mantissa * (number.factor or 1.0)


def _given(plain: str, *, rate: bool) -> Iterator[tuple[int, Number | None]]:
    """The numbers of a folded text that nothing denies, None for one of a range; 0 for a mention, 1 introduced, 2 as final."""
    for match, number in placed(plain):
        before, behind = (
            plain[max(0, match.start() - _NEAR) : match.start()],
            plain[match.end() : match.end() + 2 * _NEAR],
        )
        if number is not None and reads_as_label(number.text):
            continue
        clause = _TURN.split(before)[-1] if _TURN.search(before) else before
        if denied(clause, behind) and not re.search(r"\b(?:between|either)\W{0,3}$", clause):
            continue
        first = not plain[: match.start()].strip(" \n'\"(:=•-#>$")
        lead = first or _LEAD.search(before) is not None
        if _UNSAID.search(before) or _GUESS.search(clause):
            continue
        if other_place(behind) is not None or denied(clause, ""):
            yield int(lead), None
        else:
            final = (lead and _FINAL.search(before)) or _REVISED.search(before)
            yield 2 if final else int(lead), _without_account(number, match, before, rate=rate)


def _without_account(number: Number | None, match: re.Match[str], before: str, *, rate: bool) -> Number | None:
    """The number; brackets behind a word, "positive (0.7)", or round a rate are no minus but where they hold thousands or money."""
    aside = match["open"] and (rate or (re.search(r"[^\W\d] ?$", before) and not _LEAD.search(before)))
    if number is None or not aside or "," in match[0] or match["currency"] or (match["sign"] or match["inner_sign"]):
        return number
    return Number(abs(number.mantissa), number.factor, number.percent, number.text)
