"""What is computed once a run: texts as vectors, pages as words; and that the company of a text changes no bit of its vector."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_text_models import bert

from bench.models import fixed_passes
from bench.models.base import Device, Model, flat
from bench.models.embedding import Embedding
from bench.models.ocr import OcrPipeline
from bench.models.pages import PageReader
from bench.models.remembered import Remembered
from bench.models.retrieve import RetrieveThenRead
from bench.types import Choose, Generate, Image, Prediction, Regress, Request, Span, Text

CPU = Device("cpu", "float32", 1)
SENTENCES = [
    "The bank rose.",
    "Profit fell by 7%.",
    "Who owns the river?",
    "It is not the bank of the river, and profit fell.",
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small encoder."""
    return bert(tmp_path_factory.mktemp("encoder"), "Model")


def encoder(source: str, device: Device = CPU, **options: Any) -> Embedding:
    model = Embedding(source, **options)
    model.load(device, seed=0)
    return model


def span(key: str, question: str, *said: str) -> Request:
    return Request(key, (Text("\n".join(said)),), Span(8, question=question, context="\n".join(said)))


class Reads(Model):
    """Answers with what it is given to look in, as `answers` arranges it."""

    outputs, revision, weights_sha256 = (Span, Generate), "r", "2"

    def __init__(self, arrange: Any = list) -> None:
        self.arrange = arrange

    def predict(self, batch: Sequence[Request]) -> Any:
        return self.arrange(Prediction(request.id, text=getattr(request.output, "context", "")) for request in batch)


@contextlib.contextmanager
def encoded(model: Embedding) -> Iterator[list[str]]:
    """The texts that go through the model meanwhile."""
    seen: list[str] = []
    one = model._encoded

    def keep(texts: Sequence[str]) -> Any:
        seen.extend(texts)
        return one(texts)

    with mock.patch.object(model, "_encoded", keep):
        yield seen


def said(model: Model, batch: Sequence[Request]) -> list[Prediction]:
    return list(flat(model.predict(batch)))


# Texts


@pytest.mark.slow
def test_a_text_that_many_requests_hold_is_embedded_once_a_run(source: str) -> None:
    model = encoder(source)
    asked = [span(f"q{i}", f"Who is {i % 2}?", *SENTENCES[i % 2 :]) for i in range(8)]
    readers: list[Model] = [model, RetrieveThenRead(model, Reads())]
    for reader in readers:
        model.load(CPU, seed=0)
        with encoded(model) as seen:
            for batch in (asked[:5], asked[3:], asked):
                assert len(list(flat(reader.predict(batch)))) == len(batch)
        assert sorted(seen) == sorted({*SENTENCES, "Who is 0?", "Who is 1?"})


def test_the_labels_and_poles_of_a_run_are_embedded_once(source: str) -> None:
    poles = {"valence": {"low": SENTENCES[:2], "high": SENTENCES[2:]}}
    model = encoder(source, poles=poles, nearest=1)
    rated = [Request(f"r{i}", (Text("It fell."),), Regress(("valence",), (0.0,), (1.0,))) for i in range(3)]
    chosen = [Request(f"c{i}", (Text("It fell."),), Choose(("river", "bank"))) for i in range(3)]
    with encoded(model) as seen:
        assert len(said(model, rated) + said(model, chosen)) == 6
    assert sorted(seen) == sorted([*SENTENCES, "It fell.", "river", "bank"])


@pytest.mark.slow
def test_vectors_belong_to_a_load(source: str) -> None:
    model = encoder(source)
    before = model.embed(SENTENCES)
    said(model, [Request("c", (Text("It fell."),), Choose(("river", "bank")))])
    model.load(Device("cpu", "bfloat16", 1), seed=0)
    with encoded(model) as seen:
        after = model.embed(SENTENCES)
        said(model, [Request("c", (Text("It fell."),), Choose(("river", "bank")))])
    assert sorted(seen) == sorted([*SENTENCES, "It fell.", "river", "bank"])
    assert not np.array_equal(before, after)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_text_has_the_same_vector_in_any_company(source: str, dtype: str) -> None:
    model, draw = encoder(source, Device("cpu", dtype, 1)), random.Random(0)
    texts = [" ".join(draw.choices(SENTENCES, k=draw.randint(1, 4)))[: draw.randint(1, 90)] for _ in range(60)]
    together = dict(zip(texts, model.embed(texts).tolist(), strict=True))
    for n in (1, 2, 5, 31):
        model._vectors.clear()
        some = draw.sample(texts, n)
        assert dict(zip(some, model.embed(some).tolist(), strict=True)) == {text: together[text] for text in some}


@pytest.mark.slow
def test_what_was_embedded_before_changes_no_answer_and_neither_does_room_for_few_vectors(source: str) -> None:
    asked = [span(f"q{i}", f"Who is {i}?", *SENTENCES) for i in range(6)]
    model = encoder(source)
    whole = said(model, asked)
    resumed = encoder(source)
    assert said(resumed, asked[4:]) + said(resumed, asked[:4]) == whole[4:] + whole[:4]
    small = encoder(source)
    small._vectors.most_bytes = 1200
    assert said(small, asked) == whole
    assert len(small._vectors) == 2


