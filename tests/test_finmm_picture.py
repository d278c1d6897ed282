import collections
import hashlib
import json
import re
import subprocess
import sys
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.finmm.picture import KINDS, Document, annotate, docvqa_file, make_document, money, render, write_corpus
from tasks.finmm.picture.content.lines import share
from tasks.finmm.picture.content.loan_application import instalment

SEED = 7
indices = st.builds(lambda seed, index: (seed, index), st.integers(0, 10**6), st.integers(0, 10**6))


@lru_cache(maxsize=1)
def first_hundred() -> tuple[Document, ...]:
    return tuple(make_document(SEED, index) for index in range(100))


@lru_cache(maxsize=1)
def many() -> tuple[Document, ...]:
    return tuple(make_document(seed, index) for seed in (1, 2, 3) for index in range(160))


def of_kind(kind: str) -> list[Document]:
    return [document for document in many() if document.kind == kind]


def amount(document: Document, name: str) -> int:
    return money.read_amount(document.field(name).value, document.currency, document.number_format)


def whole(document: Document, name: str) -> int:
    return money.read_amount(document.field(name).value, "JPY", document.number_format)


def column(document: Document, table: str, key: str) -> list[int]:
    return [amount(document, field.name) for field in document.table(table).fields() if field.name.endswith(f"_{key}")]


def pixels(document: Document) -> str:
    return hashlib.sha256(render(document).tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("minor", "currency", "number_format", "text"),
    [
        (123456, "USD", "1,234.56", "1,234.56"),
        (123456789, "EUR", "1.234,56", "1.234.567,89"),
        (99950, "SEK", "1 234,56", "999,50"),
        (1234567, "CHF", "1'234.56", "12'345.67"),
        (1234567890, "INR", "1,23,456.78", "1,23,45,678.90"),
        (45000, "JPY", "1,234.56", "45,000"),
        (-5, "USD", "1,234.56", "-0.05"),
    ],
)
def test_an_amount_is_written_in_the_habit_of_its_country_and_read_back(
    minor: int, currency: str, number_format: str, text: str
) -> None:
    assert money.write_amount(minor, currency, number_format) == text
    assert money.read_amount(text, currency, number_format) == minor


