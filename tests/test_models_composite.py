"""A model made of others: each hook of a model reaches each of its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.composite import Composite
from bench.models.document import DocumentQA
from bench.models.embedding import Embedding
from bench.models.listen import ListenThenRead, SoundOff
from bench.models.ocr import OcrPipeline
from bench.models.pages import PageReader
from bench.models.reference import Oracle
from bench.models.retrieve import RetrieveThenRead
from bench.models.video import WatchThenRead
from bench.types import Generate, Image, Prediction, Request, Span, Text

CPU = Device()
SEEN: Mapping[str, Prediction] = {"a": Prediction("a", text="yes")}
HOOKS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "fetch": ((), {}), "load": ((CPU,), {"seed": 3}), "reveal": ((SEEN,), {}), "free": ((), {}), "sync": ((), {}),
    "describe": ((), {}), "device_memory_bytes": ((), {}), "client_overhead_seconds": ((2.0,), {}), "caveats": ((), {}),
    "forget": ((), {}),
}  # fmt: skip
OWN = {
    "expects",
    "learn",
    "predict",
    "prepare",
    "cost",
    "units",
    "telling",
    "hear",
    "submit",
}  # what a stage cannot be asked in the composite's words


class Stub(Model):
    """Keeps what it is called with, in a log that it may share."""

    outputs = (Generate,)
    overhead: float | None = None

    def __init__(self, name: str, log: list[Any] | None = None, memory: int | None = None, **known: Any) -> None:
        self.name, self.log, self.memory, self.known = name, [] if log is None else log, memory, known
        self.revision, self.weights_sha256, self.uses_device = f"revision {name}", name, False

    def _keep(self, hook: str, *args: Any, **options: Any) -> None:
        self.log.append((self.name, hook, args, options))

    def fetch(self) -> None:
        self._keep("fetch")

    def load(self, device: Device, *, seed: int) -> None:
        self._keep("load", device, seed=seed)

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        self._keep("reveal", ideal)

    def free(self) -> None:
        self._keep("free")

    def forget(self) -> None:
        self._keep("forget")

    def sync(self) -> None:
        self._keep("sync")

    def describe(self) -> Mapping[str, Any]:
        self._keep("describe")
        return self.known

    def device_memory_bytes(self) -> int | None:
        self._keep("device_memory_bytes")
        return self.memory

    def client_overhead_seconds(self, qps: float | None = None) -> float | None:
        self._keep("client_overhead_seconds", qps)
        return self.overhead

    def caveats(self) -> list[str]:
        self._keep("caveats")
        return [self.name]

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return [Prediction(request.id, text=self.name) for request in batch]


class Pair(Composite):
    """Answers as its second stage does."""

    outputs = (Generate,)
    stages = ("first", "second")

    def __init__(self, first: Model, second: Model) -> None:
        self.first, self.second = first, second

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return self.second.predict(batch)


def pair(log: list[Any] | None = None) -> Pair:
    log = [] if log is None else log
    return Pair(Stub("a", log), Stub("b", log))


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_reaches_each_stage_once_in_their_order_with_its_arguments(hook: str) -> None:
    log: list[Any] = []
    args, options = HOOKS[hook]
    getattr(pair(log), hook)(*args, **options)
    assert log == [("a", hook, args, options), ("b", hook, args, options)]


def test_every_hook_of_a_model_is_either_passed_on_or_left_to_the_composite() -> None:
    hooks = {name for name, value in vars(Model).items() if callable(value) and not name.startswith("_")}
    assert hooks == set(HOOKS) | OWN


@pytest.mark.parametrize("hook", HOOKS)
def test_an_error_in_one_stage_is_not_swallowed_and_stops_the_next(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise BenchError("no such weights")

    log: list[Any] = []
    model = pair(log)
    monkeypatch.setattr(model.first, hook, fails)
    args, options = HOOKS[hook]
    with pytest.raises(BenchError, match="no such weights"):
        getattr(model, hook)(*args, **options)
    assert log == []


def test_the_last_stage_tells_of_its_tokens_since_the_reply_is_its_own() -> None:
    model, told = pair(), []
    model.hear(lambda name, n: told.append((name, n)))
    assert model.first.listener is None
    assert model.second.listener is not None
    model.hear(None)
    assert model.second.listener is None


def test_it_is_pinned_by_all_its_stages_however_deep() -> None:
    model = Pair(pair(), Stub("c"))
    assert model.revision == "revision a + revision b + revision c"
    assert model.weights_sha256 == "a + b + c"


def test_of_what_stages_say_alike_the_later_one_counts() -> None:
    model = Pair(Stub("a", decoding="padded", windows=2), Stub("b", decoding="prefix tree"))
    assert model.describe() == {"decoding": "prefix tree", "windows": 2}


@pytest.mark.parametrize(
    ("first", "second", "found"), [(3, 5, 5), (7, 5, 7), (4, None, 4), (None, 0, 0), (None, None, None)]
)
def test_stages_share_the_device_so_that_the_highest_peak_counts(
    first: int | None, second: int | None, found: int | None
) -> None:
    assert Pair(Stub("a", memory=first), Stub("b", memory=second)).device_memory_bytes() == found


def test_clients_take_their_time_one_after_another_and_say_what_each_saw() -> None:
    model = pair()
    assert model.client_overhead_seconds() is None
    model.first.overhead = 0.25
    assert model.client_overhead_seconds() == 0.25
    model.second.overhead = 0.5
    assert model.client_overhead_seconds() == 0.75
    assert model.caveats() == ["a", "b"]


def test_the_last_stage_says_what_its_tokens_cost() -> None:
    both = pair()
    assert both.token_price is None
    both.models[0].token_price, both.models[1].token_price = {"prompt": 1.0}, {"prompt": 2.0}
    assert both.token_price == {"prompt": 2.0}


def test_it_uses_the_device_where_any_stage_does() -> None:
    model = pair()
    assert not model.uses_device
    model.first.uses_device = True
    assert model.uses_device


def test_a_composite_with_a_reference_row_is_one_and_learns_the_targets() -> None:
    model = Pair(Stub("a"), Oracle())
    assert (model.is_reference, model.reads_targets) == (True, True)
    model.reveal(SEEN)
    assert [p.text for p in model.predict([Request("a", (Text("Well?"),), Generate(4))])] == ["yes"]
    assert (pair().is_reference, pair().reads_targets) == (False, False)


def test_every_pipeline_passes_on_to_both_its_models() -> None:
    from unittest import mock

    class Hears(Stub):
        parts, outputs = SoundOff.parts, SoundOff.outputs

    def spoken(kind: type[ListenThenRead], log: list[Any]) -> Composite:
        return kind(Hears("a", log), Stub("b", log))

    def retrieved(log: list[Any]) -> Composite:
        retriever = mock.create_autospec(Embedding, instance=True, revision="revision a")
        retriever.free.side_effect = lambda: log.append(("a", "free", (), {}))
        return RetrieveThenRead(retriever, Stub("b", log))

    for made in (lambda log: spoken(ListenThenRead, log), lambda log: spoken(WatchThenRead, log), retrieved):
        log: list[Any] = []
        model = made(log)
        model.free()
        assert log == [("a", "free", (), {}), ("b", "free", (), {})]
        assert model.revision == "revision a + revision b"


class Pages(PageReader):
    """Reads a page that is its own lines; b"" cannot be read."""

    def lines(self, image: Image) -> list[str]:
        if not image.data:
            raise ValueError("the picture is empty")
        return image.data.decode().splitlines()


def test_the_reader_of_pages_is_a_model_whose_answer_is_what_they_say() -> None:
    reader = Pages("file:d", "d", "file:r", "r")
    asked = [
        Request("two", (Image(b"one\ntwo"), Text("Well?"), Image(b"three")), Span(4)),
        Request("bad", (Image(b""),), Span(4)),
    ]
    reader.prepare(asked)
    good, bad = feed.answer(reader, asked, "reader")
    assert (good.text, bad.text) == ("one\ntwo\nthree", None)
    assert "the picture is empty" in (bad.error or "")


def test_a_page_is_pinned_by_its_readers_weights_before_those_of_the_text_model() -> None:
    assert OcrPipeline(Stub("b"), "file:d", "d", "file:r", "r").weights_sha256 == "d + r + b"


def test_what_changes_no_answer_of_a_stage_changes_none_of_the_composite() -> None:
    class Priced(Stub):
        incidental = frozenset({"price"})

    pair = Pair(Priced("first"), Stub("second"))
    config = {"_target_": "x", "first": {"k": 1, "price": 2}, "second": {"k": 1, "price": 2}}
    assert pair.telling(config) == config | {"first": {"k": 1}}
    assert pair.telling(None) is None


def test_a_composite_calls_what_its_stages_call_and_answers_alone_where_all_do() -> None:
    first, second = Stub("first"), Stub("second")
    first.outside, second.outside = ("a.b",), ("c",)
    first.answers_alone = True
    pair = Pair(first, second)
    assert (pair.outside, pair.answers_alone, pair.uses_libraries) == (("a.b", "c"), False, True)
    second.answers_alone = True
    assert pair.answers_alone


def test_a_document_reader_is_known_by_its_reader_of_pages_too() -> None:
    def model(sha256: str) -> DocumentQA:
        return DocumentQA("file:somewhere", PageReader("file:d", "ab", "file:r", sha256), "ee")

    assert model("cd").weights_sha256 == "ab + cd + ee"
    assert model("cd").weights_sha256 != model("ce").weights_sha256
    assert model("cd").revision.count(" + ") == 1
