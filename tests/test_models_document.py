"""Questions about a page's words and boxes: the reader, the windows, the spans, and a tiny LayoutLM."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.document import DocumentQA, best_span
from bench.models.page_places import Word, in_lines, reading_order, scaled, split_line
from bench.models.pages import PageReader
from bench.types import Image, Prediction, Request, Span, Text

CPU = Device("cpu", "float32", 1)
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "what", "is", "the", "total", "?", "due", "bank", "page", "12", "##50"]


class StubReader(PageReader):
    """Reads a page that is its own words, one box after another; b"broken" cannot be read."""

    def __init__(self) -> None:
        super().__init__("file:d", "d", "file:r", "r")

    def load(self, device: Device) -> None:
        pass

    def words(self, image: Image) -> list[Word]:
        if image.data == b"broken":
            raise ValueError("the picture cannot be read")
        return [Word(w, (10 * i % 900, i, 10 * i % 900 + 9, i + 10)) for i, w in enumerate(image.data.decode().split())]


def tokenizer() -> Any:
    import transformers

    return transformers.BertTokenizer(vocab={word: i for i, word in enumerate(VOCAB)}, do_lower_case=True)


def small(folder: Path, kind: str = "LayoutLMForQuestionAnswering") -> Path:
    """A folder with a tiny random LayoutLM and a tokenizer of word pieces."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    config = transformers.LayoutLMConfig(
        vocab_size=len(VOCAB), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=40, initializer_range=1.0,
    )  # fmt: skip
    transformers.set_seed(0)
    getattr(transformers, kind)(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("document") / "model")


def ready(folder: Path, **options: Any) -> DocumentQA:
    model = DocumentQA(f"file:{folder}", StubReader(), **{"stride": 8} | options)
    model.load(CPU, seed=0)
    return model


@pytest.fixture(scope="module")
def model(folder: Path) -> DocumentQA:
    return ready(folder)


def ask(name: str, *pages: str, question: str = "what is the total ?") -> Request:
    images = tuple(Image(page.encode()) for page in pages)
    return Request(name, (*images, Text(question)), Span(8, question=question))


SHORT, MIDDLE = "the total is 12 50", "bank page the total 1250 due the bank"
LONG = " ".join(["page", "bank", "due", "1250", "the", "total", "is"][i % 7] for i in range(90))


@pytest.mark.parametrize(
    ("words", "start", "end", "longest", "expected"),
    [
        ([None, 0, 1], [9.0, 1, 2], [9.0, 5, 1], 9, (6.0, 0, 0)),  # the question's tokens cannot win: 1 + 5
        ([0, 1, 2], [3.0, 0, 0], [0.0, 1, 2], 3, (5.0, 0, 2)),  # 3 + 2
        ([0, 1, 2], [3.0, 0, 0], [0.0, 1, 2], 2, (4.0, 0, 1)),  # three words are too many: 3 + 1
        ([0, 1, 2], [3.0, 0, 0], [0.0, 1, 2], 1, (3.0, 0, 0)),
        (
            [0, 0, 1],
            [0.0, 4, 0],
            [9.0, 1, 0],
            9,
            (9.0, 0, 0),
        ),  # 0 + 9, since an end before its start is none: not 4 + 9
        ([4, 4, 5], [1.0, 1, 1], [1.0, 1, 1], 9, (2.0, 4, 4)),  # of equals the first
    ],
)
def test_the_best_span_is_the_highest_sum_within_its_words(
    words: list[int | None], start: list[float], end: list[float], longest: int, expected: tuple[float, int, int]
) -> None:
    assert best_span(words, start, end, longest) == expected


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=12), st.integers(1, 5))
def test_no_other_span_is_better(logits: list[tuple[int, int]], longest: int) -> None:
    start, end = [a for a, _ in logits], [b for _, b in logits]
    score, first, last = best_span(range(len(logits)), start, end, longest)
    assert first <= last < first + longest
    assert score == start[first] + end[last]
    spans = [(i, j) for i in range(len(start)) for j in range(i, min(i + longest, len(start)))]
    assert score == max(start[i] + end[j] for i, j in spans)


