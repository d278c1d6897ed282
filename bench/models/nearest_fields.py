"""Fields of a page by embeddings: of what stands beside or below a label, that whose label is nearest to what a field means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.models.page_values import Pair, asked_of, currency_of, kind_of, page_of, pairs, value_in, words_of
from bench.types import Request

if TYPE_CHECKING:
    import torch

_LEAST = 0.35  # of the similarity of a label to what is asked for; below it the page does not say
_ABOVE = 0.05  # how much less a label counts that stands above


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
