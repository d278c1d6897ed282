"""Questions about a page, answered from its words and where they stand (LayoutLM)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.page_places import Word
from bench.models.pages import Reader
from bench.models.torch_model import TorchModel
from bench.types import Image, Prediction, Request, Span

_TOKENS_PER_PASS = 8192


class Window(NamedTuple):
    """A stretch of a page behind the question, as tokens; `words` has the place of each token's word, None for others."""

    ids: list[int]
    types: list[int]
    boxes: list[tuple[int, int, int, int]]
    words: list[int | None]


class DocumentQA(TorchModel):
    """A LayoutLM for document question answering; `reader` gives it the words of the page and their boxes.

    A page that is longer than the model's context is read in windows of `max_tokens` tokens, each beginning with the
    question, that share `stride` tokens with the one before. The answer is the words of the span with the highest start
    logit plus end logit over all windows, within one window and `max_answer_words` words. A page without words has the
    answer "". Source: Xu et al. 2020, "LayoutLM" (KDD); windows and spans as in Devlin et al. 2019, "BERT" (NAACL).
    """

    auto_class = "AutoModelForDocumentQuestionAnswering"
    parts = frozenset({"text", "image"})
    needs = frozenset({"image"})
    outputs = (Span,)

    def __init__(
        self,
        source: str,
        reader: Reader,
        sha256: str | None = None,
        *,
        max_tokens: int = 512,
        stride: int = 128,
        max_answer_words: int = 20,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, trust)
        if not 0 <= stride < max_tokens or max_answer_words < 1:
            raise BenchError(
                f"model.stride={stride} must be from 0 to below model.max_tokens={max_tokens}, and "
                f"model.max_answer_words={max_answer_words} at least 1"
            )
        self.pages, self.max_tokens, self.stride, self.max_answer_words = reader, max_tokens, stride, max_answer_words

    @property
    def revision(self) -> str:  # type: ignore[override]
        """The reader's and the model's."""
        return f"{self.pages.revision} + {super().revision}"

    @property
    def weights_sha256(self) -> str:  # type: ignore[override]
        """The reader's and the model's."""
        return f"{self.pages.weights_sha256} + {super().weights_sha256}"

    def fetch(self) -> None:
        """Bring the weights of the reader and of the model."""
        self.pages.fetch()
        super().fetch()

    def load(self, device: Device, *, seed: int) -> None:
        """Load the reader and the model, which must be one that reads words and boxes alone."""
        super().load(device, seed=seed)
        if self.model.config.model_type != "layoutlm":
            raise BenchError(
                f"{self.source} is of type {self.model.config.model_type}, which needs the picture's pixels too; "
                "give a model of type layoutlm"
            )
        if not self.tokenizer.is_fast:
            raise BenchError(f"{self.source} has no fast tokenizer; add its tokenizer.json")
        self.limit = min(self.max_tokens, self.model.config.max_position_embeddings)
        self.pages.load(device)

    def prepare(self, batch: Sequence[Request]) -> None:
        """Read the pages of a batch that comes next."""
        self.pages.prepare(batch, words=True)

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """The answers of one batch; a request with a page that cannot be read has its own `error`."""
        found: list[Prediction | None] = []
        windows: list[tuple[int, list[Word], Window]] = []
        for i, request in enumerate(batch):
            try:
                windows += [(i, words, window) for words, window in self._windows(request)]
                found.append(None)
            except ValueError as error:
                found.append(Prediction(request.id, error=str(error)))
        best: dict[int, tuple[float, str]] = {}
        tokens = [0] * len(batch)
        for (i, words, window), (score, first, last) in zip(
            windows, self._spans([w for *_, w in windows]), strict=True
        ):
            tokens[i] += len(window.ids)
            if i not in best or score > best[i][0]:
                best[i] = score, " ".join(word.text for word in words[first : last + 1])
        return [
            one or Prediction(request.id, text=best.get(i, (0.0, ""))[1], prompt_tokens=tokens[i], finish="stop")
            for i, (request, one) in enumerate(zip(batch, found, strict=True))
        ]

    def _windows(self, request: Request) -> Iterator[tuple[list[Word], Window]]:
        """The windows of all pages of a request with their page's words; raises ValueError for a page or question that fails."""
        if not isinstance(request.output, Span):
            raise ValueError("this model finds an answer on a page; it was asked for something else")
        asked = request.output.question.split()
        if self.limit - self.tokenizer.num_special_tokens_to_add(pair=True) - self._n_tokens(asked) <= self.stride:
            raise ValueError(f"the question leaves no room for the page in {self.limit} tokens")
        for page in (part for part in request.parts if isinstance(part, Image)):
            if words := self.pages.words(page):
                yield from ((words, window) for window in self._cut(asked, words))

    def _n_tokens(self, words: list[str]) -> int:
        return (
            len(self.tokenizer(words, is_split_into_words=True, add_special_tokens=False)["input_ids"]) if words else 0
        )

    def _cut(self, asked: list[str], words: list[Word]) -> Iterator[Window]:
        """The page as windows. A word's tokens have its box; of the others, separators have the page's far corner."""
        found = self.tokenizer(
            asked or [""], [word.text for word in words], is_split_into_words=True, truncation="only_second",
            max_length=self.limit, stride=self.stride, return_overflowing_tokens=True, return_token_type_ids=True,
        )  # fmt: skip
        for n, encoding in enumerate(found.encodings):
            pairs = zip(encoding.sequence_ids, encoding.word_ids, strict=True)
            places = [word if sequence == 1 else None for sequence, word in pairs]
            ids = found["input_ids"][n]
            corner = [(1000,) * 4 if token == self.tokenizer.sep_token_id else (0,) * 4 for token in ids]
            boxes = [words[w].box if w is not None else other for w, other in zip(places, corner, strict=True)]
            if any(place is not None for place in places):
                yield Window(ids, found["token_type_ids"][n], boxes, places)

    def _spans(self, windows: Sequence[Window]) -> list[tuple[float, int, int]]:
        """The best span of each window: its score and the places of its first and last word."""
        order = sorted(range(len(windows)), key=lambda i: len(windows[i].ids))
        found: dict[int, tuple[float, int, int]] = {}
        while order:
            n = max(1, _TOKENS_PER_PASS // len(windows[order[-1]].ids))  # the longest that is left is last
            places, order = order[-n:], order[:-n]
            group = [windows[i] for i in places]
            for i, window, start, end in zip(places, group, *self._logits(group), strict=True):
                found[i] = best_span(window.words, start, end, self.max_answer_words)
        return [found[i] for i in range(len(windows))]

    def _logits(self, group: Sequence[Window]) -> tuple[list[list[float]], list[list[float]]]:
        """Start and end logits [b, t] of a padded group."""
        import torch

        width = max(len(window.ids) for window in group)

        def padded(rows: Sequence[Sequence[Any]], filler: Any) -> torch.Tensor:
            return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows], device=self.device)

        inputs = {
            "input_ids": padded([window.ids for window in group], self.tokenizer.pad_token_id or 0),
            "attention_mask": padded([[1] * len(window.ids) for window in group], 0),
            "bbox": padded([window.boxes for window in group], (0, 0, 0, 0)),
        }
        if self.model.config.type_vocab_size > 1:
            inputs["token_type_ids"] = padded([window.types for window in group], 0)
        with torch.inference_mode():
            found = self.model(**inputs)
        return found.start_logits.float().tolist(), found.end_logits.float().tolist()


def best_span(
    words: Sequence[int | None], start: Sequence[float], end: Sequence[float], longest: int
) -> tuple[float, int, int]:
    """The highest start plus end logit of a span of at most `longest` words, and its first and last word.

    `words` has the word of each token; a span begins and ends in tokens that have one. Of equal spans the first is taken.

    >>> best_span([None, 0, 0, 1, 2], [9, 1, 0, 2, 0], [9, 0, 1, 0, 3], 2)
    (5, 1, 2)
    """
    places = [i for i, word in enumerate(words) if word is not None]
    best: tuple[float, int, int] | None = None
    for n, i in enumerate(places):
        for j in places[n:]:
            first, last = words[i], words[j]
            if first is None or last is None or last - first >= longest:
                break
            if best is None or start[i] + end[j] > best[0]:
                best = start[i] + end[j], first, last
    if best is None:
        raise ValueError("a window without words has no span")
    return best
