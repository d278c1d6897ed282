"""A head that gives each token a label: which phrases of a text are a term, an entity, …"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import accumulate

from bench.models.base import Device
from bench.models.encoder_head import Tokens
from bench.models.labelled_head import LabelledHead
from bench.types import Prediction, Request, Tag

_PREFIX = re.compile(r"^([BIESLU])[-_](.+)$")
_BEGINS = "BSU"  # of BIO, BIOES and BILOU: what begins a phrase


class Tagger(LabelledHead):
    """Each piece of the text gets the label of the token that holds its first letter, as a tag O, B-LABEL or I-LABEL.

    The model's labels may be BIO, BIOES, BILOU or without a prefix, where equal neighbours are one phrase; `labels` maps
    them, without prefix, to those of the request. A text that is too long keeps its beginning: the pieces behind it get O,
    and the Prediction says how many tokens were cut.
    """

    auto_class = "AutoModelForTokenClassification"
    outputs = (Tag,)

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and take the labels apart: (prefix, name) of each."""
        super().load(device, seed=seed)
        split = [(match[1], match[2]) if (match := _PREFIX.match(label)) else ("", label) for label in self.own]
        self.split = [(prefix, "" if name.upper() == "O" else name) for prefix, name in split]
        self.own = [name for name in dict.fromkeys(name for _, name in self.split) if name]

    def texts(self, request: Request) -> list[str]:
        """The text that is to be tagged."""
        return ["".join(request.output.pieces)] if isinstance(request.output, Tag) else []

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """All texts of the batch go through the model packed by length."""
        for request in batch:
            if not isinstance(request.output, Tag) or not request.output.pieces:
                raise ValueError(f"request {request.id!r} has no pieces of text to tag")
        tokens = self.tokens(text for request in batch for text in self.texts(request))
        found = [tokens[self.texts(request)[0]] for request in batch]
        room = self.limit - self.single.n_special
        rows = [self.single.row(one.ids[:room]) for one in found]
        chosen: list[list[int]] = [[] for _ in batch]
        for group, output in self.passes(rows):
            for number, labels in zip(group, output.logits.argmax(-1).tolist(), strict=True):
                chosen[number] = labels[len(self.single.before) :][: min(room, len(found[number].ids))]
        done = []
        for request, one, labels, row in zip(batch, found, chosen, rows, strict=True):
            assert isinstance(request.output, Tag)  # noqa: S101 - checked for the whole batch above
            tags = self._tags(request.output, one, labels)
            text = json.dumps(
                [list(pair) for pair in zip(request.output.pieces, tags, strict=True)], ensure_ascii=False
            )
            cut = max(len(one.ids) - room, 0)
            done.append(Prediction(request.id, text=text, prompt_tokens=len(row.ids), truncated=cut, finish="stop"))
        return done

    def _tags(self, output: Tag, tokens: Tokens, labels: Sequence[int]) -> list[str]:
        """The tag of each piece, from the labels of the tokens that were read."""
        names = {self.own[i]: label for label, i in self.places(output.labels, all_wanted=False).items()}
        tags, before = [], ""
        for token in first_tokens(output.pieces, tokens.places):
            prefix, own = self.split[labels[token]] if token is not None and token < len(labels) else ("", "")
            name = names.get(own, "")
            begins = prefix in _BEGINS if prefix else name != before
            tags.append(f"{'B' if begins else 'I'}-{name}" if name else "O")
            before = name
        return tags


def first_tokens(pieces: Sequence[str], places: Sequence[tuple[int, int]]) -> list[int | None]:
    """The number of the token that holds the first letter of each piece; None where no token does.

    `places` are those of the tokens in the text that the pieces make together.

    >>> first_tokens(["Wells ", "Fargo"], [(0, 2), (2, 5), (5, 11)])
    [0, 2]
    """
    found: list[int | None] = []
    token = 0
    for piece, start in zip(pieces, accumulate(map(len, pieces), initial=0), strict=False):
        letter = start + len(piece) - len(piece.lstrip())
        while token < len(places) and places[token][1] <= letter:
            token += 1
        found.append(token if token < len(places) and places[token][0] <= letter else None)
    return found
