"""Generalists: pipelines pass on what needs no reading, causal models give numbers, embeddings reply with what was said."""

from __future__ import annotations

from collections.abc import Sequence

from bench.engine.fitting import fits
from bench.models import rated
from bench.models.base import Model
from bench.models.reader import Reader
from bench.models.retrieve import RetrieveThenRead
from bench.types import Choose, Generate, Image, Part, Prediction, Regress, Request, Span, Text

SCALES = Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))


def spread(**at: float) -> dict[str, float]:
    """Probabilities of the steps, all on those named."""
    return {step: at.get(f"s{step}", 0.0) for step in rated.STEPS}


def test_a_number_is_the_mean_step_on_its_scale() -> None:
    asked = Request("u", (Text("It was bad before."), Text("Thank you!")), SCALES)
    given = {"u/valence": spread(s9=0.5, s7=0.5), "u/arousal": spread(s1=1.0)}
    seen: list[Request] = []

    def answers(batch: Sequence[Request]) -> list[list[Prediction]]:
        seen.extend(batch)
        return [[Prediction(one.id, label_scores=given[one.id], prompt_tokens=7)] for one in batch]

    ((found,),) = rated.values([asked], answers)
    # the mean step is 8 of 1 to 9, 7/8 of the way: -1 + 2 · 7/8
    assert found.values == {"valence": 0.75, "arousal": 0.0}
    assert (found.id, found.prompt_tokens) == ("u", 14)
    before, asks, judged = (part.text for part in seen[0].parts if isinstance(part, Text))
    assert (before, judged) == ("It was bad before.", "Thank you!")  # the last text is the one to judge
    assert asks.startswith("How high is the valence of what follows, on a scale from 1 (lowest) to 9 (highest)?")


def test_a_failure_of_one_scale_is_a_failure_of_the_request() -> None:
    def answers(batch: Sequence[Request]) -> list[list[Prediction]]:
        return [[Prediction(batch[0].id, error="too long"), Prediction(batch[1].id, label_scores=spread(s1=1.0))]]

    ((found,),) = rated.values([Request("u", (Text("a"),), SCALES)], answers)
    assert (found.id, found.error, found.values) == ("u", "too long", None)


class Spells(Model):
    """Says which requests it got, as they are."""

    outputs = (Generate, Choose, Regress)

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.told: list[Request] = []

    def prepare(self, batch: Sequence[Request]) -> None:
        self.told += batch

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        return [[one] for one in batch]

    def cost(self, request: Request) -> int:
        return 77

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        self.got += batch
        return [Prediction(one.id, text="x") for one in batch]


class ReadsPictures(Reader):
    """Puts a word where a picture stood."""

    stages = ("text_model",)

    def __init__(self, text_model: Model) -> None:
        self.text_model = text_model
        self.parts, self.outputs = text_model.parts | {"image"}, text_model.outputs

    def reads(self, request: Request) -> bool:
        return any(isinstance(part, Image) for part in request.parts)

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        def read(part: Part) -> Part:
            return Text("a page") if isinstance(part, Image) else part

        return self.text_model.predict([Request(r.id, tuple(map(read, r.parts)), r.output) for r in batch])  # type: ignore[return-value]


def test_what_needs_no_reading_goes_to_the_text_model_as_it_would_alone() -> None:
    model = ReadsPictures(inner := Spells())
    plain, page = Request("p", (Text("a"),), SCALES), Request("i", (Text("a"), Image(b"x")), Generate(2))
    assert (model.cost(plain), model.cost(page) > 77) == (77, True)
    assert model.units([plain, plain]) == [[plain], [plain]]
    assert model.units([plain, page]) == [[plain, page]]
    model.prepare([plain, page])
    assert inner.told == [plain]
    model.predict([plain, page])
    assert inner.got[0] == plain
    assert [part.kind for part in inner.got[1].parts] == ["text", "text"]


def test_retrieval_passes_on_what_has_no_text_to_look_in() -> None:
    class Never(Spells):
        def vectors(self, texts: Sequence[str]) -> dict[str, object]:
            assert not list(texts)
            return {}

    model = RetrieveThenRead(Never(), inner := Spells())  # type: ignore[arg-type]
    asked = [Request("c", (Text("a"),), Choose(("x",))), Request("s", (Text("a"),), Span(4, question="a"))]
    model.predict(asked)
    assert inner.got == asked
    task = type("T", (), {"parts": frozenset({"text"}), "output": Regress})()
    assert fits(task, model)  # type: ignore[arg-type]


def test_a_scale_of_one_point_gives_that_point() -> None:
    def answers(batch: Sequence[Request]) -> list[list[Prediction]]:
        return [[Prediction(one.id, label_scores=spread(s3=1.0)) for one in batch]]

    ((found,),) = rated.values([Request("u", (Text("a"),), Regress(("v",), (2.0,), (2.0,)))], answers)
    assert found.values == {"v": 2.0}
