"""Sentence embeddings: the nearest label, a place between two poles, or the sentence that answers a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.torch_model import TorchModel
from bench.types import Choose, Prediction, Regress, Request, Span, Text

if TYPE_CHECKING:
    import torch

_SENTENCE = re.compile(r"[^\n.!?]+(?:[.!?](?!\s|$)[^\n.!?]*)*[.!?]*")


class Embedding(TorchModel):
    """Mean-pooled, normalised embeddings.

    `poles` describes the two ends of each scale by sentences: {"valence": {"low": [...], "high": [...]}}. A text's value is
    its place between the ends: low + (high - low) · sigmoid(sharpness · (similarity to high - similarity to low)), with each
    similarity the mean over the end's `nearest` most similar sentences.
    """

    auto_class = "AutoModel"
    spare_weights = ("pooler.",)  # the mean is taken here
    parts = frozenset({"text"})
    outputs = (Choose, Regress, Span)

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
        self._known: dict[tuple[str, ...], torch.Tensor] = {}

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and see that texts of different lengths can go together."""
        super().load(device, seed=seed)
        if self.tokenizer.pad_token is None:  # what stands there is masked
            ends = self.tokenizer.eos_token or self.tokenizer.unk_token or self.tokenizer.sep_token
            if ends is None:
                raise BenchError(
                    f"{self.source}: the tokenizer has no padding token; name one in tokenizer_config.json"
                )
            self.tokenizer.pad_token = ends

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors [n, d] in float32."""
        import torch

        tokens = self.encode(texts, truncation=True, max_length=self.max_tokens)
        with torch.inference_mode():
            states = self.model(**tokens).last_hidden_state.float()
        mask = tokens["attention_mask"].unsqueeze(-1)
        return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """All texts of the batch are embedded in one pass; labels and poles only once a run."""
        groups = [self._texts(request) for request in batch]
        vectors = self.embed([text for group in groups for text in group])
        done, start = [], 0
        for request, group in zip(batch, groups, strict=True):
            done.append(self._one(request, group, vectors[start : start + len(group)]))
            start += len(group)
        return done

    def _texts(self, request: Request) -> list[str]:
        """What of a request has to be embedded: the question and the sentences, or the last thing that the user says."""
        if isinstance(request.output, Span):
            if request.output.context is None:
                raise BenchError(f"request {request.id!r} has no text to look in; put an OCR reader before this model")
            return [request.output.question, *sentences(request.output.context)]
        return [[part.text for part in request.parts if isinstance(part, Text) and part.role == "user"][-1]]

    def _one(self, request: Request, texts: Sequence[str], vectors: torch.Tensor) -> Prediction:
        match request.output:
            case Span():
                if len(texts) < 2:
                    return Prediction(request.id, text="")
                return Prediction(request.id, text=texts[1 + int((vectors[1:] @ vectors[0]).argmax())])
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


def sentences(text: str) -> list[str]:
    """The sentences of a text; a full stop inside a number or abbreviation without a space does not end one.

    >>> sentences("It costs 12.5 % a year. Who pays?")
    ['It costs 12.5 % a year.', 'Who pays?']
    """
    return [found for match in _SENTENCE.finditer(text) if (found := match.group().strip())]
