"""Tasks on pages: what replies are read as, what scores nothing, and folders in the official layouts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_data import built, shipped, write
from small_pages import FILES, RECEIPTS, entity

from bench.data.submissions import kind
from bench.errors import BenchError
from bench.metrics.field_values import dates, same_value
from bench.models.reference import Majority, Random
from bench.scoring.measure import score
from bench.task import Task, Unparsed
from bench.types import Fields, Prediction, Read, Request, Text
from tasks.field_reply import named, said_fields
from tasks.finmm.key_fields import KEY_FIELDS, field_of
from tasks.finmm.ocr_task import FinmmOCR
from tasks.finmm.page_class_task import FinmmPageClass
from tasks.finmm.picture import KINDS, make_document
from tasks.finmm.picture.page import lay_out
from tasks.finmm.picture.text import reading_lines
from tasks.finmm.printed_tables import TABLES_OF, printed_rows
from tasks.finmm.tables_task import FinmmTables
from tasks.table_reply import said_table

Main = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pages"), FILES)


def first_score(task: Task, said: Callable[[Any], str]) -> float:
    examples = task.examples()
    found = score(task, examples, [Prediction(one.id, text=said(one)) for one in examples], resamples=0, seed=0)
    assert found[0].value is not None
    return found[0].value


# --- replies ---


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('{"total": "5", "date": null, "memo": ""}', {"total": "5"}),
        ('```json\n{"total": 12.5}\n```', {"total": "12.5"}),
        ('Here it is: {"invoice": {"total": "5"}, "note": "ok"}', {"total": "5", "note": "ok"}),
        ('{"total": {"value": "5", "box": [1, 2]}}', {"total": "5"}),
        ('[{"total": "5"}, {"date": "x"}]', {"total": "5", "date": "x"}),
        ('{"total": ["5", "6"]}', {"total": "5; 6"}),  # of several values none is right
        ('{"total": "5", "total": "6"}', {"total": "5; 6"}),
        ('{"total": "5"} or {"total": "6"}', {"total": "5; 6"}),
        ('{"total": "5"}\n{"Total": "5"}', {"total": "5"}),
        ("{'total': '5'}", {"total": "5"}),
        ('{"seller": "A \\"B\\"", "total": "5", "da', {"seller": 'A "B"', "total": "5"}),  # cut
        ("- **Total**: 5\n- Date: n/a", {"Total": "5"}),
        ("total: 5\ntotal: 6", {"total": "5; 6"}),
        ('{"fields": [{"name": "total", "value": "5"}, {"name": "date", "value": null}]}', {"total": "5"}),
        ('[{"field": "total", "value": 5}, {"field": "payee", "text": "Ann"}]', {"total": "5", "payee": "Ann"}),
        ('{"total": {"value": "5", "name": "Total"}}', {"total": "5"}),
        ("1. total: 5\n2) payee: Ann", {"total": "5", "payee": "Ann"}), ("total = 5\nweb = a:b", {"total": "5", "web = a": "b"}),
        ("| Field | Value |\n|---|---|\n| total | 5 |", {"Field": "Value", "total": "5"}),
        ("<s_total>5</s_total><s_payee>Ann &amp; Co</s_payee>", {"total": "5", "payee": "Ann & Co"}),
        ("<invoice><total>5</total></invoice>", {"total": "5"}),
        ('{"total": "-", "date": "Not available", "memo": "not found.", "po_number": "No PO number", "note": "missing"}', {}),
        ("I cannot read that.", None), ("", None), ("[1, 2]", None),
        ("{" * 5_000, None), ("[" * 50_000, None),
    ],
)  # fmt: skip
def test_fields_are_read_out_of_a_reply(said: str, found: dict[str, str] | None) -> None:
    assert said_fields(said) == found


@pytest.mark.parametrize(
    ("kind", "said", "right"),
    [
        ("amount", "R127 729,12; 127729.12", True), ("amount", "R127 729,12; 127729.13", False), ("amount", "+127729.12", True),
        ("amount", "127,729.12 South African Rand", True), ("amount", "127,729.12 and 5", False),
        ("date", "Thursday, 3 July 2025", True), ("date", "03\u201107\u20112025", True), ("date", "Thu 2025-07-03", True),
        ("date", "07/03/25", False), ("date", "07/31/2025", False),
        ("date", "2025-07-03; 3 July 2025", True), ("date", "2025-07-03; 4 July 2025", False),
    ],
)  # fmt: skip
def test_a_value_is_right_for_what_it_means(kind: str, said: str, right: bool) -> None:
    fields: dict[str, dict[str, Any]] = {
        "amount": {"kind": "amount", "texts": ["R127 729,12"], "value": "127729.12"},
        "date": {"kind": "date", "texts": ["03-07-2025"], "value": "2025-07-03", "month_first": False},
    }
    assert same_value(fields[kind], said) is right


def test_figures_that_can_be_one_day_only_are_that_day_and_a_year_of_two_digits_is_of_either_century() -> None:
    assert dates("07/24/2025") == dates("24/07/2025", month_first=True) == {"2025-07-24"}
    assert dates("08/11/78") == {"1978-11-08"}


def test_a_line_of_a_million_dashes_is_read_at_once() -> None:
    started = time.perf_counter()
    said_table("|" + "-" * 1_000_000 + " x")
    said_fields("|" + "-" * 1_000_000 + " x")
    assert time.perf_counter() - started < 20  # quadratic: hours


def test_fields_are_known_by_their_names_in_any_hand_and_others_are_left_out() -> None:
    assert named({"Invoice No.": "7", "extra": {"a": 1}, "total": 5, "date": None}, ["invoice_no", "total", "date"]) == {
        "invoice_no": "7", "total": "5"
    }  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        '[["Item", "Price"], ["Tea", "2.50"], ["", "1"]]',
        'The table:\n```json\n[["Item", "Price"], ["Tea", 2.50], [null, 1]]\n```\nDone.',
        '[{"Item": "Tea", "Price": "2.50"}, {"Item": "", "Price": 1}]',
        '{"columns": ["Item", "Price"], "rows": [["Tea", "2.50"], ["", "1"]]}',
        '{"table": [["Item", "Price"], ["Tea", "2.50"], ["", "1"]]}',
        '[["Item", "Price"], ["Tea", "2.50"], ["", "1"], ["So',  # cut
        "| Item | Price |\n|---|--:|\n| Tea | 2.50 |\n| | 1 |",
        "Here:\n\nItem | Price\n--- | ---\nTea | 2.50\n | 1",
        "| **Item** | **Price** |\n|---|---|\n| Tea | 2.50 |\n|  | 1 |",
        "| Item | Price\n|---|---\n| Tea | 2.50\n| | 1",
        "<table><thead><tr><th>Item</th><th>Price</th></tr></thead><tr><td>Tea<td>2.50</tr><tr><td></td><td> 1 </td></table>",
        "```csv\nItem,Price\nTea,2.50\n,1\n```",
        "Item\tPrice\nTea\t2.50\n\t1",
        '{"tables": [{"headers": ["Item", "Price"], "rows": [["Tea", "2.50"], ["", 1]]}]}',
        '[{"headers": ["Item", "Price"], "rows": [["Tea", "2.50"], ["", 1]]}, {"headers": ["x"], "rows": [["y"]]}]',
        '{"columns": ["Item", "Price"], "rows": [{"Item": "Tea", "Price": "2.50"}, {"Item": null, "Price": 1}]}',
        '{"tables": [[["Item", "Price"], ["Tea", "2.50"], ["", "1"]]]}',
        '[[["Item", "Price"], ["Tea", "2.50"], ["", "1"]]]',
        '{"title": "Bill", "table_rows": [["Item", "Price"], ["Tea", "2.50"], ["", "1"]]}',
        '{"title": "Bill", "prices": [["Item", "Price"], ["Tea", "2.50"], ["", "1"]], "n": 2}',
        '["Item", "Price"]\n["Tea", "2.50"]\n["", "1"]',
        '```json\n{"Item": "Tea", "Price": "2.50"}\n{"Item": "", "Price": "1"}\n```',
        "[['Item', 'Price'], ['Tea', '2.50'], ['', '1']]",
        "Item │ Price\n─────┼──────\nTea │ 2.50\n │ 1",
        "\\begin{tabular}{lr}\n\\hline\nItem & Price \\\\ \\hline\nTea & 2.50 \\\\\n & 1 \\\\\n\\end{tabular}",
        "Item;Price\nTea;2.50\n;1",
    ],
)
def test_a_table_is_read_out_of_json_html_markdown_and_lines_of_cells(said: str) -> None:
    assert said_table(said) == [["Item", "Price"], ["Tea", "2.50"], ["", "1"]]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no table",
        "[]",
        "{}",
        "[1, 2]",
        "[1]\nsee [2]",
        '{"a": 1}',
        "Dear Sir,",
        "[" * 50_000,
        "{" * 50_000,
        "<tr>",
        "12.50",
    ],
)
def test_what_is_no_table_is_none(said: str) -> None:
    assert not said_table(said)


@pytest.mark.slow
def test_tabs_part_cells_through_the_whole_scoring() -> None:
    task = FinmmTables(documents=24)
    tables = {one.id: one.target for one in task.examples()}
    assert any(not rows[0][0] for rows in tables.values())  # a row that begins with a tab
    said = [Prediction(key, text="\n".join(map("\t".join, rows))) for key, rows in tables.items()]
    found = score(task, task.examples(), said, resamples=0, seed=0)
    assert [one.value for one in found] == [1.0, 1.0, 1.0]


@pytest.mark.slow
def test_one_table_for_each_kind_of_page_is_worth_little_where_it_ranks() -> None:
    task, known = FinmmTables(documents=48), {}
    for one in task.training():
        known.setdefault(one.inputs["kind"], one.target)
    said = [Prediction(one.id, text=json.dumps(known[one.inputs["kind"]])) for one in task.examples()]
    found = score(task, task.examples(), said, resamples=0, seed=0)[0]
    assert found.value is not None
    assert found.value < 0.1


@pytest.mark.parametrize(
    "said", ["|" * 30_000, "<tr>" * 10_000, "<td>" * 30_000, "[[" + '"x",' * 30_000, "a,b\n" * 20_000, '"' * 30_000]
)
def test_a_very_long_reply_is_bounded(said: str) -> None:
    found = said_table(said) or []
    assert len(found) <= 500
    assert all(len(row) <= 60 for row in found)
    said_fields(said)


@pytest.mark.parametrize(
    "said",
    [
        "The document in the picture is a balance sheet.", "The document is a **balance sheet**.",
        "The picture shows a balance sheet.",
        "Document type: balance sheet", "Kind: Balance Sheet", '{"document_type": "balance sheet"}', '{"kind": "balance_sheet"}',
        "The kind of document in the picture is a balance sheet.", "This page is a balance sheet.", "<type>balance sheet</type>",
        "It is a balance sheet, not an invoice.",
    ],
)  # fmt: skip
def test_the_kind_of_a_page_is_read_out_of_what_a_model_says(said: str) -> None:
    assert FinmmPageClass(documents=1).answer(Prediction("x", text=said))["label"] == "balance_sheet"


@pytest.mark.parametrize(
    "said",
    [
        "The document may be a balance sheet or an invoice.",
        "The page mentions a balance sheet.",
        "A document of a company.",
        "The picture does not show a balance sheet.",
        "Invoice or balance sheet",
        '{"kind": "balance sheet", "type": "invoice"}',
    ],
)
def test_a_reply_that_names_a_kind_without_saying_so_has_none(said: str) -> None:
    assert not named_kind(said)


def named_kind(said: str) -> str:
    found = FinmmPageClass(documents=1).answer(Prediction("x", text=said))
    return str((found.scored_as if isinstance(found, Unparsed) else found)["label"])


# --- finmm ---


@pytest.mark.slow
def test_every_key_field_that_a_document_has_is_drawn_on_its_page() -> None:
    for index in range(24):
        document = make_document(7, index)
        boxes = lay_out(document, dry=True).boxes
        for key in KEY_FIELDS[document.kind]:
            field = field_of(document, key)
            assert not field["texts"] or key.source in boxes, (document.id, key)


@pytest.mark.slow
def test_the_day_of_a_field_is_the_one_that_questions_give() -> None:
    seen = 0
    for index in range(240):
        document = make_document(7, index)
        keys = {key.source: key for key in KEY_FIELDS[document.kind] if key.kind == "date"}
        for question in document.questions:
            if question.evidence[0] in keys and question.extractive:
                assert field_of(document, keys[question.evidence[0]])["value"] in question.answers
                seen += 1
    assert seen > 50


@pytest.mark.slow
def test_the_lines_of_a_page_hold_every_value_that_is_drawn_once() -> None:
    for index in range(8):
        document = make_document(7, index)
        text = "\n".join(reading_lines(document))
        boxes = lay_out(document, dry=True).boxes
        assert [field.value for field in document.all_fields() if field.name in boxes and field.value not in text] == []


@pytest.mark.slow
def test_a_dry_page_has_the_places_of_the_drawn_one() -> None:
    for index in (0, 1, 3, 6):
        document = make_document(11, index)
        drawn, dry = lay_out(document), lay_out(document, dry=True)
        assert drawn.written == dry.written
        assert all(drawn.boxes[name] == dry.boxes[name] for name in dry.boxes)


@pytest.mark.slow
def test_the_headings_and_cells_of_a_table_are_drawn_on_its_page() -> None:
    for index in range(16):
        document = make_document(7, index)
        if document.kind in TABLES_OF:
            written = {text for _, _, text in lay_out(document, dry=True).written}
            rows = printed_rows(document)
            assert {cell for row in rows for cell in row if cell} <= written, document.id
            assert len({len(row) for row in rows}) == 1


@pytest.mark.slow
def test_a_request_for_fields_names_the_fields_and_one_for_text_asks_to_read(folder: Path) -> None:
    fields, ocr = (shipped(name, folder) for name in ("finmm_page_fields", "finmm_ocr"))
    for example in fields.examples():
        asked = fields.request(example).output
        assert isinstance(asked, Fields)
        assert list(asked.names) == [field["name"] for field in example.target]
    assert isinstance(ocr.request(ocr.examples()[0]).output, Read)


def test_an_id_does_not_tell_the_kind_and_neither_does_the_order(folder: Path) -> None:
    task = built("finmm_page_class", folder)
    kinds = [example.target for example in task.examples()]
    assert kinds != [KINDS[i % len(KINDS)] for i in range(len(kinds))]
    assert not [one.id for one in task.examples() if any(kind in one.id for kind in KINDS)]


@pytest.mark.slow
def test_the_documents_to_learn_from_are_others(folder: Path) -> None:
    for name in ("finmm_page_class", "finmm_page_fields", "finmm_ocr", "finmm_tables"):
        task = shipped(name, folder)
        assert not {one.id for one in task.examples()} & {one.id for one in task.training()}


HOSTILE_FIELDS: list[Callable[[Any], str]] = [
    lambda one: json.dumps(
        {field["name"]: [text for other in one.target for text in other["texts"]] for field in one.target}
    ),
    lambda one: json.dumps(
        {field["name"]: " ".join(t for o in one.target for t in o["texts"]) for field in one.target}
    ),
    lambda one: "\n".join(f"{a['name']}: {text}" for a in one.target for b in one.target for text in b["texts"]),
    lambda one: " ".join(json.dumps({a["name"]: b["texts"][0] for a in one.target}) for b in one.target if b["texts"]),
    lambda one: "x" * 100_000,
    lambda one: json.dumps({field["name"]: "x" for field in one.target}),
]


@pytest.mark.parametrize("said", HOSTILE_FIELDS)
def test_who_gives_every_candidate_for_every_field_has_nothing(folder: Path, said: Callable[[Any], str]) -> None:
    for name in ("finmm_page_fields", "sroie"):
        assert first_score(shipped(name, folder), said) == 0.0


def test_an_extra_field_in_a_reply_costs_nothing(folder: Path) -> None:
    task = shipped("finmm_page_fields", folder)
    assert first_score(task, lambda one: '{"kind": "x", "more": [1, {"a": 2}]} ' + (task.ideal(one).text or "")) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "most"),
    [
        (lambda one: json.dumps(one.target * 2), 0.67),  # everything twice: half of what is said is right
        (lambda one: json.dumps([["x"] * len(row) for row in one.target]), 0.3),  # the right shape, nothing in it
        (lambda one: json.dumps([[cell for row in one.target for cell in row]]), 0.95),
        (lambda one: "x, y\n" * 5_000, 0.0),
    ],
)
def test_a_table_that_is_padded_or_empty_scores_little(folder: Path, said: Callable[[Any], str], most: float) -> None:
    assert first_score(shipped("finmm_tables", folder), said) <= most


def test_text_is_taken_as_it_is_without_a_fence() -> None:
    task = FinmmOCR(documents=1)
    assert task.answer(Prediction("x", text="```text\nTotal 5\nDate 3\n```")) == "Total 5\nDate 3"
    assert task.answer(Prediction("x", text=" \n")) == Unparsed("")


# --- reference rows ---


def test_random_says_words_of_the_request_in_each_field_and_majority_the_commonest_value() -> None:
    request = Request("a", (Text("Fields: date, total"),), Fields(99, names=("date", "total", "memo")))
    model = Random()
    model.load(None, seed=0)
    said = json.loads(model.one(request).text or "")
    assert set(said) == {"date", "total", "memo"}
    assert all(word in "Fields: date, total" for text in said.values() for word in text.split())
    usual = Majority()
    texts = ('{"date": "x", "total": "5"}', '{"date": "y", "total": "5"}', '{"date": "y", "total": null}')
    usual.reveal({str(i): Prediction(str(i), text=text) for i, text in enumerate(texts)})
    assert json.loads(usual.one(request).text or "") == {"date": "y", "total": "5", "memo": None}


def test_the_majority_says_no_value_that_a_single_page_has() -> None:
    usual = Majority()
    texts = (
        '{"Name:": "John Smith", "Fax:": "12"}',
        '{"Brand": "Old Gold", "Fax:": "13"}',
        '{"Date:": "May", "Fax:": "13"}',
    )
    usual.reveal({str(i): Prediction(str(i), text=text) for i, text in enumerate(texts)})
    for own in ("Name:", "Brand", "Date:"):
        said = usual.one(Request("a", (Text("?"),), Fields(99, names=(own, "Fax:")))).text
        assert json.loads(said or "") == {own: None, "Fax:": "13"}


# --- official layouts ---


def test_sroie_reads_other_folders_of_its_copies_too(folder: Path, tmp_path: Path) -> None:
    for name, fields in RECEIPTS.items():
        write(
            tmp_path,
            {
                f"sroie/test/entities/{name}.txt": json.dumps(fields),
                f"sroie/test/img/{name}.jpg": FILES[f"sroie/img/{name}.jpg"],
            },
        )
    one, other = (built("sroie", place) for place in (folder, tmp_path))
    assert list(one.examples()) == list(other.examples())
    assert list(other.problems()) == ["3 examples, where the test of task 3 has 347"]


def test_sroie_is_exact_as_the_organisers_count_and_what_is_meant_stands_beside(folder: Path) -> None:
    task = built("sroie", folder)
    examples = task.examples()
    said = [Prediction(one.id, answer={"company": one.target[0]["texts"][0].lower(), "date": "x"}) for one in examples]
    found = {one.metric: one.value for one in score(task, examples, said, resamples=0, seed=0)}
    # 3 companies are meant and none is exact; said 6, wanted 4 + 4 + 3
    assert (found["f1"], found["normalised_f1"]) == (0.0, pytest.approx(2 * 3 / (6 + 11)))


@pytest.mark.slow
def test_a_folder_of_files_is_a_submission_of_sroie(folder: Path, tmp_path: Path, bench_main: Main) -> None:
    for name, fields in RECEIPTS.items():
        write(tmp_path / "sent", {f"{name}.txt": json.dumps(fields)})
    code, out, err = bench_main(
        "score",
        "sroie",
        str(tmp_path / "sent"),
        "--json",
        f"data_dir='{folder}'",
        f"runs_dir='{tmp_path / 'runs'}'",
        "resamples=20",
    )
    assert code == 0, err
    assert json.loads(out[-1])["scores"]["f1"]["value"] == 1.0


def linked(*links: list[Any]) -> str:
    """A form of entities of one id with these links."""
    return json.dumps({"form": [{**entity(0, "question", "Name", 0), "linking": one} for one in links]})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("sroie/key/a.json", "[]", "expected an object of company"),
        ("sroie/key/a.json", '{"company": 3}', "company: found int"),
        ("sroie/key/a.json", '{"firm": "x"}', "the key 'firm'"),
        ("sroie/key/a.md", "", "holds no file"),
        ("sroie/nothing/a.json", "{}", "holds none of the folders"),
        ("funsd/testing_data/annotations/a.json", '{"form": [{"id": 1}]}', "form[0]"),
        ("funsd/testing_data/annotations/a.json", '{"form": 3}', "form"),
        (
            "funsd/testing_data/annotations/a.json",
            linked([["a", {}]]),
            "a.json: form[0]: linking: found [['a', {}]], expected pairs",
        ),
        ("funsd/testing_data/annotations/a.json", linked([[0, True]]), "form[0]: linking"),
        (
            "funsd/testing_data/annotations/a.json",
            linked([], []),
            "a.json: form[1]: the id 0 comes twice; bring the official file",
        ),
    ],
)
def test_a_folder_that_is_not_in_the_layout_is_refused_in_a_line(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    write(tmp_path, {name: content})
    with pytest.raises(BenchError) as caught:
        built(name.partition("/")[0], tmp_path).examples()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_receipt_without_its_picture_is_counted_and_named(tmp_path: Path) -> None:
    write(tmp_path, {"sroie/key/a.json": json.dumps({"company": "x"}), "sroie/img/b.jpg": b""})
    assert list(built("sroie", tmp_path).problems())[-1] == "1 receipts have no picture, the first is a"


def test_funsd_asks_for_linked_questions_that_have_a_name_of_their_own(folder: Path) -> None:
    form, small = built("funsd", folder).examples()
    assert [(one["name"], one["texts"]) for one in form.target] == [
        ("TO:", ["George Baroody"]), ("DATE:", ["12, 1998"]), ("FAX:", [])
    ]  # fmt: skip
    assert small.inputs["questions"] == ["Brand"]
    assert kind(small.target) == "a list"


@pytest.mark.parametrize(
    ("boxes", "text"),
    [
        ([[150, 61, 190, 71], [300, 60, 340, 70]], "a b"),  # one printed line, a pixel apart
        ([[300, 60, 340, 70], [150, 61, 190, 71]], "b a"),
        ([[300, 60, 340, 70], [150, 66, 190, 76]], "a b"),  # the next line, set close
        ([[150, 61, 190, 71], [300, 60, 340, 70], [10, 72, 50, 82]], "a b c"),
        ([[150, 71, 190, 81], [100, 60, 340, 82]], "b a"),  # a block of two lines and the end of the second
    ],
)
def test_answers_of_one_printed_line_are_read_from_left_to_right(
    tmp_path: Path, boxes: list[list[int]], text: str
) -> None:
    answers = [
        {**entity(i + 1, "answer", "abc"[i], 0), "box": box, "linking": [[0, i + 1]]} for i, box in enumerate(boxes)
    ]
    form = json.dumps({"form": [entity(0, "question", "Address", 60), *answers]})
    write(tmp_path, {"funsd/testing_data/annotations/a.json": form})
    assert built("funsd", tmp_path).examples()[0].target[0]["texts"] == [text]


def test_keys_and_pictures_are_found_however_their_endings_are_written_and_never_two_of_a_page(tmp_path: Path) -> None:
    key = json.dumps({"company": "x"})
    write(
        tmp_path, {"sroie/key/a.json": key, "sroie/key/B.JSON": key, "sroie/img/a.JPG": b"1", "sroie/img/B.png": b"2"}
    )
    task = built("sroie", tmp_path)
    assert {example.id for example in task.examples()} == {"a", "B"}
    assert all(task.request(example).parts for example in task.examples())
    write(tmp_path, {"sroie/img/a.png": b"3"})
    with pytest.raises(BenchError, match=r"img holds two pictures called a; keep one"):
        built("sroie", tmp_path).request(next(one for one in task.examples() if one.id == "a"))