@pytest.mark.slow
def test_requests_are_answered_in_portions_so_that_few_wait_for_many_texts(source: str) -> None:
    model = encoder(source)
    asked = [span(f"q{i}", "Who?", *(f"It is {i} {k} {'river ' * 9}" for k in range(40))) for i in range(20)]
    model.portion = 1_000
    first, *rest = model.predict(asked)
    assert 0 < len(first) < 20
    assert [p.id for group in (first, *rest) for p in group] == [f"q{i}" for i in range(20)]


# Passes of fixed shapes


@pytest.mark.slow
@given(st.lists(st.integers(1, 300), max_size=60), st.sampled_from([16, 128, 4096]))
def test_a_row_s_shape_depends_on_its_length_alone(lengths: list[int], tokens: int) -> None:
    alone = [next(iter(fixed_passes.passes([length], 256, tokens))) for length in lengths]
    found = list(fixed_passes.passes(lengths, 256, tokens))
    assert sorted(i for one in found for i in one.rows) == list(range(len(lengths)))
    for one in found:
        assert 0 < len(one.rows) <= one.n_rows
        assert {(alone[i].width, alone[i].n_rows) for i in one.rows} == {(one.width, one.n_rows)}
        assert all(lengths[i] <= one.width <= max(lengths[i], 256) for i in one.rows)
    widths = [one.width for one in found]
    assert widths == sorted(widths, reverse=True)


def test_a_pass_has_more_rows_where_more_cores_or_a_gpu_compute_it() -> None:
    found = [fixed_passes.tokens_per_pass(*of) for of in (("cpu", 1), ("cpu", 2), ("cpu", 96), ("cuda", 1))]
    assert found == [128, 256, 4096, 16384]


# What is kept


def test_what_was_not_used_for_longest_makes_room() -> None:
    kept: Remembered[str] = Remembered(len, most_bytes=3 * 500)
    for key in "abc":
        kept.keep(key, "x" * 100)
    assert kept.get("a") == "x" * 100
    kept.keep("d", "x" * 100)
    assert ([key for key in "abcd" if kept.get(key)], kept.n_bytes) == (["a", "c", "d"], 1500)
    kept.keep("a", "x")
    kept.keep("e", "x" * 5_000)  # larger than all that there is room for
    assert (len(kept), kept.n_bytes, kept.get("e")) == (0, 0, None)
    kept.keep("a", "x")
    kept.clear()
    assert (len(kept), kept.n_bytes) == (0, 0)


# Pages


class Counts(PageReader):
    """A reader of pages that say what their bytes do, and how often each was read."""

    def __init__(self) -> None:
        super().__init__("file:d", "d", "file:r", "r")
        self.read: list[bytes] = []

    def _lines(self, image: Image) -> list[str]:
        self.read.append(image.data)
        if image.data == b"slow":
            self.began.set()
            assert self.go_on.wait(60)
        return [image.data.decode()]


def page(data: bytes, key: str = "a") -> Request:
    return Request(key, (Image(data),), Span(8, question="?"))


def test_a_page_that_many_questions_share_is_read_once_a_run() -> None:
    reader = Counts()
    model = OcrPipeline(Reads(), "file:d", "d", "file:r", "r")
    model.reader = reader
    many = [page(b"%d" % i, str(i)) for i in range(100)]
    for batch in (many, many[:3], many):
        model.prepare(batch)
        assert [p.text for p in said(model, batch)] == [request.id for request in batch]
    assert reader.read == [b"%d" % i for i in range(100)]


def test_a_page_that_is_known_waits_for_none_that_is_read_ahead() -> None:
    reader = Counts()
    reader.began, reader.go_on = threading.Event(), threading.Event()
    reader.lines(Image(b"known"))
    ahead = threading.Thread(target=reader.prepare, args=([page(b"slow")],))
    ahead.start()
    assert reader.began.wait(60)
    assert reader.lines(Image(b"known")) == ["known"]
    reader.go_on.set()
    ahead.join()
    assert reader.lines(Image(b"slow")) == ["slow"]
    assert reader.read == [b"known", b"slow"]


# Answers as they come


@pytest.mark.parametrize("arrange", [list, iter, lambda found: ([one] for one in found)])
def test_a_composite_passes_answers_on_as_its_last_stage_gives_them(source: str, arrange: Any) -> None:
    reader = Counts()
    reads = Reads(arrange)
    ocr = OcrPipeline(reads, "file:d", "d", "file:r", "r")
    ocr.reader = reader
    retrieves = RetrieveThenRead(encoder(source), reads)
    for model, asked in (
        (ocr, [page(b"x", "a"), page(b"y", "b")]),
        (retrieves, [span("a", "Who?", "x"), span("b", "?", "y")]),
    ):
        found = model.predict(asked)
        assert type(found) is type(reads.predict(asked))
        assert [(one.id, one.text) for one in flat(found)] == [("a", "x"), ("b", "y")]
