"""What a text says, as the Prediction that a request asked for: for models that answer in words only."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence

from bench.types import Choose, Generate, Json, Output, Prediction, Regress, Request

_QUOTED = 120  # characters of a reply that an error shows


def instruction(output: Output) -> str:
    """What a model that answers in words must be told to choose or to rate; "" where the request says it all.

    >>> instruction(Choose(("up", "down")))
    'Answer with exactly one of these labels and nothing else: up; down'
    """
    match output:
        case Choose(labels=labels, several=True):
            return f"Answer with those of these labels that fit, separated by commas, and nothing else: {'; '.join(labels)}"
        case Choose(labels=labels):
            return f"Answer with exactly one of these labels and nothing else: {'; '.join(labels)}"
        case Regress(names=names, low=low, high=high):
            keys = ", ".join(
                f'"{name}": a number from {a:g} to {b:g}' for name, a, b in zip(names, low, high, strict=True)
            )
            return f"Answer with one JSON object and nothing else: {{{keys}}}"
    return ""


def longest(output: Output) -> int:
    """How many tokens an answer needs at most: a label's characters are no fewer than its tokens."""
    match output:
        case Generate(max_new_tokens=limit):
            return limit
        case Choose(labels=labels, several=several):
            return (sum if several else max)(len(label) + 2 for label in labels) + 8
        case Regress(names=names):
            return sum(len(name) + 24 for name in names) + 8
    raise ValueError(f"a model that answers in words cannot give {type(output).__name__}")


def read(request: Request, text: str, *, begun: str = "", prompt_tokens: int = 0, new_tokens: int = 0) -> Prediction:
    """The prediction that a model's text makes; one with an `error` that quotes the text where it holds no answer.

    `begun` is how the reply was to begin: it is taken off where the model says it again.
    """
    scores = values = None
    try:
        match request.output:
            case Choose(labels=labels, several=True):
                scores = chosen(labels, labels_in(text, labels))
            case Choose(labels=labels):
                scores = chosen(labels, [label_in(text, labels)])
            case Regress(names=names, low=low, high=high):
                values = numbers_in(text, names, low, high)
            case Generate(stop=stop):
                text = cut(without(text, begun), stop)
    except ValueError as error:
        return Prediction(request.id, error=str(error), prompt_tokens=prompt_tokens, new_tokens=new_tokens)
    said = text if scores is None and values is None else None
    return Prediction(request.id, said, None, scores, values, prompt_tokens=prompt_tokens, new_tokens=new_tokens)


def without(text: str, begun: str) -> str:
    """The reply behind what it was to begin with, whole or only its quote.

    >>> [without(reply, 'Answer: "') for reply in ('Answer: "Bohemia"', ' "Bohemia"', "answer: Bohemia", "Bohemia")]
    ['Bohemia"', 'Bohemia"', 'Bohemia', 'Bohemia']
    """
    if not begun:
        return text
    words = begun.strip().rstrip("\"'")
    quote = begun.strip()[len(words) :]
    lead = rf"\s*(?:{re.escape(words.strip())}\s*)?(?:{re.escape(quote)})?"
    return text[found.end() :] if (found := re.match(lead, text, re.IGNORECASE)) else text


def cut(text: str, stop: Sequence[str]) -> str:
    """The text before the first of the stop strings, which some servers hand on and others do not."""
    return text[: min((text.find(end) for end in stop if end in text), default=len(text))]


def chosen(labels: Sequence[str], found: Iterable[str]) -> dict[str, float]:
    """1 for the labels that were found, 0 for the others."""
    taken = set(found)
    return {label: float(label in taken) for label in labels}


def label_in(text: str, labels: Sequence[str]) -> str:
    """The one label that the text is, or else holds as whole words; raises ValueError where it holds none or more.

    >>> label_in("I would say: Card_Arrival.", ["card arrival", "arrival"])
    'card arrival'
    """
    found = labels_in(text, labels)
    if len(found) > 1:
        raise ValueError(f"the reply names more than one label, {listed(found)}: {_quote(text)}")
    return found[0]


def labels_in(text: str, labels: Sequence[str]) -> list[str]:
    """The labels that the text is or holds, each once, in their own order; raises ValueError where it holds none.

    Case, underscores and white space do not count. Of labels within each other the longest is taken.
    """
    by_form = {form(label): label for label in labels}
    if (whole := form(text.strip(" \t\r\n\"'`*.!"))) in by_form:
        return [by_form[whole]]
    forms = "|".join(re.escape(form) for form in sorted(by_form, key=len, reverse=True))
    held = {by_form[form] for form in re.findall(rf"(?<!\w)(?:{forms})(?!\w)", form(text))}
    if not held:
        raise ValueError(f"the reply names none of the labels {listed(labels)}: {_quote(text)}")
    return [label for label in labels if label in held]


def numbers_in(text: str, names: Sequence[str], low: Sequence[float], high: Sequence[float]) -> dict[str, float]:
    """The numbers of the first JSON object in the text that has all the names.

    Raises ValueError where there is none, or where a number is missing or outside its range.
    """
    for start in (match.start() for match in re.finditer(r"\{", text)):
        try:
            found = json.JSONDecoder().raw_decode(text, start)[0]
        except ValueError:
            continue
        if isinstance(found, dict) and set(names) <= set(found):
            return {name: _within(name, found[name], a, b) for name, a, b in zip(names, low, high, strict=True)}
    raise ValueError(f"the reply holds no JSON object with {listed(names)}: {_quote(text)}")


def _within(name: str, value: Json, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"the reply's {name} is no number: {_quote(str(value))}")
    if not low <= value <= high:
        raise ValueError(f"the reply's {name} is {value:g}, outside {low:g} to {high:g}")
    return float(value)


def form(text: str) -> str:
    """A label without case, underscores and doubled spaces."""
    return " ".join(text.replace("_", " ").casefold().split())


def listed(names: Sequence[str]) -> str:
    """The first eight names."""
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def _quote(text: str) -> str:
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")
