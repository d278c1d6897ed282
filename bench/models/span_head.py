"""Extractive question answering: a head that gives each token of a passage a score as first and as last of the answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.encoder_head import EncoderHead, Tokens
from bench.types import Prediction, Request, Span

_USUAL_WINDOW = 384


class Window(NamedTuple):
    """Some tokens of a passage beside the question: `first` of the passage stands at place `at` of row `ids`."""

    request: int
    first: int
    at: int
    usable: list[bool]


class Best(NamedTuple):
    """The best answer of a window, (first, last) token of the passage with its score, and the score of there being none."""

    score: float
    first: int
    last: int
    null: float


class SpanHead(EncoderHead):
    """The span of the passage with the highest sum of its first token's start logit and its last token's end logit.

    A passage that does not fit is read in windows of `max_length` tokens, of which neighbours share `stride` tokens; each
    holds the whole question, and the best span over all of them wins. All spans of at most `max_answer_length` tokens are
    compared, the earlier and shorter of equals wins. The score of no answer is the lowest over the windows of the sum of
    both logits of the first special token; where the request allows that there is no answer, it is empty if that score is
    more than `null_threshold` above the best span's. The probability of no answer is the sigmoid of the same difference.
    Source: Devlin et al. 2019, "BERT" (NAACL), section 4.3, and its run_squad.py, which compares only spans between the
    20 best starts and ends.
    """

    auto_class = "AutoModelForQuestionAnswering"
    outputs = (Span,)

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        max_length: int | None = None,
        stride: int = 128,
        max_answer_length: int = 30,
        null_threshold: float = 0.0,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, max_length=max_length, tokens_per_pass=tokens_per_pass, trust=trust)
        if stride < 0 or max_answer_length < 1:
            raise BenchError(
                f"model.stride={stride} must be at least 0 and model.max_answer_length={max_answer_length} at least 1"
            )
        self.stride, self.max_answer_length, self.null_threshold = stride, max_answer_length, null_threshold

    def load(self, device: Device, *, seed: int) -> None:
        """Load; without `max_length` a window has 384 tokens, or fewer if the model takes fewer."""
        super().load(device, seed=seed)
        if self.max_length is None:
            self.limit = min(self.limit, _USUAL_WINDOW)
        if self.stride >= self.limit - self.pair.n_special - 1:
            raise BenchError(
                f"model.stride={self.stride} leaves nothing new in a window of {self.limit}; make it smaller"
            )

    def texts(self, request: Request) -> list[str]:
        """Question and passage."""
        output = request.output
        return [output.question, output.context] if isinstance(output, Span) and output.context is not None else []

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """The windows of all requests go through the model packed by length."""
        for request in batch:
            _refuse_unreadable(request)
        tokens = self.tokens(text for request in batch for text in self.texts(request))
        pairs = [(tokens[question], tokens[context]) for question, context in map(self.texts, batch)]
        windows, rows = [], []
        for number, (request, (question, context)) in enumerate(zip(batch, pairs, strict=True)):
            at = len(self.pair.before) + len(question.ids) + len(self.pair.between)
            usable = _with_letters(context, self.texts(request)[1])
            for first, after in self._windows(question, context) if any(usable) else ():
                windows.append(Window(number, first, at, usable[first:after]))
                rows.append(self.pair.row(question.ids, context.ids[first:after]))
        found: list[list[Best]] = [[] for _ in batch]
        for group, logits in self.passes(rows):
            for window, best in zip(group, self._best(logits, [windows[i] for i in group]), strict=True):
                found[windows[window].request].append(best)
        sizes = [0] * len(batch)
        for window_of, row in zip(windows, rows, strict=True):
            sizes[window_of.request] += len(row.ids)
        return [
            self._answer(request, context, best, size)
            for request, (_, context), best, size in zip(batch, pairs, found, sizes, strict=True)
        ]

    def _windows(self, question: Tokens, context: Tokens) -> Iterator[tuple[int, int]]:
        """(first token, token after the last) of each window; raises ValueError when the question leaves too little room."""
        room = self.limit - self.pair.n_special - len(question.ids)
        if len(context.ids) > room and room <= self.stride:
            raise ValueError(
                f"the question has {len(question.ids)} tokens, which leaves {max(room, 0)} of {self.limit} for the passage, "
                f"not more than model.stride={self.stride}; raise model.max_length, lower model.stride, or ask shorter"
            )
        first = 0
        while True:
            yield first, min(first + room, len(context.ids))
            if first + room >= len(context.ids):
                return
            first += room - self.stride

    def _best(self, logits: Any, windows: Sequence[Window]) -> list[Best]:
        """The best span of each window, out of start and end logits [b, t]."""
        import torch

        start, end = logits.start_logits.float(), logits.end_logits.float()
        width, most = start.shape[1], self.max_answer_length
        null_at = self._null_at()
        null = start[:, null_at] + end[:, null_at]
        rows = [[False] * w.at + w.usable + [False] * (width - w.at - len(w.usable)) for w in windows]
        unusable = ~torch.tensor(rows, device=self.device)
        start, end = start.masked_fill(unusable, -math.inf), end.masked_fill(unusable, -math.inf)
        ends = torch.nn.functional.pad(end, (0, most - 1), value=-math.inf).unfold(1, most, 1)  # [b, t, most]
        score, place = (start[:, :, None] + ends).flatten(1).max(dim=1)
        values = zip(windows, score.tolist(), place.tolist(), null.tolist(), strict=True)
        found = []
        for window, value, where, none in values:
            first = where // most - window.at + window.first
            found.append(Best(value, first, first + where % most, none))
        return found

    def _null_at(self) -> int:
        """Where in a row the token stands whose logits speak for no answer: the class token, else the first."""
        ids = [token for token, _ in self.pair.before]
        return ids.index(self.tokenizer.cls_token_id) if self.tokenizer.cls_token_id in ids else 0

    def _answer(self, request: Request, context: Tokens, windows: Sequence[Best], n_tokens: int) -> Prediction:
        allowed = may_be_unanswerable(request)
        if not windows:
            return Prediction(request.id, text="", no_answer=1.0)  # nothing to read, which only then is an answer
        best = max(windows, key=lambda found: (found.score, -found.first))
        if not math.isfinite(best.score):
            raise ValueError("the model gave no finite score to any span; use dtype=float32 or bfloat16")
        ahead = min(found.null for found in windows) - best.score
        no_answer = 0.5 * (1.0 + math.tanh(ahead / 2)) if allowed else None  # the sigmoid, without overflow
        if allowed and ahead > self.null_threshold:
            return Prediction(request.id, text="", no_answer=no_answer, prompt_tokens=n_tokens)
        text = self.texts(request)[1]
        start, end = context.places[best.first][0], context.places[best.last][1]
        start += len(text[start:end]) - len(text[start:end].lstrip())
        end -= len(text[start:end]) - len(text[start:end].rstrip())
        return Prediction(request.id, span=(start, end), no_answer=no_answer, prompt_tokens=n_tokens)


def may_be_unanswerable(request: Request) -> bool:
    """Whether the request takes an empty answer, that is, one that says that the passage does not answer it."""
    return bool(getattr(request.output, "may_be_unanswerable", False))


def _refuse_unreadable(request: Request) -> None:
    """Raise ValueError where there is no passage, or an empty one although the question must be answered."""
    output = request.output
    if not isinstance(output, Span) or output.context is None:
        raise ValueError(f"request {request.id!r} has no text to look in; put an OCR reader before this model")
    if not output.context.strip() and not may_be_unanswerable(request):
        raise ValueError(f"request {request.id!r} has an empty passage, so that there is no answer to point at")


def _with_letters(context: Tokens, text: str) -> list[bool]:
    """Which tokens stand for more than white space: only they can begin or end an answer."""
    return [bool(text[start:end].strip()) for start, end in context.places]
