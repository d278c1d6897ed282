"""Whether a free answer is right: what commits itself and agrees is, what refuses, contradicts or says everything is not."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import small_data

from bench.metrics.commitment import Said, content_words, direction
from bench.metrics.verdict import CORRECT, is_right

RATIO = ("What is Acme's FY2020 quick ratio? Round to two decimal places.", "0.68", None)
REVENUE = ("What is Acme's FY2020 revenue (in USD millions)?", "$1577.00", 1e6)
BILLIONS = ("What was net PPNE? Answer in USD billions.", "$8.70", 1e9)
GROWTH = ("What is the change in revenue, in units of percents?", "-3.5%", None)
NONE = ("How many restructuring costs are outlined? If none, state 0.", "0", None)
DEBT = ("Has Acme increased its debt between FY2021 and FY2022?", "No. Acme's debt decreased by $229 million.", None)
CYCLE = ("Is Acme's business cyclical?", "Yes, demand for its airplanes follows the economy.", None)
CASH = (
    "Among operations, investing, and financing activities, which brought in the most cash flow for Acme in FY22?",
    "Acme brought in the most cash flow from Operations", None,
)  # fmt: skip
NOTES = ("Which debt securities of Acme are registered to trade?", "There are none", None)
DROVE = ("What drove the margin change of Acme?", "Lower freight costs, currency losses and litigation charges.", None)
GAIN = (
    "What is the amount of the gain from the separation?",
    "Acme will make a gain of approximately $20 billion.",
    None,
)
CHANGED = (
    "How much has the tax rate changed?",
    "The tax rate dropped from 24.6% in FY 2021 to 21.6% in FY 2022.",
    None,
)


@pytest.mark.parametrize(
    ("asked", "said", "right"),
    [
        (RATIO, "0.68", True),
        (RATIO, "Current assets of $5,121 million over $7,491 million = 0.6836. Rounded, the quick ratio is 0.68.", True),
        (RATIO, "The ratio is 0.71.", False),
        (RATIO, "68%", True),
        (RATIO, "It is 0.68, or 0.71, or 0.93, or 1.4, or 2.2.", False),
        (REVENUE, "Acme's FY2020 revenue was $1,577 million. It had been $1,402 million.", True),
        (REVENUE, "1.577 billion", True),
        (REVENUE, "$1,577 billion", False),
        (REVENUE, "-1577", False),
        (REVENUE, "The information is not provided.", False),
        (REVENUE, "1577 1402 1388 2020 44 98 17 1290", False),
        (BILLIONS, "It was $8.738 billion.", True),
        (BILLIONS, "It was $8.9 billion.", False),
        (GROWTH, "It fell: (965 - 1000) / 1000 = -3.5%", True),
        (GROWTH, "3.5%", False),
        (NONE, "There are no restructuring costs.", True),
        (NONE, "I do not know.", False),
        (DEBT, "No, Acme's debt decreased.", True),
        (DEBT, "Acme's debt decreased by $0.2 billion.", True),
        (DEBT, "Yes, Acme's debt increased by $229 million.", False),
        (DEBT, "Yes. No. Acme's debt decreased by $229 million.", False),
        (DEBT, "No.", False),
        (DEBT, "The context does not provide Acme's debt.", False),
        (CYCLE, "Yes. Demand for Acme's airplanes is cyclical.", True),
        (CYCLE, "Acme's business is cyclical, since demand follows the economy.", True),
        (CYCLE, "Acme's business is not cyclical: demand is stable.", False),
        (CYCLE, "Yes", False),
        (CASH, "Operating activities brought in the most cash flow for Acme.", True),
        (CASH, "Financing activities brought in the most cash flow for Acme.", False),
        (CASH, "Operations, investing and financing activities brought in the most cash flow.", False),
        (NOTES, "Acme does not have any debt securities that are registered.", True),
        (NOTES, "Acme's 2 % notes due 2027 are registered.", False),
        (NOTES, "The context does not mention debt securities.", False),
        (DROVE, "Acme's margin changed with freight costs and charges for litigation.", True),
        (DROVE, "Acme's margin changed with the price of steel.", False),
        (DROVE, "Higher freight costs drove the margin change, and more litigation charges.", False),
        (GAIN, "The gain is $20 billion.", True),
        (GAIN, "The gain is $21.4 billion.", False),
        (CHANGED, "The tax rate decreased from 24.6 percent to 21.6 percent.", True),
        (CHANGED, "The tax rate increased from 21.6 percent to 24.6 percent.", False),
    ],
)  # fmt: skip
def test_an_answer_is_right_that_commits_itself_to_what_the_gold_one_says(
    asked: tuple[str, str, float | None], said: str, right: bool
) -> None:
    question, gold, factor = asked
    target = {"text": gold, "factor": factor, "question": question}
    assert is_right(target, said) is right
    assert is_right(target, gold)
    assert CORRECT.measure(target, said) == (float(right),)


ALL = [RATIO, REVENUE, BILLIONS, GROWTH, DEBT, CYCLE, CASH, NOTES, DROVE, GAIN, CHANGED]
PAGE = (
    "ACME CORP 10-K 2022 Item 8 Consolidated balance sheet in millions cash 1,577 1,402 receivables 229 381 debt 0.68 8.7 "
    "operations 20 24.6 21.6 financing 3.5 investing freight currency litigation airplanes economy decreased none not "
) * 2


@pytest.mark.parametrize("asked", ALL, ids=lambda one: one[1])
@pytest.mark.parametrize(
    "said",
    [
        "", " ", "x", "Yes.", "No.", "Yes and no.", "I don't know.", "The information is not provided.", PAGE, f"Yes. {PAGE}",
        f"No. {PAGE}", ", ".join(re.findall(r"[\d.,]*\d", PAGE)), " or ".join(PAGE.split()),
        ", ".join(PAGE.split()[:40]), " or ".join(["Operations", "litigation", "freight", "none", "Yes", "20"]), "so " * 20_000,
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_says_nothing_or_everything_is_wrong(asked: tuple[str, str, float | None], said: str) -> None:
    question, gold, factor = asked
    assert not is_right({"text": gold, "factor": factor, "question": question}, said)


def test_an_answer_that_only_repeats_the_question_is_wrong() -> None:
    for question, gold, factor in ALL:
        assert not is_right({"text": gold, "factor": factor, "question": question}, question), question


def test_a_result_stands_behind_the_last_equals_sign_or_in_the_first_sentence() -> None:
    assert [n.text for n in Said("Revenue was 12 million. In 2019 it was 9.").result] == ["12 million"]
    assert [n.text for n in Said("5 + 7 = 12 and so\nthe sum is 12.5").result] == ["12.5"]
    assert Said("No number.").result == []


@pytest.mark.parametrize(
    ("text", "way"), [("it grew", "up"), ("it fell", "down"), ("it grew, then fell", None), ("flat", None)]
)
def test_a_direction_is_one_only(text: str, way: str | None) -> None:
    assert direction(text) == way


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["a" * 100_000, "1 " * 50_000, "no, " * 30_000, "Yes. " * 30_000, "= " * 30_000, "- " * 30_000]
)
def test_no_text_takes_long(text: str) -> None:
    for question, gold, factor in ALL:
        assert not is_right({"text": gold, "factor": factor, "question": question}, text)


def test_words_are_compared_by_their_stems() -> None:
    assert content_words("Operating the companies' litigations") == content_words("operates litigation")


@pytest.mark.slow
def test_the_matcher_agrees_with_people_on_set_ups_that_it_was_not_made_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_DATA", str(small_data.reference_data()))
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "scripts"))
    monkeypatch.setattr(sys, "argv", ["financebench_agreement.py"])
    run: Callable[[], Any] = import_module("financebench_agreement").main
    run()
    every = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| **all**")]
    assert len(every) == 2
    for row in every:  # behind the majority's accuracy: accuracy and kappa, before and now
        assert float(row[6].rstrip("%")) > 86 > float(row[4].rstrip("%")) > float(row[3].rstrip("%"))
        assert float(row[7].rstrip(" |")) > 0.72 > float(row[5])
