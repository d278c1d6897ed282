"""Values on a page by embeddings: of what stands beside or below a label, that whose label is nearest to what is asked for.

How a question tells the kind of its answer was written with questions on finmm's pages of another seed in sight.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.models.page_values import PAGE, Pair, asked_of, currency_of, kind_of, page_of, pairs, value_in, words_of
from bench.types import Request, Text

if TYPE_CHECKING:
    import torch

_LEAST = 0.35  # of the similarity of a label to what is asked for; below it the page does not say
_ABOVE = 0.05  # how much less a label counts that stands above
_WITHIN = 0.1  # the same for one that is only the beginning of a cell
_ASKS_FOR = (
    ("date", r"\bwhen\b|\b(?:what|which|the|on|pay|due|\w+ing) (?:\w+ )?(?:date|day)\b"),
    ("text", r"\b(?:who|whom|whose|bank|name|street|shop|place)\b"),
    ("amount", r"\b(?:how (?:much|high)|amount|sum|total|price|balance|figure|paid|tax|cash|pay)\b"),
    ("number", r"\b(?:number|account|reference|code|id|identif\w+)\b"),
)
_ASIDE = re.compile(r"(?:on|according|looking)\b[^,:]*[,:]", re.IGNORECASE)


def texts_of(request: Request, names: Sequence[str]) -> list[str]:
    """What has to be embedded: each field with its meaning, then the different labels of the page."""
    told = [
        f"{words_of(one.name)}: {one.meaning}" if one.meaning else words_of(one.name)
        for one in asked_of(request, names)
    ]
    return [*told, *_labels(list(pairs(page_of(request))))]


def _labels(found: Sequence[Pair]) -> list[str]:
    return [label for label in dict.fromkeys(words_of(pair.label) for pair in found) if label]


def fields_said(request: Request, names: Sequence[str], vectors: torch.Tensor) -> str:
    """A JSON object of the fields, out of the vectors [t, d] of `texts_of`."""
    found = list(pairs(page_of(request)))
    labels = {label: i for i, label in enumerate(_labels(found))}
    alike = (vectors[: len(names)] @ vectors[len(names) :].T).tolist()
    values: dict[str, str | None] = {}
    for one, row in zip(asked_of(request, names), alike, strict=True):
        kind, best = kind_of(one), _LEAST
        values[one.name] = None
        for pair in found if kind != "currency" else ():
            if not (label := words_of(pair.label)) or not (value := value_in(kind, pair.value)):
                continue
            if (score := row[labels[label]] - _ABOVE * pair.above) > best:
                best, values[one.name] = score, value
    for one in asked_of(request, names):
        if kind_of(one) == "currency":
            values[one.name] = currency_of(values)
    return json.dumps(values, ensure_ascii=False)


def is_of_page(request: Request) -> bool:
    """Whether the request holds the text of a page that was read, with what stands apart in its rows."""
    return any(isinstance(part, Text) and part.text.startswith(PAGE) for part in request.parts)


def question_texts(request: Request, question: str) -> list[str]:
    """What has to be embedded: the question, then the different labels of the page."""
    return [question, *_labels(list(pairs(page_of(request))))]


def value_said(request: Request, question: str, vectors: torch.Tensor) -> str:
    """The value whose label is nearest to the question, out of the vectors [t, d] of `question_texts`; "" where none fits."""
    page, kind = page_of(request), kind_asked(question)
    found = list(pairs(page))
    alike = dict(zip(_labels(found), (vectors[1:] @ vectors[0]).tolist(), strict=True))

    def score(pair: Pair) -> float:
        within = not pair.above and pair.value not in page[pair.place]
        return float(alike[words_of(pair.label)]) - _ABOVE * pair.above - _WITHIN * within

    fitting = [pair for pair in found if words_of(pair.label) and value_in(kind, pair.value)]
    return value_in(kind, max(fitting, key=score).value) if fitting else ""


def kind_asked(question: str) -> str:
    """What the answer to a question looks like: date, amount, number or text.

    >>> asked = "On this page, when was it paid?", "How much is the tax?", "Who pays?", "Which account number is given?"
    >>> [kind_asked(one) for one in asked]
    ['date', 'amount', 'text', 'number']
    """
    plain = _ASIDE.sub("", question.strip(), count=1).casefold()
    return next((kind for kind, pattern in _ASKS_FOR if re.search(pattern, plain)), "text")