def number_of(words: str) -> int:
    total = part = 0
    scale = {"thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7}
    for word in words.replace("-", " ").split():
        if word == "hundred":
            part *= 100
        elif word in scale:
            total, part = total + part * scale[word], 0
        else:
            part += money._SMALL.index(word) if word in money._SMALL else money._TENS.index(word) * 10
    return total + part


@given(st.integers(0, 9_999_999), st.booleans())
def test_a_number_in_words_says_the_number(number: int, indian: bool) -> None:
    assert number_of(money.words(number, indian)) == number


@pytest.mark.slow
def test_a_document_is_the_same_whatever_was_made_before_it() -> None:
    backwards = [make_document(SEED, index) for index in reversed(range(100))]
    assert tuple(reversed(backwards)) == first_hundred()
    assert make_document(SEED, 5) != make_document(SEED + 1, 5)


@pytest.mark.slow
def test_the_pixels_are_the_same_in_every_process_and_in_any_order() -> None:
    numbers = [3, 0, 14]
    code = (
        "import hashlib; from tasks.finmm.picture import make_document, render\n"
        f"for i in {numbers[::-1]}: print(hashlib.sha256(render(make_document({SEED}, i)).tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "31"}
    )
    here = [pixels(make_document(SEED, number)) for number in numbers]
    assert done.stdout.split()[::-1] == here
    assert pixels(make_document(SEED, 0)) == here[1]


def test_listing_questions_imports_neither_pillow_nor_numpy() -> None:
    code = (
        "import sys; from tasks.finmm.picture import docvqa_file, make_document\n"
        "docvqa_file([make_document(1, 2)]); print('PIL' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_kinds_take_turns() -> None:
    counts = collections.Counter(document.kind for document in first_hundred())
    assert len(KINDS) >= 8
    assert set(counts) == set(KINDS)
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.slow
def test_every_kind_has_several_layouts_and_the_corpus_many_currencies_and_number_formats() -> None:
    layouts = collections.defaultdict(set)
    for document in many():
        layouts[document.kind].add(document.style.layout)
    assert all(len(found) >= 2 for found in layouts.values())
    assert len({document.currency for document in many()}) >= 15
    assert {document.number_format for document in many()} == set(money._MARKS)


def test_a_hundred_documents_have_three_hundred_questions_and_each_has_at_least_three() -> None:
    assert sum(len(document.questions) for document in first_hundred()) >= 300
    assert min(len(document.questions) for document in many()) >= 3


def test_ids_are_unique_and_answers_are_not_empty() -> None:
    questions = [question for document in many() for question in document.questions]
    names = [(document.id, field.name) for document in many() for field in document.all_fields()]
    assert len({question.id for question in questions}) == len(questions)
    assert len({document.id for document in many()}) == len(many())
    assert len(set(names)) == len(names)
    assert all(question.answers and all(answer.strip() for answer in question.answers) for question in questions)
    assert all(question.text[0].isupper() and "{" not in question.text for question in questions)


def test_a_document_asks_no_question_twice() -> None:
    for document in many():
        texts = [question.text for question in document.questions]
        assert len(set(texts)) == len(texts)


@pytest.mark.slow
def test_an_extractive_answer_is_the_value_of_its_evidence() -> None:
    questions = [(document, question) for document in many() for question in document.questions]
    extractive = [(document, question) for document, question in questions if question.extractive]
    assert len(extractive) > 0.9 * len(questions)
    for document, question in extractive:
        assert question.answers[0] == document.field(question.evidence[0]).value
    for document, question in questions:
        assert all(document.field(name).value for name in question.evidence)


def test_no_wording_covers_more_than_a_twentieth_of_the_questions() -> None:
    for documents in (first_hundred(), many()):
        masked = collections.Counter()
        for document in documents:
            for question in document.questions:
                masked[re.sub(r"\{\w+\}|\d+", "_", question.template)] += 1
        assert max(masked.values()) <= 0.05 * masked.total()


@pytest.mark.slow
def test_every_field_is_asked_for_in_at_least_four_wordings() -> None:
    wordings = collections.defaultdict(set)
    seen = collections.Counter()
    for seed in range(40):
        for index in range(40):
            document = make_document(seed, index)
            for question in document.questions:
                key = document.kind, re.sub(r"_\d+_", "_", question.evidence[0]), question.kind
                wordings[key].add(question.template)
                seen[key] += 1
    assert all(len(wordings[key]) >= 4 for key, n in seen.items() if n >= 30)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(indices)
def test_any_seed_and_index_give_a_document_whose_answers_are_on_it(where: tuple[int, int]) -> None:
    document = make_document(*where)
    assert document == make_document(*where)
    assert document.kind == KINDS[where[1] % len(KINDS)]
    assert len(document.questions) >= 3


def test_a_negative_index_is_refused() -> None:
    with pytest.raises(ValueError, match="counts from 0, got -1"):
        make_document(1, -1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["invoice", "receipt"])
def test_lines_add_up_to_the_subtotal_and_with_tax_to_the_total(kind: str) -> None:
    for document in of_kind(kind):
        prices, quantities = column(document, "items", "price"), document.table("items").rows
        lines = [price * int(row[1]) for price, row in zip(prices, quantities, strict=True)]
        assert lines == column(document, "items", "amount")
        assert sum(lines) == amount(document, "subtotal")
        off = amount(document, "discount") if document.has("discount") else 0
        freight = amount(document, "shipping") if document.has("shipping") else 0
        net = sum(lines) - off + freight
        rate = int(re.search(r"(\d+) ?%", document.field("tax").label)[1])
        assert amount(document, "tax") == share(net, rate)
        assert amount(document, "total") == net + amount(document, "tax")
        if document.has("tendered"):
            assert amount(document, "tendered") - amount(document, "total") == amount(document, "change")


@pytest.mark.slow
def test_every_balance_of_a_statement_follows_from_the_one_before() -> None:
    for document in of_kind("bank_statement"):
        balance = amount(document, "opening_balance")
        for number, (_, _, out, into, _) in enumerate(document.table("moves").rows, 1):
            sign, side = (-1, "out") if out else (1, "in")
            assert bool(out) != bool(into)
            balance += sign * amount(document, f"moves_{number}_{side}")
            assert balance == amount(document, f"moves_{number}_balance")
        assert balance == amount(document, "closing_balance")
        assert sum(column(document, "moves", "out")) == amount(document, "total_out")
        assert sum(column(document, "moves", "in")) == amount(document, "total_in")


def test_a_cheque_says_the_same_in_words_as_in_digits() -> None:
    for document in of_kind("cheque"):
        text = document.field("amount_words").value.lower().removesuffix(" only")
        unit, small = money.NAMES[document.currency]
        cents = 0
        if fraction := re.search(r" and (\d\d)/100 ", text):
            cents, text = int(fraction[1]), text.replace(fraction[0], " ")
        elif f"{unit} and " in text:
            text, _, rest = text.partition(f"{unit} and ")
            cents = number_of(rest.removesuffix(small).strip())
        units = number_of(text.strip().removesuffix(unit).strip())
        scale = 10 ** money.decimals(document.currency)
        assert units * scale + cents == amount(document, "amount")


@pytest.mark.slow
def test_a_balance_sheet_balances_in_both_years() -> None:
    for document in of_kind("balance_sheet"):
        for side in ("now", "before"):
            totals = {}
            for table in document.tables:
                parts = [whole(document, f"{table.name}_{number}_{side}") for number in range(1, len(table.rows) + 1)]
                totals[table.name] = whole(document, f"{table.name}_total_{side}")
                assert sum(parts) == totals[table.name]
            debts = totals["current_debts"] + totals["long_debts"]
            assert debts == whole(document, f"total_debts_{side}")
            assert totals["current_assets"] + totals["fixed_assets"] == whole(document, f"total_assets_{side}")
            assert whole(document, f"total_assets_{side}") == totals["equity"] + debts
            assert whole(document, f"total_assets_{side}") == whole(document, f"total_funding_{side}")


def test_net_pay_is_gross_pay_less_deductions() -> None:
    for document in of_kind("payslip"):
        gross, off = amount(document, "gross"), amount(document, "total_deductions")
        assert sum(column(document, "earnings", "amount")) == gross
        assert sum(column(document, "deductions", "amount")) == off
        assert amount(document, "net") == gross - off > 0


def test_a_claim_pays_what_is_claimed_less_the_excess() -> None:
    for document in of_kind("insurance_claim"):
        claimed = amount(document, "claimed")
        assert sum(column(document, "losses", "amount")) == claimed
        assert claimed - amount(document, "excess") == amount(document, "payable") > 0


def test_a_loan_application_adds_up() -> None:
    for document in of_kind("loan_application"):
        income = amount(document, "income") + amount(document, "other_income")
        assert income == amount(document, "total_income")
        assert income - amount(document, "expenses") == amount(document, "disposable")
        assert amount(document, "assets") - amount(document, "debts") == amount(document, "net_worth")
        percent = float(document.field("rate").value.removesuffix(" %").replace(",", "."))
        months = int(document.field("term").value.split()[0])
        assert instalment(amount(document, "amount"), percent, months) == amount(document, "instalment")


@pytest.mark.parametrize("index", [*range(12), *(pytest.param(i, marks=pytest.mark.slow) for i in range(12, 24))])
def test_boxes_lie_on_the_page_and_hold_ink(index: int) -> None:
    document = make_document(SEED, index)
    record, page = annotate(document), render(document)
    assert (record["width"], record["height"]) == page.size
    grey = page.convert("L")
    boxes = {field["name"]: field["box"] for field in record["fields"]}
    for x0, y0, x1, y1 in boxes.values():
        assert 0 <= x0 < x1 <= page.width
        assert 0 <= y0 < y1 <= page.height
        darkest, brightest = grey.crop((x0, y0, x1, y1)).getextrema()
        assert brightest - darkest > 35
    for question in record["questions"]:
        assert all(name in boxes for name in question["evidence"])


@pytest.mark.slow
def test_the_box_of_a_value_is_where_the_clean_page_has_its_ink() -> None:
    for index in range(2000):
        document = make_document(SEED, index)
        if document.kind == "invoice" and document.style.noise.level == "clean" and document.style.stamp is None:
            break
    page = render(document).convert("L")
    ground = page.getpixel((page.width - 3, page.height - 3))
    for field in annotate(document)["fields"]:
        if field["name"] in ("total", "due_date", "buyer", "items_1_amount"):
            x0, y0, x1, y1 = field["box"]
            ink = page.crop((x0 - 6, y0 - 1, x1 + 6, y1 + 1)).point(lambda level: 255 * (abs(level - ground) > 70))
            left, _, right, _ = ink.getbbox()
            assert abs(left - 6) <= 2
            assert abs(right - (x1 - x0 + 6)) <= 2


def test_the_docvqa_file_has_the_official_keys() -> None:
    gold = docvqa_file(first_hundred())
    assert set(gold) == {"data"}
    assert set(gold["data"][0]) == {"questionId", "question", "image", "docId", "answers"}
    assert len(gold["data"]) == sum(len(document.questions) for document in first_hundred())
    json.dumps(gold)


@pytest.mark.slow
def test_write_corpus_streams_pictures_annotations_and_gold(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.finmm.picture import corpus

    made = []

    def spy(seed: int, index: int) -> Document:
        # by the time a document is asked for, all those before it are on disk
        assert len(list((tmp_path / "images").iterdir())) == len(made)
        made.append(index)
        return make_document(seed, index)

    monkeypatch.setattr(corpus, "make_document", spy)
    write_corpus(tmp_path, SEED, 9)
    records = [json.loads(line) for line in (tmp_path / "annotations.jsonl").read_text("utf-8").splitlines()]
    documents = [make_document(SEED, index) for index in range(9)]
    assert made == list(range(9))
    assert [record["id"] for record in records] == [document.id for document in documents]
    assert json.loads((tmp_path / "docvqa.json").read_text("utf-8")) == docvqa_file(documents)
    assert records[3] == annotate(documents[3])
    from PIL import Image

    with Image.open(tmp_path / records[3]["image"]) as image:
        assert image.convert("RGB").tobytes() == render(documents[3]).tobytes()
