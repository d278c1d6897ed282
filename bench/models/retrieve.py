"""Retrieve, then read: a language model sees only the sentences that an embedding finds nearest to the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.embedding import Embedding, sentences
from bench.types import Json, Part, Prediction, Request, Span, Text


class RetrieveThenRead(Model):
    """`retriever` keeps the `n_sentences` nearest sentences of the context, in their order; `text_model` answers from them."""

    parts = frozenset({"text"})
    outputs = (Span,)

    def __init__(self, retriever: Embedding, text_model: Model, n_sentences: int = 1) -> None:
        if n_sentences < 1:
            raise BenchError(f"model.n_sentences={n_sentences} must be at least 1")
        self.retriever, self.text_model, self.n_sentences = retriever, text_model, n_sentences

    @property
    def revision(self) -> str:  # type: ignore[override]  # the two find their own out when asked
        """The retriever's and the text model's."""
        return f"{self.retriever.revision} + {self.text_model.revision}"

    @property
    def weights_sha256(self) -> str:  # type: ignore[override]
        """The retriever's and the text model's."""
        return f"{self.retriever.weights_sha256} + {self.text_model.weights_sha256}"

    def fetch(self) -> None:
        """Bring both models' weights."""
        self.retriever.fetch()
        self.text_model.fetch()

    def load(self, device: Device, *, seed: int) -> None:
        """Load both."""
        self.retriever.load(device, seed=seed)
        self.text_model.load(device, seed=seed)

    def free(self) -> None:
        """Have the text model let go of its reserve."""
        self.text_model.free()

    def describe(self) -> Mapping[str, Json]:
        """What the text model says."""
        return self.text_model.describe()

    def sync(self) -> None:
        """Wait for the device, which both share."""
        self.text_model.sync()

    def device_memory_bytes(self) -> int | None:
        """The peak of the device, which both share."""
        return self.text_model.device_memory_bytes()

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """Shorten each request's context, then let the text model answer."""
        return self.text_model.predict([self._shortened(request) for request in batch])

    def _shortened(self, request: Request) -> Request:
        output = request.output
        if not isinstance(output, Span) or output.context is None:
            raise BenchError(f"request {request.id!r} has no text to look in; put an OCR reader before this model")
        found = sentences(output.context)
        if len(found) <= self.n_sentences:
            return request
        vectors = self.retriever.embed([output.question, *found])
        nearest = sorted((vectors[1:] @ vectors[0]).topk(self.n_sentences).indices.tolist())
        kept = "\n".join(found[i] for i in nearest)
        parts: list[Part] = [
            replace(part, text=part.text.replace(output.context, kept)) if isinstance(part, Text) else part
            for part in request.parts
        ]
        return Request(request.id, tuple(parts), replace(output, context=kept))
