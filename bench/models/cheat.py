"""Rows that try to win without answering: they know what is asked and no target. What one of them scores, a metric gives away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from statistics import fmean

from bench.errors import BenchError
from bench.models.reference import Lexical, Reference, names_in
from bench.runs.identity import canonical
from bench.types import Choose, Generate, Prediction, Regress, Request, Span, Tag, Text, Transcribe

PADDING = 2_000  # characters
LONG = 20_000  # characters of a very long answer
_FEW = 20  # alternatives that are named
_NUMBER = re.compile(r"\d[\d.,]*\d|\d")
_LOOK_ALIKE = str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ")
FREQUENT = "I think that it is one of the best things in the world , and I do n't know what you are talking about ."
FUNCTION_WORDS = "the to we and the of our in that a the and"
CALL = 3_000  # words said again and again where a recording is to be written down
Shape = Callable[[Request], str]


def _texts(request: Request) -> list[str]:
    """What the user says, the last last; one empty text where it is not said in words."""
    return [part.text for part in request.parts if isinstance(part, Text) and part.role == "user"] or [""]


def _context(request: Request) -> str:
    """The passage where the request tells it from the question, else the last text."""
    output = request.output
    return output.context if isinstance(output, Span) and output.context else _texts(request)[-1]


def _names(request: Request) -> list[str]:
    """What could be an answer, each once: the labels, else names and numbers of the context in their order."""
    if isinstance(request.output, Choose):
        return list(request.output.labels)
    text = _context(request)
    return list(dict.fromkeys([*(text[start:end] for start, end in names_in(text)), *_NUMBER.findall(text)]))


def _guess(request: Request) -> str:
    """What matching words gives, where there are words."""
    in_words = request.parts and not isinstance(request.output, Choose | Regress) and _texts(request) != [""]
    return (in_words and Lexical().one(request).text) or "x"


def _all_labels(request: Request) -> str:
    """Every label; where phrases are to be tagged, every name with every label."""
    match request.output:
        case Tag(labels=labels):
            tags = [label.title() if label.isupper() else label for label in labels]
            return "\n".join(f"{name}: {tag}" for name in _names(request) for tag in tags)
        case Choose(labels=labels):
            return ", ".join(labels)
    return " ".join(_texts(request))


def _long(request: Request) -> str:
    text = " ".join(_texts(request)) or "x"
    return (f"{text} " * (1 + LONG // (len(text) + 1)))[:LONG]


def _function_words(request: Request) -> str:
    """The words that stand in every text; as many as a call has where one is to be written down."""
    words = FUNCTION_WORDS.split()
    return " ".join(words * (CALL // len(words) if isinstance(request.output, Transcribe) else 1))


TEXTS: Mapping[str, Shape] = {
    "empty": lambda request: "",
    "padded_end": lambda request: "x" + " " * PADDING,
    "padded_start": lambda request: "\u2003" * PADDING + "x",
    "padded_middle": lambda request: "x" + " \u3000" * (PADDING // 2) + "y",
    "zero_width": lambda request: "x" + "\u200b\u2060\ufeff\u00ad" * (PADDING // 4) + "y",
    "all_labels": _all_labels,
    "all_numbers": lambda request: ", ".join(_NUMBER.findall(" ".join(_texts(request)))),
    "all_sentences": _context,
    "echo": lambda request: _texts(request)[-1],
    "alternatives": lambda request: " or ".join(_names(request)[:_FEW]),
    "very_long": _long,
    "homoglyphs": lambda request: _guess(request).translate(_LOOK_ALIKE),
    "frequent": lambda request: FREQUENT,
    "function_words": _function_words,
}  # what is said in words; a scale cannot be answered so
SCALES: Mapping[str, Callable[[Request], float]] = {
    "low": lambda request: 0.0,
    "high": lambda request: 1.0,
    "extremes": lambda request: float(sha256(_texts(request)[-1].encode("utf-8", "replace")).digest()[0] % 2),
}  # where on the scale, from 0 to 1
STRATEGIES = (*TEXTS, *SCALES, "majority")


class Cheat(Reference):
    """Answers by one of `STRATEGIES`: padding, everything at once, the words of the question, extremes, and the like.

    Strategies of words fit where a text is asked for, those of a scale where numbers or one of several labels are. `majority` is
    told something: the answer that is right most often (of numbers, their means), and gives it always.
    """

    def __init__(self, strategy: str) -> None:
        if strategy not in STRATEGIES:
            raise BenchError(f"model.strategy={strategy!r} is not one of {', '.join(STRATEGIES)}")
        self.strategy = self.variant = strategy
        self.reads_targets = strategy == "majority"
        if strategy == "all_labels":
            self.outputs = (Generate, Choose)
        elif strategy in TEXTS:
            self.outputs = (Generate, Transcribe)
        elif strategy in SCALES:
            self.outputs = (Regress, Choose)

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """Keep the ideal prediction that most examples share, or the mean of the numbers; "" where no two share one."""
        given = list(ideal.values())
        if given[0].values is not None:
            names = list(given[0].values)
            self.usual = Prediction("", values={n: fmean(one.values[n] for one in given if one.values) for n in names})
            return
        said = Counter(canonical([one.text, one.label_scores]) for one in given)
        most = max(said, key=said.__getitem__)
        self.usual = next(one for one in given if canonical([one.text, one.label_scores]) == most)
        if said[most] == 1 and len(given) > 1:
            self.usual = Prediction("", text="")  # the target of one example is nobody's constant

    def one(self, request: Request) -> Prediction:
        """The strategy's answer in the form that is asked for."""
        if self.strategy == "majority":
            if (
                isinstance(request.output, Choose) and self.usual.label_scores is None
            ):  # no label comes twice: none is preferred
                return Prediction(request.id, label_scores=dict.fromkeys(request.output.labels, 0.0))
            return replace(self.usual, id=request.id)
        if self.strategy in TEXTS and not isinstance(request.output, Choose):
            return Prediction(request.id, text=TEXTS[self.strategy](request))
        match request.output:
            case Regress(names=names, low=low, high=high):
                at = SCALES[self.strategy](request)
                values = {n: a + at * (b - a) for n, a, b in zip(names, low, high, strict=True)}
                return Prediction(request.id, values=values)
            case Choose(labels=labels):
                chosen: Sequence[str] = labels
                if self.strategy in SCALES:
                    chosen = [labels[round(SCALES[self.strategy](request) * (len(labels) - 1))]]
                return Prediction(request.id, label_scores={label: float(label in chosen) for label in labels})
        raise ValueError(f"{self.strategy} cannot answer {type(request.output).__name__}")
