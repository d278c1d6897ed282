"""Sentence embeddings: the nearest label, a place between two poles, or the sentence that answers a question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models import fixed_passes, nearest_fields
from bench.models.base import Device
from bench.models.encoder_head import longest_row
from bench.models.remembered import Remembered, of_text
from bench.models.torch_model import TorchModel
from bench.types import Choose, Fields, Generate, Prediction, Regress, Request, Span, Text

if TYPE_CHECKING:
    import torch

_LETTERS_A_TOKEN = 4  # about
_SENTENCE = re.compile(r"[^\n.!?]+(?:[.!?](?!\s|$)[^\n.!?]*)*[.!?]*")


class Embedding(TorchModel):
    """Mean-pooled, normalised embeddings. Each different text is embedded once a run, in passes of fixed shapes.

    Its vector does not depend on what else was embedded before or with it (`fixed_passes`), so that it may be kept, and a run
    that was resumed answers as one that was not.

    It writes nothing: where a reply is asked for, it is the sentence of what stands before the last text that is nearest to that.
    For fields of a page and questions on one see `nearest_fields`.

    `poles` describes the two ends of each scale by sentences: {"valence": {"low": [...], "high": [...]}}. A text's value is
    its place between the ends: low + (high - low) · sigmoid(sharpness · (similarity to high - similarity to low)), with each
    similarity the mean over the end's `nearest` most similar sentences.
    """

    auto_class = "AutoModel"
    spare_weights = ("pooler.",)  # the mean is taken here
    parts = frozenset({"text"})
    outputs = (Choose, Regress, Span, Generate)
    answers_alone = True

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        poles: dict[str, dict[str, list[str]]] | None = None,
        sharpness: float = 8.0,
        nearest: int = 3,
        max_tokens: int = 256,
    ) -> None:
        super().__init__(source, sha256)
        self.poles, self.sharpness, self.nearest, self.max_tokens = poles or {}, sharpness, nearest, max_tokens
        self._vectors: Remembered[Any] = Remembered(lambda vector: vector.nbytes)  # arrays [d] of float32
        self._known: dict[tuple[str, ...], torch.Tensor] = {}

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and see that texts of different lengths can go together; vectors of another load are forgotten."""
        self._vectors.clear()
        self._known.clear()
        super().load(device, seed=seed)
        if self.tokenizer.pad_token is None:  # what stands there is masked
            ends = self.tokenizer.eos_token or self.tokenizer.unk_token or self.tokenizer.sep_token
            if ends is None:
                raise BenchError(
                    f"{self.source}: the tokenizer has no padding token; name one in tokenizer_config.json"
                )
            self.tokenizer.pad_token = ends
        self.most = longest_row(self.model, self.tokenizer)
        self.portion, self.unit_tokens = self.unit_tokens or 1, None  # a batch need not be cut: see `predict`
        self.per_pass = fixed_passes.tokens_per_pass(device.kind, device.threads)

    def forget(self) -> None:
        """Forget the vectors of texts, but for those of labels and poles."""
        self._vectors.clear()

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors [n, d] in float32, on the CPU."""
        return as_matrix(self.vectors(texts), texts)

    def vectors(self, texts: Iterable[str]) -> dict[str, Any]:
        """The unit vector of each different text, as an array [d] of float32."""
        keys = {text: of_text(text) for text in dict.fromkeys(texts)}
        found = {text: vector for text, key in keys.items() if (vector := self._vectors.get(key)) is not None}
        missing = [text for text in keys if text not in found]
        for text, vector in self._encoded(missing):
            self._vectors.keep(keys[text], vector)
            found[text] = vector
        return found

    def _encoded(self, texts: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """The texts with their vectors, in some order."""
        if not texts:
            return
        ids = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens, return_attention_mask=False)
        rows: list[list[int]] = ids["input_ids"]
        for group, width, n_rows in fixed_passes.passes([len(row) for row in rows], self.most, self.per_pass):
            filled = [rows[group[i % len(group)]] for i in range(n_rows)]
            for i, vector in zip(group, self._pooled(filled, width), strict=False):  # the rest fills the pass up
                yield texts[i], vector.copy()  # not a view, which would hold the whole pass

    def _pooled(self, rows: Sequence[Sequence[int]], width: int) -> Any:
        """Unit vectors [n, d] of rows of tokens, padded to `width`."""
        import torch

        padded = self.tokenizer.pad(
            {"input_ids": list(rows)}, padding="max_length", max_length=width, return_tensors="pt", return_attention_mask=True,
        )  # fmt: skip
        tokens = {name: padded[name].to(self.device) for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            states = self.model(**tokens).last_hidden_state.float()
            mask = tokens["attention_mask"].unsqueeze(-1)
            return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1).cpu().numpy()

    def predict(self, batch: Sequence[Request]) -> Iterator[list[Prediction]]:
        """The predictions in order, in groups of requests whose new texts take some seconds."""
        waiting: list[tuple[Request, list[str]]] = []
        new: set[str] = set()
        for request in batch:
            texts = self._texts(request)
            waiting.append((request, texts))
            new.update(text for text in texts if self._vectors.get(of_text(text)) is None)
            if sum(map(len, new)) > _LETTERS_A_TOKEN * self.portion:
                yield self._group(waiting)
                waiting, new = [], set()
        if waiting:
            yield self._group(waiting)

    def _group(self, asked: Sequence[tuple[Request, list[str]]]) -> list[Prediction]:
        known = self.vectors(text for _, texts in asked for text in texts)
        return [self._one(request, texts, as_matrix(known, texts)) for request, texts in asked]

    def _texts(self, request: Request) -> list[str]:
        """What of a request has to be embedded: the question and the sentences, or the last thing that the user says."""
        if isinstance(request.output, Span):
            if request.output.context is None:
                raise BenchError(f"request {request.id!r} has no text to look in; put an OCR reader before this model")
            if nearest_fields.is_of_page(request):
                return nearest_fields.question_texts(request, request.output.question)
            return [request.output.question, *sentences(request.output.context)]
        if isinstance(request.output, Fields):
            return nearest_fields.texts_of(request, request.output.names)
        said = [part.text for part in request.parts if isinstance(part, Text)]
        if isinstance(request.output, Generate):
            return [said[-1], *(sentence for text in said[:-1] for sentence in sentences(text))] if said else [""]
        return [[part.text for part in request.parts if isinstance(part, Text) and part.role == "user"][-1]]

    def _one(self, request: Request, texts: Sequence[str], vectors: torch.Tensor) -> Prediction:
        match request.output:
            case Fields(names=names):
                return Prediction(request.id, text=nearest_fields.fields_said(request, names, vectors), finish="stop")
            case Span(question=question) if nearest_fields.is_of_page(request):
                return Prediction(request.id, text=nearest_fields.value_said(request, question, vectors), finish="stop")
            case Generate():
                if len(texts) < 2:
                    return Prediction(request.id, text="", finish="stop")
                return Prediction(request.id, text=texts[1 + int((vectors[1:] @ vectors[0]).argmax())], finish="stop")
            case Choose(labels=labels):
                similar = (self._fixed(labels) @ vectors[0]).tolist()
                return Prediction(request.id, label_scores=dict(zip(labels, similar, strict=True)))
            case Regress(names=names, low=low, high=high):
                values = {n: a + (b - a) * self._place(n, vectors[0]) for n, a, b in zip(names, low, high, strict=True)}
                return Prediction(request.id, values=values)
        raise TypeError(f"embeddings cannot give {request.output!r}")

    def _place(self, name: str, vector: torch.Tensor) -> float:
        """Where between its poles a text lies, in (0, 1)."""
        import torch

        if name not in self.poles:
            raise BenchError(
                f"no poles for the scale {name!r}; give model.poles.{name}.low and .high as lists of sentences"
            )
        low, high = (
            (self._fixed(tuple(self.poles[name][end])) @ vector).topk(self.nearest).values.mean()
            for end in ("low", "high")
        )
        return float(torch.sigmoid(self.sharpness * (high - low)))

    def _fixed(self, texts: tuple[str, ...]) -> torch.Tensor:
        if texts not in self._known:
            self._known[texts] = self.embed(texts)
        return self._known[texts]


def as_matrix(vectors: Mapping[str, Any], texts: Sequence[str]) -> torch.Tensor:
    """The vectors of these texts as a matrix [n, d], which lies in memory as any other does: products may depend on that."""
    import torch

    return torch.stack([torch.from_numpy(vectors[text]) for text in texts])


def sentences(text: str) -> list[str]:
    """The sentences of a text; a full stop inside a number or abbreviation without a space does not end one.

    >>> sentences("It costs 12.5 % a year. Who pays?")
    ['It costs 12.5 % a year.', 'Who pays?']
    """
    return [found for match in _SENTENCE.finditer(text) if (found := match.group().strip())]
