"""Retrieve, then read: a language model sees only the sentences that an embedding finds nearest to the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.errors import BenchError
from bench.models.base import Answered, Model
from bench.models.embedding import Embedding, as_matrix, sentences
from bench.models.reading import Reading
from bench.types import Part, Request, Span, Text


class RetrieveThenRead(Reading):
    """`retriever` keeps the `n_sentences` nearest sentences of the context, in their order; `text_model` answers from them.

    A request that names no context is the text model's alone.
    """

    stages = ("retriever", "text_model")

    def __init__(self, retriever: Embedding, text_model: Model, n_sentences: int = 1) -> None:
        if n_sentences < 1:
            raise BenchError(f"model.n_sentences={n_sentences} must be at least 1")
        self.take(text_model, frozenset())
        self.retriever, self.text_model, self.n_sentences = retriever, text_model, n_sentences

    def reads(self, request: Request) -> bool:
        """Whether it names a context, which may be empty."""
        return isinstance(request.output, Span) and request.output.context is not None

    def predict(self, batch: Sequence[Request]) -> Answered:
        """Shorten all contexts, each different sentence embedded once, then pass on what the text model answers, as it comes."""
        found = [self._sentences(request) for request in batch]
        vectors = self.retriever.vectors(text for texts in found if self._too_many(texts) for text in texts)
        return self.text_model.predict(
            [self._shortened(request, texts, vectors) for request, texts in zip(batch, found, strict=True)]
        )

    def _sentences(self, request: Request) -> list[str]:
        """The question and the sentences of the context; nothing where there is none."""
        output = request.output
        if not isinstance(output, Span) or output.context is None:
            return []
        return [output.question, *sentences(output.context)]

    def _too_many(self, texts: Sequence[str]) -> bool:
        return len(texts) - 1 > self.n_sentences

    def _shortened(self, request: Request, texts: Sequence[str], vectors: Mapping[str, Any]) -> Request:
        output = request.output
        if not self._too_many(texts) or not isinstance(output, Span) or output.context is None:
            return request
        rows = as_matrix(vectors, texts)
        nearest = sorted((rows[1:] @ rows[0]).topk(self.n_sentences).indices.tolist())
        kept = "\n".join(texts[1 + i] for i in nearest)
        parts: list[Part] = [
            replace(part, text=part.text.replace(output.context, kept)) if isinstance(part, Text) else part
            for part in request.parts
        ]
        return Request(request.id, tuple(parts), replace(output, context=kept))
