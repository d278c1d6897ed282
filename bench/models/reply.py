"""What a text says, as the Prediction that a request asked for: for models that answer in words only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from bench.text.reply import labels_mentioned, labels_said
from bench.text.stated_numbers import UNFINISHED, listed, numbers_in, quote
from bench.text.thinking import apart, behind_thinking, cut, joined, thinking
from bench.types import Choose, Generate, Output, Prediction, Regress, Request

_OPENED = re.compile(r'^[^\w"]{0,20}"{1,5}(?=[^"\n]*\w)')  # a bullet, a bracket, more quotes before the answer's own
_FENCED = re.compile(r"```.*?(?:\n```|$(?!\n))", re.DOTALL)
UNREAD = "the reply "  # how the error of a reply begins that came but holds no answer


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


def read(request: Request, text: str, *, begun: str = "", finish: str = "none", **counts: Any) -> Prediction:
    """The prediction that a model's text makes; one with an `error` that quotes the text where it holds no answer.

    `begun` is how the reply was to begin: it is taken off where the model says it again. `finish` is how it ended; one that went
    on behind a stop string had ended there. `counts` are other fields of the prediction. Where a label or numbers are asked for,
    the thinking is taken out of the text here; of a text it is the engine that does.
    """
    if isinstance(request.output, Generate):
        said, ended = _answered(text, begun, request.output.stop)
        return Prediction(
            request.id, said, finish="stop" if ended and finish in ("length", "none") else finish, **counts
        )
    if finish == "error":
        return Prediction(request.id, error=f"the reply was broken off by an error: {quote(text)}", **counts)
    thought, answer = apart(text)
    counts["thinking"] = joined(counts.get("thinking"), thought)
    if answer is None:
        return Prediction(request.id, error=UNFINISHED, finish="length", **counts)
    scores = values = None
    try:
        match request.output:
            case Choose(labels=labels, several=several):
                scores = chosen(labels, labels_in(answer, labels, several=several), several=several)
            case Regress(names=names, low=low, high=high):
                values = numbers_in(answer, names, low, high)
    except ValueError as error:
        return Prediction(request.id, error=str(error), finish=finish, **counts)
    return Prediction(request.id, None, None, scores, values, finish=finish, **counts)


def _answered(text: str, begun: str, stop: Sequence[str]) -> tuple[str, bool]:
    """The reply up to its stop, and whether one came; in JSON and in a block of code that it begins with, nothing stops it.

    >>> [_answered(reply, 'Answer: "', ['"']) for reply in ('{"answer": "Bonn"}, "so"', '- "Bonn", it says', "Bonn")]
    [('{"answer": "Bonn"}, ', True), ('Bonn', True), ('Bonn', False)]
    """
    rest = without(text, begun)
    block = (behind_thinking(rest) or "").lstrip()
    if block and (end := _end_of_block(block)):
        end += max(0, rest.rfind(block))
        until = min((place for one in stop if (place := rest.find(one, end)) >= 0), default=len(rest))
        return rest[:until], until < len(rest)
    if begun.rstrip().endswith('"'):
        rest = _OPENED.sub("", rest, count=1)
    said = cut(rest, stop)
    return said, len(said) < len(rest)


def _end_of_block(text: str) -> int:
    """Where the JSON object or list, or the block of code, ends that a text begins with; 0 where it begins with none."""
    if fenced := _FENCED.match(text):
        return fenced.end()
    if text[:1] not in ("{", "["):
        return 0
    try:
        return json.JSONDecoder().raw_decode(text)[1]
    except (ValueError, RecursionError):
        return 0


def without(text: str, begun: str) -> str:
    """The reply behind what it was to begin with, whole or only its quote.

    >>> [without(reply, 'Answer: "') for reply in ('Answer: "Bohemia"', ' "Bohemia"', "answer: Bohemia", "Bohemia")]
    ['Bohemia"', 'Bohemia"', 'Bohemia', 'Bohemia']
    """
    if not begun:
        return text
    words = begun.strip().rstrip("\"'")
    quote = begun.strip()[len(words) :]
    lead = re.compile(rf"\s*(?:[*_]*{re.escape(words.strip())}[*_]*\s*)?(?:[*_]*{re.escape(quote)})?", re.IGNORECASE)
    spans, open_at = thinking(text)
    start = spans[-1][1] if spans and open_at is None else 0
    return text[:start] + text[found.end() :] if (found := lead.match(text, start)) else text


def chosen(labels: Sequence[str], found: Iterable[str], *, several: bool) -> dict[str, float]:
    """1 for the labels that were found; of a single one -1 for the others, since a label alone is no probability, else 0.

    >>> chosen(("up", "down"), ["up"], several=False), chosen(("up", "down"), ["up"], several=True)
    ({'up': 1.0, 'down': -1.0}, {'up': 1.0, 'down': 0.0})
    """
    taken = set(found)
    return {label: 1.0 if label in taken else 0.0 if several else -1.0 for label in labels}


def labels_in(text: str, labels: Sequence[str], *, several: bool) -> list[str]:
    """The labels that the reply gives, see `bench.text.reply`; raises ValueError where it gives none, or more than one is due."""
    if found := labels_said(text, labels, several=several):
        return found
    named = labels_mentioned(text, labels)
    if behind_thinking(text) is None:
        raise ValueError(f"{UNFINISHED}: {quote(text)}")
    if len(named) > 1 and not several:
        raise ValueError(f"the reply names more than one label, {listed(named)}: {quote(text)}")
    if named:
        raise ValueError(f"the reply mentions {listed(named)} without giving it as its answer: {quote(text)}")
    raise ValueError(f"the reply names none of the labels {listed(labels)}: {quote(text)}")
