"""Metrics of pages: hand-worked values, then properties."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.entities import ENTITIES, EXACT_F1, F1
from bench.metrics.field_values import amounts, dates, same_value
from bench.metrics.metric import Metric
from bench.metrics.page_text import CER, ORDERED_WORD_F1, WORD_F1
from bench.metrics.table_cells import CELL_CONTENT_F1, CELL_F1, TEDS
from bench.metrics.tree_edit import table_distance


def value(metric: Metric, *pairs: tuple[Any, Any]) -> float:
    totals = np.sum([metric.measure(target, answer) for target, answer in pairs], axis=0)
    return float(metric.summarise(totals, np.float64(len(pairs))))  # type: ignore[arg-type]


# --- text ---


@pytest.mark.parametrize(
    ("answer", "cer", "bag", "ordered"),
    [
        ("Total 12.50\nDate 3 May", 0.0, 1.0, 1.0),
        ("Total 12.60 Date 3 May", 1 / 18, 0.8, 0.8),  # one of 18 characters, one of 5 words
        ("Date 3 May Total 12.50", None, 1.0, 0.6),  # the 3 words that stand in order
        ("Total12.50 Date 3 May", 0.0, 6 / 9, 6 / 9),  # a blank that is lost: 3 of 4 and of 5 words
        ("", 1.0, 0.0, 0.0),
        ("x" * 500, 1.0, 0.0, 0.0),
        ("Total Total Total Total Total", None, 0.2, 0.2),  # a word said five times is right once
    ],
)
def test_characters_and_words_of_a_page_by_hand(answer: str, cer: float | None, bag: float, ordered: float) -> None:
    target = "Total 12.50 Date 3 May"
    if cer is not None:
        assert value(CER, (target, answer)) == pytest.approx(cer)
    assert value(WORD_F1, (target, answer)) == pytest.approx(bag)
    assert value(ORDERED_WORD_F1, (target, answer)) == pytest.approx(ordered)


def test_pages_are_pooled_by_their_characters_and_none_counts_more_than_its_own() -> None:
    assert value(CER, ("abcd", "abxd"), ("ab", "y" * 999)) == pytest.approx((1 + 2) / 6)


@pytest.mark.slow
@given(st.text("ab c\n", max_size=30), st.text("ab c\n", max_size=30))
def test_an_error_rate_is_a_fraction_and_order_never_helps(target: str, answer: str) -> None:
    edits, wanted = CER.measure(target, answer)
    assert 0 <= edits <= wanted
    assert ORDERED_WORD_F1.measure(target, answer)[0] <= WORD_F1.measure(target, answer)[0]
    assert CER.measure(target, target)[0] == 0


# --- values ---


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("1,234.50", {"1234.50"}), ("1.234,50 €", {"1234.50"}), ("R127 729,12", {"127729.12"}), ("CHF 12'345.67", {"12345.67"}),
        ("₹1,23,45,678.90", {"12345678.90"}), ("53 010,83 kr", {"53010.83"}), ("13,9 %", {"13.9"}), ("-5", {"-5"}),
        ("(5.00)", {"-5.00"}), ("1.234", {"1.234", "1234"}), ("1,234,567", {"1234567"}), ("12", {"12"}), ("USD 12.00.", {"12.00"}),
        ("12 or 13", set()), ("12.50, 13.50", set()), ("the total is 12.50", set()), ("12.50 13.50", set()), ("", set()),
        ("1,2,3", set()), ("1.2.3", set()), ("9" * 999, set()), ("12/13", set()),
    ],
)  # fmt: skip
def test_amounts_are_read_whole_in_every_country_s_hand(said: str, found: set[str]) -> None:
    assert amounts(said) == {Decimal(one) for one in found}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2024-03-05", "2024-03-05"), ("2024/03/05", "2024-03-05"), ("5 March 2024", "2024-03-05"), ("05-Mar-2024", "2024-03-05"),
        ("March 5, 2024", "2024-03-05"), ("Mar 5 2024", "2024-03-05"), ("5th of March, 2024.", "2024-03-05"),
        ("05/03/2024", "2024-03-05"), ("05.03.24", "2024-03-05"), ("31/02/2024", None), ("05/03/2024 or 06/03/2024", None),
        ("March 2024", None), ("2024", None), ("", None), ("5/3", None),
    ],
)  # fmt: skip
def test_a_date_is_one_day_or_none(said: str, found: str | None) -> None:
    assert dates(said) == ({found} if found else set())


AMOUNT = {"name": "total", "kind": "amount", "texts": ["$1,234.50"], "value": "1234.50"}
DAY = {"name": "date", "kind": "date", "texts": ["03/04/2024"], "value": "2024-03-04", "month_first": True}
NUMBER = {"name": "account", "kind": "number", "texts": ["NL51 LMCP 2425"]}
NAME = {"name": "payee", "kind": "text", "texts": ["Ann Lee Ltd"]}
NONE = {"name": "memo", "kind": "text", "texts": []}
TARGET = [AMOUNT, DAY, NUMBER, NAME, NONE]


@pytest.mark.parametrize(
    ("field", "said", "same"),
    [
        (AMOUNT, "1234.5", True), (AMOUNT, "1.234,50", True), (AMOUNT, "1234.51", False), (AMOUNT, "1,234.50; 1,000.00", False),
        (DAY, "4 March 2024", True), (DAY, "March 4, 2024", True), (DAY, "2024-03-04", True), (DAY, "04/03/2024", False),
        (NUMBER, "nl51lmcp2425", True), (NUMBER, "NL51-LMCP-2425", True), (NUMBER, "NL51 LMCP", False), (NUMBER, "-", False),
        (NAME, "ANN  LEE LTD", True), (NAME, "AnnLee Ltd", True), (NAME, "Ann Lee", False), (NAME, "", False),
    ],
)  # fmt: skip
def test_what_a_value_means(field: dict[str, Any], said: str, same: bool) -> None:
    assert same_value(field, said) is same


def test_entity_f1_by_hand() -> None:
    answer = {"total": "1234.50", "date": "2024-03-04", "account": "other", "memo": "rent", "unknown": "x"}
    assert value(F1, (TARGET, answer)) == pytest.approx(2 * 2 / (4 + 4))  # 2 right of 4 said and of 4 wanted
    assert value(EXACT_F1, (TARGET, answer)) == 0.0
    assert value(EXACT_F1, (TARGET, {"payee": "Ann  Lee Ltd"})) == pytest.approx(2 / (1 + 4))
    by_name = {metric.name: value(metric, (TARGET, answer)) for metric in ENTITIES}
    assert [by_name[f"f1_{kind}"] for kind in ("amount", "date", "number", "text")] == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from(["total", "date", "account", "payee", "memo"]), st.text("0123./ aA", max_size=12))
)
def test_an_answer_is_never_better_than_the_target_and_exact_is_never_more_than_meant(answer: dict[str, str]) -> None:
    meant, exact = F1.measure(TARGET, answer), EXACT_F1.measure(TARGET, answer)
    assert exact[0] <= meant[0] <= min(meant[1], meant[2])
    assert tuple(F1.best(TARGET)) == (4.0, 4.0, 4.0)


# --- tables ---

BILL = [["Item", "Price"], ["Tea", "2.50"], ["Soup", "5.50"]]


@pytest.mark.parametrize(
    ("answer", "teds", "placed", "anywhere"),
    [
        (BILL, 1.0, 1.0, 1.0),
        (BILL[:2], 1 - 3 / 9, 8 / 10, 8 / 10),  # a row and two cells of nine nodes
        (BILL[1:], 1 - 3 / 9, 0.0, 8 / 10),  # the head is missing: no cell stands where it should
        (
            [["Item", "Price"], ["Tea", "2.60"], ["Soup", "5.50"]],
            1 - 0.25 / 9,
            10 / 12,
            10 / 12,
        ),  # one of four characters
        ([*BILL, *BILL], 1 - 9 / 18, 12 / 18, 12 / 18),  # a table said twice
        ([], 0.0, 0.0, 0.0),
        (
            [["Item", "Price", "Tea", "2.50", "Soup", "5.50"]],
            1 - 4 / 9,
            4 / 12,
            1.0,
        ),  # rows that are lost: three go, one comes
        ([["2.50"] * 40] * 40, 0.0, 2 / 1606, 2 / 1606),  # too large to be compared
    ],
)
def test_tables_by_hand(answer: list[list[str]], teds: float, placed: float, anywhere: float) -> None:
    assert value(TEDS, (BILL, answer)) == pytest.approx(teds)
    assert value(CELL_F1, (BILL, answer)) == pytest.approx(placed)
    assert value(CELL_CONTENT_F1, (BILL, answer)) == pytest.approx(anywhere)


# With apted 1.0.3 and rapidfuzz 3.14.6 on table > tr > td: APTED(tree(a), tree(b), config).compute_edit_distance()
@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ([["ab", "1"], ["b"]], [["ab"], ["1", "b"]], 2.0),
        ([["a", "b", "c"]], [["a"], ["b"], ["c"]], 4.0),
        ([["ab1"], [], ["a", "b"]], [["a", "b"], ["ab"]], 4.166666666666666),
        ([], [["a"]], 2.0),
    ],
)
def test_the_distance_is_that_of_apted(one: list[list[str]], other: list[list[str]], distance: float) -> None:
    assert table_distance(one, other) == pytest.approx(distance)


TABLE = st.lists(st.lists(st.text("ab1", max_size=3), max_size=3), max_size=4)


@pytest.mark.slow
@given(TABLE, TABLE)
def test_teds_is_a_symmetric_fraction_and_one_for_equal_tables_alone(
    one: list[list[str]], other: list[list[str]]
) -> None:
    assert table_distance(one, other) == pytest.approx(table_distance(other, one))
    (found,) = TEDS.measure(one, other)
    assert 0.0 <= found <= 1.0
    assert (found == 1.0) is (one == other)
