"""Rules for the text of a financial document: which kind it is, and what stands beside the usual names of its fields.

The names are those that such documents use in general, but they and the forms of values were written and mended with finmm pages of
another seed in sight, which share layouts and labels with those that are evaluated: on other documents expect less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from bench.models.base import Model
from bench.models.page_names import CALLED, CUES, GIVEN_AT_TOP
from bench.models.page_values import Asked, Pair, asked_of, currency_of, kind_of, page_of, pairs, value_in, words_of
from bench.types import Choose, Fields, Prediction, Request

_TITLE = re.compile(
    r"\b(?:invoice|receipt|statement|cheque|balance|sheet|slip|payslip|claim|application|form|copy|page|date|tel|phone|number|no|"
    r"original|duplicate|tax|vat|branch|logo|account)\b"
)
_NEAR = 0.86  # how alike a label that was misread is to its name, of 1
_HEAD = 6  # rows that are the top of a page


class PageRules(Model):
    """Chooses the kind of a document by the words on it, and reads fields off by labels, places and the form of values.

    A field whose name it does not know is looked for by the words of its name.
    """

    outputs = (Choose, Fields)
    uses_libraries = False
    uses_device = False
    answers_alone = True
    revision = "1"

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """A score for each label, or a JSON object of the fields."""
        return [self._one(request) for request in batch]

    def _one(self, request: Request) -> Prediction:
        page = page_of(request)
        match request.output:
            case Fields(names=names):
                found = fields_of(page, asked_of(request, names))
                return Prediction(request.id, text=json.dumps(found, ensure_ascii=False), finish="stop")
            case Choose(labels=labels):
                return Prediction(request.id, label_scores=kinds_of(page, labels))
        raise TypeError(f"rules cannot give {request.output!r}")


def kinds_of(page: Sequence[Sequence[str]], labels: Sequence[str]) -> dict[str, float]:
    """For each label the share of its cues that stand on the page; its own name at the top counts as three."""
    text = f" {' '.join(words_of(cell) for row in page for cell in row)} "
    top = f" {' '.join(words_of(cell) for row in page[:_HEAD] for cell in row)} "
    found = {}
    for label in labels:
        name = words_of(label)
        own = [cues for word in name.split() for cues in [CUES.get(word)] if cues]
        cues = dict.fromkeys(f"{'|'.join(own)}|{name}".strip("|").split("|"))
        found[label] = float(sum(f" {cue} " in text for cue in cues) + 3 * (f" {name} " in top))
    return found


def fields_of(page: Sequence[Sequence[str]], asked: Sequence[Asked]) -> dict[str, str | None]:
    """The value of each field, None where nothing fits."""
    near = list(pairs(page))
    found = {one.name: _labelled(one, near) or _at_top(one, page) or _alone(one, page) or None for one in asked}
    for one in asked:
        if kind_of(one) == "currency":
            found[one.name] = currency_of(found)
    return found


def called(name: str) -> list[str]:
    """The names that a field may go by, the likeliest first; of one that is not known the words of its name."""
    own = words_of(name.replace("_", " "))
    return list(dict.fromkeys([*CALLED.get(own, "").split("|"), own])) if own in CALLED else [own]


def _labelled(one: Asked, near: Sequence[Pair]) -> str:
    """The value whose label is most like one of the field's names; beside it before below it, the last of equal totals."""
    kind, best, value = kind_of(one), 0.0, ""
    if kind == "currency" or words_of(one.name) in GIVEN_AT_TOP:
        return ""
    names = called(one.name)
    for pair in near:
        label = words_of(pair.label)
        if not label or (said := _value(kind, one, pair)) == "":
            continue
        score = max(_alike(label, name) * (1 - 0.02 * n) for n, name in enumerate(names)) - 0.1 * pair.above
        if score > best or (score == best and kind == "amount" and not pair.above):
            best, value = score, said
    return value if best >= 0.5 else ""


def _value(kind: str, one: Asked, pair: Pair) -> str:
    """What of a pair is the field's value: of two years' figures the later one stands first."""
    if one.name.endswith(("_before", "_previous", "_prior")):
        return value_in(kind, pair.rest[0]) if pair.rest else ""
    if kind == "text" and words_of(pair.value) in _LABELS:
        return ""  # the next label, not a value
    return value_in(kind, pair.value) or (value_in(kind, pair.rest[0]) if kind == "amount" and pair.rest else "")


_LABELS = frozenset(name for names in CALLED.values() for name in names.split("|") if len(name) > 3)


def _alike(label: str, name: str) -> float:
    """1 for the same words, less for a label that was misread, 0 below `_NEAR`."""
    if label == name:
        return 1.0
    if len(name) < 4 or abs(len(label) - len(name)) > 3:
        return 0.0
    from rapidfuzz.distance import Indel

    ratio = Indel.normalized_similarity(label, name)
    return 0.9 * ratio if ratio >= _NEAR else 0.0


def _at_top(one: Asked, page: Sequence[Sequence[str]]) -> str:
    """The name at the top of a page for who gave the document out; for others nothing."""
    if (cues := GIVEN_AT_TOP.get(words_of(one.name))) is None:
        return ""
    cells = [cell for row in page[:_HEAD] for cell in row if not re.search(r"\d|@", cell) and len(cell) > 3]
    cells = [cell for cell in cells if not _TITLE.search(words_of(cell)) and words_of(cell) not in _LABELS]
    wanted = set(cues.split("|"))
    return next((cell for cell in cells if wanted & set(words_of(cell).split())), cells[0] if cells else "")


def _alone(one: Asked, page: Sequence[Sequence[str]]) -> str:
    """The only day of a page, or its only amount with a currency's sign, where nothing is called so."""
    kind = kind_of(one)
    if kind not in ("amount", "date"):
        return ""
    cells = [cell for row in page for cell in row if kind == "date" or re.search(r"[^\W\d]|[^\w\s.,'-]", cell)]
    found = {value for cell in cells if (value := value_in(kind, cell)) and (kind == "date" or value == cell)}
    return found.pop() if len(found) == 1 else ""
