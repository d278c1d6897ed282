"""Fields asked one by one: a model that answers a question is asked for each field, and its answers make the object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bench.errors import BenchError
from bench.models.base import Model, flat
from bench.models.composite import Composite
from bench.models.page_values import PAGE, Asked, asked_of, kind_of, value_in
from bench.types import Fields, Image, Part, Prediction, Request, Span, Text

_NOTHING = ("", "none", "null", "n/a", "not given", "not stated", "not mentioned", "unknown")
_TOKENS = 32  # of a value


class FieldByField(Composite):
    """Asks `text_model` a question for each field of a request; what is no request for fields is its own alone.

    A field whose question fails fails the request, with its reason.
    """

    stages = ("text_model",)

    def __init__(self, text_model: Model) -> None:
        if Span not in text_model.outputs and not any(issubclass(Span, one) for one in text_model.outputs):
            raise BenchError(f"{type(text_model).__name__} answers no questions about a text; choose a model that does")
        self.text_model = text_model
        self.parts, self.needs = text_model.parts, text_model.needs
        own = tuple(text_model.outputs)
        self.outputs = own if any(issubclass(Fields, one) for one in own) else (*own, Fields)

    def prepare(self, batch: Sequence[Request]) -> None:
        """The text model is told of the requests that it will get."""
        self.text_model.prepare([one for request in batch for one in _questions(request)])

    def cost(self, request: Request) -> int:
        """That of all questions."""
        return sum(self.text_model.cost(one) for one in _questions(request))

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """The answers of each request when all of its fields are there."""
        asked = {request.id: request for request in batch}
        waiting: dict[str, dict[str, Prediction]] = {request.id: {} for request in batch}
        owner = {one.id: request.id for request in batch for one in _questions(request)}
        for found in flat(self.text_model.predict([one for request in batch for one in _questions(request)])):
            request = asked[owner[found.id]]
            waiting[request.id][found.id] = found
            if len(waiting[request.id]) == len(_questions(request)):
                answers = [waiting[request.id][one.id] for one in _questions(request)]
                yield _together(request, request.output, answers) if isinstance(request.output, Fields) else answers[0]
        for request in batch:
            if not _questions(request):
                yield Prediction(request.id, text="{}", finish="stop")


def _questions(request: Request) -> list[Request]:
    """A request for each field; of what asks for no fields the very request."""
    if not isinstance(request.output, Fields):
        return [request]
    pages: list[Part] = [
        part
        for part in request.parts
        if isinstance(part, Image) or (isinstance(part, Text) and part.text.startswith(PAGE))
    ]
    context = "\n".join(part.text.removeprefix(PAGE) for part in pages if isinstance(part, Text))
    asked = asked_of(request, request.output.names)
    return [_question(request.id, i, pages, one, context) for i, one in enumerate(asked)]


def _question(name: str, i: int, pages: Sequence[Part], one: Asked, context: str) -> Request:
    """Question `i` about the pages; the pages come first, so that models that keep what a text begins with read them once."""
    told = one.name.replace("_", " ") + (f" ({one.meaning})" if one.meaning else "")
    question = f"What is the {told}?"
    lead = Text(
        "Answer the question with a few words of the page, and with none where the page does not say.", "system"
    )
    output = Span(_TOKENS, ('"', "\n"), question=question, context=context or None, may_be_unanswerable=True)
    return Request(f"{name}#{i}", (lead, *pages, Text(f"Question: {question}"), Text('Answer: "', "assistant")), output)


def _together(request: Request, output: Fields, answers: Sequence[Prediction]) -> Prediction:
    """The object, and the tokens of all questions; the first error where there is one."""
    counts = {key: sum(getattr(one, key) for one in answers) for key in ("prompt_tokens", "new_tokens", "truncated")}
    for field, one in zip(output.names, answers, strict=True):
        if one.error:
            return Prediction(request.id, error=f"field {field!r}: {one.error}", **counts)
    asked = asked_of(request, output.names)
    values = {field.name: _value(field, one) for field, one in zip(asked, answers, strict=True)}
    return Prediction(request.id, text=json.dumps(values, ensure_ascii=False), finish="stop", **counts)


def _value(field: Asked, one: Prediction) -> str | None:
    """What was said, of a sentence about an amount, a day or a number only that; None where there is said to be none."""
    said = (one.text or "").strip().strip("\"'`").strip()
    if said.casefold().rstrip(".") in _NOTHING:
        return None
    return value_in(kind_of(field), said) or said
