"""Tables by where words stand: headings, columns, empty cells, sums, years, two tables beside each other, tilted pages."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.models.base import Device
from bench.models.page_places import Word
from bench.models.page_tables import PageTables, table_of
from bench.models.pages import Reader
from bench.types import Image, Request, Rows, Text

LETTER, HEIGHT = 8, 12


def words(lines: Sequence[str], tilt: float = 0.0) -> list[Word]:
    """The words of lines of text as a typewriter sets them, each `tilt` lower for each unit to the right."""
    found = []
    for row, line in enumerate(lines):
        at = 0
        for text in line.split():
            at = line.index(text, at)
            left, top = at * LETTER, round(row * 20 + tilt * at * LETTER)
            found.append(Word(text, (left, top, left + LETTER * len(text), top + HEIGHT)))
            at += len(text)
    return found


STATEMENT = (
    "Oak Bank          Statement no. 12-A",
    "Ann Lee           1 May to 31 May",
    "",
    "Date      Description        Paid out    Paid in    Balance",
    "1 May     Salary                          900.00     950.00",
    "3 May     Rent, Hill Road     500.00                 450.00",
    "                               20.00                 430.00",
    "Closing balance                                      430.00",
    "Thank you for your custom.",
)
ROWS = [
    ["Date", "Description", "Paid out", "Paid in", "Balance"],
    ["1 May", "Salary", "", "900.00", "950.00"],
    ["3 May", "Rent, Hill Road", "500.00", "", "450.00"],
    ["", "", "20.00", "", "430.00"],
]


@pytest.mark.parametrize("tilt", [0.0, 0.02, -0.02])
def test_cells_stand_under_their_headings_on_a_straight_and_on_a_tilted_page(tilt: float) -> None:
    assert table_of(words(STATEMENT, tilt)) == ROWS


def test_words_in_any_order_give_the_same_table() -> None:
    assert table_of(words(STATEMENT)[::-1]) == ROWS


SHEET = (
    "As of 31 May 2024",
    "                        2024     2023",
    "Current assets",
    "Cash                   1,200      900",
    "Total current assets   1,200      900",
    "Total assets           1,200      900",
    "Signed by Ann Lee",
)


def test_a_table_headed_by_years_keeps_its_headings_and_sums() -> None:
    assert table_of(words(SHEET)) == [
        ["", "2024", "2023"], ["Current assets", "", ""], ["Cash", "1,200", "900"],
        ["Total current assets", "1,200", "900"], ["Total assets", "1,200", "900"],
    ]  # fmt: skip


def test_a_heading_that_comes_twice_is_that_of_two_tables_of_which_the_right_one_follows() -> None:
    beside = (
        "            2024   2023                2024   2023",
        "Cash       1,200    900   Capital       700    600",
        "Total      1,200    900   Total       1,200    900",
    )
    assert table_of(words(beside)) == [
        ["", "2024", "2023"], ["Cash", "1,200", "900"], ["Total", "1,200", "900"], ["Capital", "700", "600"],
        ["Total", "1,200", "900"],
    ]  # fmt: skip


def test_of_two_tables_that_with_more_amounts_counts_and_two_columns_are_enough() -> None:
    lines = (
        "Cause      Place",
        "Hail       Hill",
        "",
        "Item       Value",
        "Door       10.00",
        "Roof       20.00",
        "Sum        30.00",
    )
    assert table_of(words(lines)) == [["Item", "Value"], ["Door", "10.00"], ["Roof", "20.00"]]


@pytest.mark.parametrize(
    "lines", [(), ("",), ("Ann Lee",), ("Item   Value",), ("Cause   Place", "Hail    Hill"), ("1   2", "3   4")]
)
def test_a_page_without_headings_over_amounts_has_no_table(lines: Sequence[str]) -> None:
    assert table_of(words(lines)) == []


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=5), *[st.integers(0, 1000)] * 4).map(lambda one: Word(one[0], one[1:])), max_size=30
    )
)  # fmt: skip
def test_any_words_give_rows_of_one_width(found: list[Word]) -> None:
    rows = table_of(found)
    assert len({len(row) for row in rows}) <= 1
    assert all(any(row) for row in rows)


@pytest.mark.slow
def test_the_tilt_of_a_page_of_many_words_comes_of_some_of_them() -> None:
    many = [f"Item{i:3}   {i}.00    {i}.50" for i in range(400)]
    assert len(table_of(words(["Item      Net      Gross", *many], 0.02))) == 401


class Sheets(Reader):
    """Reads a page that is its own lines; one that says "damaged" cannot be read."""

    def load(self, device: Device, *, seed: int = 0) -> None:
        pass

    def _lines(self, image: Image) -> list[str]:
        return image.data.decode().split("\n")

    def _words(self, image: Image) -> list[Word]:
        if image.data == b"damaged":
            raise ValueError("the picture is damaged")
        return words(self._lines(image))


def asked(*pages: str) -> Request:
    return Request("a", (Text("Write the table."), *(Image(one.encode()) for one in pages)), Rows(100))


def test_the_first_page_with_a_table_gives_it_and_a_damaged_one_fails_its_request() -> None:
    model = PageTables(Sheets())
    batch = [asked("\n".join(STATEMENT)), asked("Hello", "\n".join(STATEMENT)), asked("Hello"), asked("damaged")]
    model.prepare(batch)
    first, second, none, damaged = model.predict(batch)
    assert json.loads(first.text or "") == json.loads(second.text or "") == ROWS
    assert none.text == "[]"
    assert damaged.error == "the picture is damaged"
    assert model.units(batch) == [[one] for one in batch]


def test_only_a_reader_of_pages_finds_tables() -> None:
    with pytest.raises(BenchError, match=r"model\.reader=PageTables reads no pages"):
        PageTables(PageTables(Sheets()))  # type: ignore[arg-type]
