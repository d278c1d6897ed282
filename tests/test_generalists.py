"""Pipelines that answer what needs no reading, and numbers from the steps of a scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest

from bench.errors import BenchError
from bench.models import scale
from bench.models.base import Model
from bench.models.embedding import Embedding
from bench.models.listen import ListenThenRead, SoundOff
from bench.models.ocr import OcrPipeline
from bench.models.retrieve import RetrieveThenRead
from bench.models.video import WatchThenRead
from bench.types import Choose, Generate, Image, Prediction, Regress, Request, Row, Span, Text

MOOD = Regress(("valence", "risk"), (-1.0, 0.0), (1.0, 10.0))
PLAIN = [
    Request("words", (Text("Hello."),), Generate(8)),
    Request("label", (Text("It rose."),), Choose(("up", "down"))),
    Request("number", (Text("It rose."),), MOOD),
    Request("row", (Row("age is 30"),), Choose(("good", "bad"))),
]


class Reads(Model):
    """Notes what it is asked, costs 7 a request and cuts a batch into single requests."""

    outputs = (Generate, Choose, Regress)

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.told: list[Request] = []

    def cost(self, request: Request) -> int:
        return 7

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        return [[request] for request in batch]

    def prepare(self, batch: Sequence[Request]) -> None:
        self.told += batch

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        self.asked += batch
        return [Prediction(request.id, text="said") for request in batch]


def retrieves(reads: Model) -> RetrieveThenRead:
    return RetrieveThenRead(mock.create_autospec(Embedding, instance=True, **{"vectors.return_value": {}}), reads)


PIPELINES: dict[str, Any] = {
    "ocr": lambda reads: OcrPipeline(reads, "file:d", "d", "file:r", "r"),
    "retrieve": retrieves,
    "listen": lambda reads: ListenThenRead(SoundOff(), reads),
    "watch": lambda reads: WatchThenRead(SoundOff(), reads),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_gives_its_text_model_the_very_requests_that_need_no_reading(name: str) -> None:
    model = PIPELINES[name](reads := Reads())
    assert model.needs == frozenset()
    assert model.parts >= reads.parts
    assert model.outputs == reads.outputs
    assert model.units(PLAIN) == [[request] for request in PLAIN]
    assert [model.cost(request) for request in PLAIN] == [7] * len(PLAIN)
    model.prepare(PLAIN)
    assert [one.id for one in model.predict(PLAIN)] == [request.id for request in PLAIN]
    assert all(a is b is c for a, b, c in zip(PLAIN, reads.told, reads.asked, strict=True))


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_refuses_a_text_model_that_needs_more_than_text(name: str) -> None:
    needy = Reads()
    needy.needs = frozenset({"image"})
    with pytest.raises(BenchError, match="Reads cannot answer from text alone; choose a model that does"):
        PIPELINES[name](needy)


def test_of_a_mixed_batch_only_the_pages_are_read() -> None:
    model = PIPELINES["ocr"](reads := Reads())
    model.reader = mock.Mock(unit_tokens=None, **{"lines.return_value": ["Total: 5"]})
    page = Request("page", (Image(b"x"), Text("How much?")), Span(8, question="How much?"))
    batch = [PLAIN[0], page]
    model.prepare(batch)
    model.predict(batch)
    assert reads.told == [PLAIN[0]]
    assert reads.asked[0] is PLAIN[0]
    assert [part.text for part in reads.asked[1].parts if isinstance(part, Text)] == ["Page: Total: 5", "How much?"]
    assert model.units(batch) == [batch]


@pytest.mark.parametrize("context", ["", None])
def test_without_a_context_there_is_nothing_to_retrieve(context: str | None) -> None:
    model = retrieves(reads := Reads())
    request = Request("q", (Text("Who?"),), Span(8, question="Who?", context=context))
    assert [one.text for one in model.predict([request])] == ["said"]
    assert reads.asked == [request]


def test_a_scale_is_asked_for_by_its_steps_about_the_last_thing_that_the_user_says() -> None:
    parts = (Text("Be brief.", "system"), Text("Earlier."), Text("Well?", "assistant"), Text("Now."))
    valence, risk = scale.asked(Request("a", parts, MOOD))
    assert [part.text for part in valence.parts if isinstance(part, Text)] == [
        scale.question("valence"),
        "Be brief.",
        "Now.",
    ]
    assert valence.output == Choose(scale.STEPS["valence"])
    assert risk.output == Choose(scale.ANY_STEPS)
    assert scale.asked(PLAIN[0]) == [PLAIN[0]]


def test_a_number_is_the_mean_of_the_steps_by_their_shares_and_never_leaves_its_scale() -> None:
    asked = scale.asked(request := Request("a", (Text("Now."),), MOOD))
    shares = ([0.0, 0.0, 0.0, 0.5, 0.5], [0.1] * 4 + [0.6])  # (0.5 + 1) / 2; 10 · (0.1 · 1.5 + 0.6)
    found = [
        Prediction(one.id, label_scores=dict(zip(scale.steps(name), share, strict=True)), prompt_tokens=5)
        for one, name, share in zip(asked, MOOD.names, shares, strict=True)
    ]
    given = scale.rated(request, found)
    assert given.values == pytest.approx({"valence": 0.75, "risk": 7.5})
    assert given.prompt_tokens == 10
    assert scale.expected([0.0, 0.0, 1.0 + 1e-9], -1.0, 1.0) == 1.0
    failed = scale.rated(request, [found[0], Prediction(found[1].id, error="too long")])
    assert (failed.id, failed.error, failed.values) == ("a", "too long", None)
