"""Amounts, dates and numbers of a transcript: as whole values, in words or digits, and never for listing many."""

from __future__ import annotations

import random

import pytest

from bench.metrics.spoken_values import VALUES, right, values
from bench.text.rows import rows
from tasks.finmm.voice.entity import MAKERS

AMOUNT = {"kind": "amount", "written": "$1,200.50", "spoken": "one thousand two hundred dollars and fifty cents"}
ACCOUNT = {"kind": "account", "written": "4111 2233", "spoken": "four one one one two two three three"}
DATE = {"kind": "date", "written": "3 May 2026", "spoken": "the third of May twenty twenty six"}
TEXT = "Pay $1,200.50 to 4111 2233 by 3 May 2026."
TARGET = {"text": TEXT, "entities": [AMOUNT, ACCOUNT, DATE]}


def shares(said: str) -> dict[str, tuple[float, float]]:
    return {metric.name: tuple(metric.measure(TARGET, said)) for metric in VALUES}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("twelve hundred dollars", [("1200",)]), ("$1,200.50.", [("1200.5",)]), ("one point two", [("1.2",)]), ("2.1%", [("2.1",)]),
        ("zero four one one", [("0411",)]), ("4111-2233", [("41112233",)]), ("1-1-4-1", [("1141",)]), ("1 1 4 1 7", [("11417",)]),
        ("account 1 41 one", [("1411",)]),
        ("5.64€", [("5.64",)]), ("EUR 5.64", [("5.64",)]), ("5.64 EUR", [("5.64",)]), ("CV76399", [("cv76399",)]),
        ("CV-763-99", [("cv76399",)]), ("c v seven six 399", [("cv76399",)]), ("C V 7 6 3 9 9", [("cv76399",)]),
        ("CV 763 99", [("cv76399",)]), ("i see 5", [("5",)]), ("5/13/2015", [("5", "13", "2015")]), ("a b c", []), ("and/or", []),
        ("13/13/2015", []), ("4111 2233", [("41112233",)]), ("2026-05-03", [("5", "3", "2026")]),
        ("May 3rd, 2026", [("5", "3", "2026")]), ("the third of May", [("5", "3", "0")]), ("you may go in March", []),
        ("on 3 May 2026 5 dollars", [("5", "3", "2026"), ("5",)]), ("", []), ("no number", []),
    ],
)  # fmt: skip
def test_values_are_read_in_words_and_digits(text: str, found: list[tuple[str, ...]]) -> None:
    assert [value.what for value in values(text)] == found


@pytest.mark.parametrize(
    ("said", "hits"),
    [
        (TEXT, [True, True, True]),
        ("pay one thousand two hundred dollars and fifty cents to four one one one two two three three by the third of may twenty "
         "twenty six", [True, True, True]),
        ("pay twelve hundred dollars and fifty cents to 41112233 by May 3rd 2026", [True, True, True]),
        ("pay 1200.50 pounds", [False, False, False]), ("pay 1200 dollars to 4111 223 by 3 May", [False, False, False]),
        ("411122334", [False, False, False]), ("5 4111 2233", [False, False, False]), ("", [False, False, False]),
    ],
)  # fmt: skip
def test_a_value_is_right_as_a_whole_or_not_at_all(said: str, hits: list[bool]) -> None:
    assert right([AMOUNT, ACCOUNT, DATE], said) == hits


REFERENCE = {"kind": "reference", "written": "CV76399", "spoken": "C V seven six three nine nine"}


@pytest.mark.parametrize(
    ("said", "hit"),
    [
        ("claim CV 76399", True), ("claim C V 7 6 3 9 9", True), ("claim cv-763-99", True), ("claim XX76399", False),
        ("claim 76399", False), ("claim V76399", False), ("claim CV 76398", False),
    ],
)  # fmt: skip
def test_the_letters_of_a_reference_are_part_of_it(said: str, hit: bool) -> None:
    assert right([REFERENCE], said) == [hit]


def test_a_date_in_figures_that_may_be_read_both_ways_is_right_both_ways() -> None:
    assert right([DATE], "03/05/2026") == right([DATE], "5/3/2026") == [True]
    assert right([DATE], "4/5/2026") == right([DATE], "03/05/2025") == [False]


@pytest.mark.slow
def test_each_way_in_which_a_transcript_may_write_a_value_is_right() -> None:
    """Those that cost no word error are no wrong value."""
    rng = random.Random(4)
    for name, make in MAKERS.items():
        for _ in range(40):
            entity = make(rng, rng.choice(("GBP", "USD", "EUR")))
            told = {"kind": entity.kind, "written": entity.written, "spoken": entity.spoken}
            wrong = [way for way in entity.ways() if right([told], " ".join(["pay", *way, "now"])) != [True]]
            assert not wrong, (name, entity.written, wrong)


def test_one_place_serves_one_value_only() -> None:
    assert right([AMOUNT, AMOUNT], "$1200.50") == [True, False]
    assert right([AMOUNT, AMOUNT], "$1200.50 and then $1200.50") == [True, True]


def test_each_kind_has_its_share_and_a_transcript_that_lists_numbers_gains_nothing() -> None:
    assert shares(TEXT) == {name: (n, n) for name, n in shares(TEXT).items() for n in [n[1]]}
    assert shares(TEXT)["value_accuracy"] == (3.0, 3.0)
    assert shares("$1,200.50 only")["value_accuracy"] == (1.0, 3.0)
    assert shares("$1,200.50 only")["amount_accuracy"] == (1.0, 1.0)
    listed = " then ".join([f"{n} dollars" for n in range(1_000, 1_100)] + ["$1200.50", "4111 2233", "3 May 2026"])
    hits, of = shares(listed)["value_accuracy"]
    assert hits / of < 0.05


def test_the_metric_of_a_failed_example_finds_nothing_and_that_of_the_text_itself_all() -> None:
    metric = VALUES[0]
    assert tuple(metric.worst(TARGET)) == (0.0, 3.0)
    assert tuple(metric.best(TARGET)) == (3.0, 3.0)


@pytest.mark.slow
def test_a_very_long_transcript_costs_its_length() -> None:
    text = "one " * 50_000
    assert len(list(rows(text))) == 1
    assert len(values(text)) == 1
