"""Retrieve, then read: a language model sees only the sentences that an embedding finds nearest to the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.errors import BenchError
from bench.models.base import Answered, Model
from bench.models.composite import Composite
from bench.models.embedding import Embedding, sentences
from bench.types import Part, Request, Span, Text


class RetrieveThenRead(Composite):
    """`retriever` keeps the `n_sentences` nearest sentences of the context, in their order; `text_model` answers from them."""

    parts = frozenset({"text"})
    outputs = (Span,)
    stages = ("retriever", "text_model")

    def __init__(self, retriever: Embedding, text_model: Model, n_sentences: int = 1) -> None:
        if n_sentences < 1:
            raise BenchError(f"model.n_sentences={n_sentences} must be at least 1")
        self.retriever, self.text_model, self.n_sentences = retriever, text_model, n_sentences

    def predict(self, batch: Sequence[Request]) -> Answered:
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