@pytest.mark.parametrize(
    ("corners", "size", "box"),
    [
        ([[0, 0], [100, 0], [100, 50], [0, 50]], (100, 50), (0, 0, 1000, 1000)),
        ([[-3, 5], [120, 5], [120, 60], [-3, 60]], (100, 50), (0, 100, 1000, 1000)),  # a box that hangs over the edge
        ([[10, 12], [30, 10], [31, 20], [11, 22]], (100, 100), (100, 100, 310, 220)),  # a box that is turned
    ],
)
def test_boxes_are_thousandths_of_the_page(
    corners: list[list[float]], size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    assert scaled(corners, size) == box


@pytest.mark.slow
@given(st.lists(st.sampled_from(["total", "12.50", "a", "Ltd"]), min_size=1, max_size=8))
def test_the_words_of_a_line_keep_their_order_and_stay_inside_it(words: list[str]) -> None:
    found = split_line([[10, 5], [110, 5], [110, 9], [10, 9]], "  ".join(words))
    assert [word for word, _ in found] == words
    edges = [x for _, corners in found for x, _ in corners]
    assert edges == sorted(edges)
    assert edges[0] == pytest.approx(10)
    assert edges[-1] == pytest.approx(110)


def test_a_page_is_read_by_lines_and_from_the_left() -> None:
    def at(x: float, y: float) -> Sequence[Sequence[float]]:
        return [[x, y], [x + 30, y], [x + 30, y + 10], [x, y + 10]]

    boxes = [at(50, 41), at(0, 0), at(0, 40), at(90, 2)]
    assert reading_order(boxes) == [1, 3, 2, 0]
    assert in_lines(list(zip(boxes, "abcd", strict=True))) == ["b | d", "c | a"]


@pytest.mark.parametrize("options", [{"stride": 512}, {"stride": -1}, {"max_answer_words": 0}, {"max_tokens": 0}])
def test_options_out_of_range_are_one_line(options: dict[str, int]) -> None:
    with pytest.raises(BenchError, match=r"must be from 0 to below model\.max_tokens"):
        DocumentQA("file:x", StubReader(), **options)  # type: ignore[arg-type]


def test_the_shipped_configuration_makes_the_reader_inside_it() -> None:
    from bench.config.build import build

    path = Path(__file__).parents[1] / "conf" / "model" / "layoutlm_docqa.yaml"
    model = build(yaml.safe_load(path.read_text(encoding="utf-8")), "model")
    assert isinstance(model.pages, PageReader)
    assert model.pages.weights["Rec"][0].endswith("PP-OCRv6_rec_small.onnx")


@pytest.mark.slow
def test_the_logits_are_those_of_the_library_for_words_with_their_boxes(folder: Path, model: DocumentQA) -> None:
    import torch
    import transformers

    own = transformers.AutoModelForDocumentQuestionAnswering.from_pretrained(folder).eval()
    words = StubReader().words(Image(MIDDLE.encode()))
    ((_, window),) = list(model._windows(ask("a", MIDDLE)))
    # [CLS] what is the total ? [SEP] bank page the total 12 ##50 due the bank [SEP]: the two pieces of 1250 have its box
    ids = [2, 4, 5, 6, 7, 8, 3, 10, 11, 6, 7, 12, 13, 9, 6, 10, 3]
    boxes = [list(words[i].box) for i in (0, 1, 2, 3, 4, 4, 5, 6, 7)]
    boxes = [[0] * 4] * 6 + [[1000] * 4] + boxes + [[1000] * 4]
    assert window.ids == ids
    assert [list(box) for box in window.boxes] == boxes
    with torch.inference_mode():
        found = own(
            input_ids=torch.tensor([ids]), bbox=torch.tensor([boxes]), token_type_ids=torch.tensor([[0] * 7 + [1] * 10])
        )
    start, end = model._logits([window])
    assert start[0] == pytest.approx(found.start_logits[0].tolist(), abs=1e-5)
    assert end[0] == pytest.approx(found.end_logits[0].tolist(), abs=1e-5)


@pytest.mark.slow
def test_windows_overlap_and_hold_every_word(model: DocumentQA) -> None:
    windows = [window for _, window in model._windows(ask("a", LONG))]
    assert len(windows) > 2
    assert all(len(window.ids) <= 40 for window in windows)
    assert {word for window in windows for word in window.words if word is not None} == set(range(90))
    for one, after in pairwise(windows):
        shared = [w for w in one.words if w is not None and w in after.words]
        assert len(shared) == 8


@pytest.mark.slow
def test_a_batch_is_answered_as_its_requests_alone_in_any_order(model: DocumentQA) -> None:
    requests = [ask("s", SHORT), ask("l", LONG), ask("m", MIDDLE, question="due ?"), ask("two", SHORT, LONG)]
    together = model.predict(requests)
    assert [p.error for p in together] == [None] * 4
    assert together == [prediction for request in requests for prediction in model.predict([request])]
    assert together == model.predict(requests[::-1])[::-1]
    for prediction, page in zip(together, (SHORT, LONG, MIDDLE, SHORT + " " + LONG), strict=True):
        assert prediction.text
        assert f" {prediction.text} " in f" {page} "
        assert prediction.prompt_tokens > 0


@pytest.mark.slow
def test_the_answer_is_the_best_span_of_all_windows(model: DocumentQA, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([3.0, 7.0, 5.0, 1.0, 1.0, 1.0])
    monkeypatch.setattr(model, "_spans", lambda windows: [(next(scores), i, i) for i in range(len(windows))])
    words = LONG.split()
    (found,) = model.predict([ask("l", LONG)])
    assert found.text == words[1]


@pytest.mark.slow
def test_a_page_that_fails_or_is_empty_costs_no_other(model: DocumentQA) -> None:
    requests = [ask("a", SHORT), ask("broken", "broken"), ask("empty", ""), ask("asks", SHORT, question="total " * 40)]
    found = model.predict(requests)
    assert found[0] == model.predict(requests[:1])[0]
    assert found[1] == Prediction("broken", error="the picture cannot be read")
    assert found[2] == Prediction("empty", text="", finish="stop")
    assert found[3].error == "the question leaves no room for the page in 40 tokens"


@pytest.mark.slow
def test_a_layoutlm_without_its_answer_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"lacks weights that this model needs, .*qa_outputs"):
        ready(small(tmp_path / "bare", "LayoutLMForMaskedLM"))


@pytest.mark.slow
def test_the_real_reader_gives_words_that_lie_where_they_stand() -> None:
    pytest.importorskip("rapidocr")
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    page = Pillow.new("RGB", (800, 400), "white")
    font = ImageFont.load_default(size=36)
    ImageDraw.Draw(page).text((80, 60), "Invoice total", "black", font)
    ImageDraw.Draw(page).text((560, 60), "12.50", "black", font)
    ImageDraw.Draw(page).text((80, 260), "Pay by Friday", "black", font)
    file = io.BytesIO()
    page.save(file, "PNG")
    path = Path(__file__).parents[1] / "conf" / "model" / "layoutlm_docqa.yaml"
    given = yaml.safe_load(path.read_text(encoding="utf-8"))["reader"]
    reader = PageReader(**{name: value for name, value in given.items() if name != "_target_"})
    reader.load(CPU)
    words = reader.words(Image(file.getvalue()))
    assert [word.text for word in words] == ["Invoice", "total", "12.50", "Pay", "by", "Friday"]
    assert reader.lines(Image(file.getvalue())) == ["Invoice total | 12.50", "Pay by Friday"]
    boxes = {word.text: word.box for word in words}
    assert 70 <= boxes["Invoice"][0] <= 130  # 80 of 800 pixels
    assert boxes["Invoice"][2] <= boxes["total"][0] + 15
    assert 680 <= boxes["12.50"][0] <= 730  # 560 of 800
    assert all(100 <= boxes[name][1] < boxes[name][3] <= 280 for name in ("Invoice", "total", "12.50"))
    assert all(600 <= boxes[name][1] < boxes[name][3] <= 800 for name in ("Pay", "by", "Friday"))
    with pytest.raises(ValueError, match="cannot be read"):
        reader.words(Image(b"broken"))
    reader.prepare([Request("r", (Image(b"broken"),), Span(4))], words=True)
