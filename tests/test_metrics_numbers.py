"""Numbers out of text and their comparison: worked by hand, what is not read, and as properties."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.numbers import NUMERIC_MATCH, agrees
from bench.text.quantities import Number, answer_number, read_numbers, sole_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,452.4 million", 1_452_400_000),
        ("1.2bn", 1.2e9),
        ("$ 2.5 BN", 2.5e9),
        ("$1561M", 1.561e9),
        ("-$1,561", -1561),
        ("$-1,561", -1561),
        ("(3.5)%", -0.035),
        ("(3.5%)", -0.035),
        ("$(370)", -370),
        ("($370)", -370),
        ("( 370 )", -370),
        ("-3.5 percent", -0.035),
        ("3.5 percentage points", 0.035),
        ("14.8 %", 0.148),
        ("−3.5", -3.5),  # U+2212
        ("–3.5", -3.5),  # an en dash
        ("negative 3.5", -3.5),
        ("minus 3.5", -3.5),
        ("+3.5", 3.5),
        ("USD 5,829", 5829),
        ("US$5", 5),
        ("€1,000,000.50", 1_000_000.5),
        (".5", 0.5),
        ("0.66x", 0.66),
        ("12.", 12),
        ("  7\n", 7),
        ("$1{,}577", 1577),
        ("\\$1{,}577", 1577),
        ("$1\\,577$", 1577),
        ("\\boxed{\\text{1,577}}", 1577),
        ("14.8\\%", 0.148),
        ("8 000", 8000),
        ("8\u00a0000 000", 8e6),
        ("8\u202f000.5", 8000.5),
        ("8\u2009000", 8000),
        ("1'577", 1577),
        ("1’577.5", 1577.5),
        ("1.577,50", 1577.5),
        ("1 577,50 €", 1577.5),
        ("１，５７７", 1577),
        ("٣٤٫٥", 34.5),
        ("½", 0.5),
        ("2½ %", 0.025),
        ("1.35:1", 1.35),
        ("1e3", 1000),
        ("1.5E-3", 0.0015),
        ("1×10^3", 1000),
        ("2 x 10³", 2000),
        ("3\\times 10^{-2}", 0.03),
        ("50 bps", 0.005),
        ("25 basis points", 0.0025),
        ("-\u200b5", -5),
        *((f"{sign}5", -5) for sign in "-‐‑‒–—−﹘﹣－"),
        *((f"$ {sign}5", -5) for sign in "‑—－"),
    ],
)
def test_a_text_that_is_one_number_is_read_as_it(text: str, value: float) -> None:
    number = sole_number(text)
    assert number is not None
    assert number.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "", "twelve", "FY2018", "Q2", "10-K", "COVID-19", "n/a", "-", "%", "nan", "inf", "infinity", "∞", "0x1F", "12abc", "①",
        "Ⅷ", "12,34", "1,57", "1,5,7", "1,452,4", "0,577", "1.2.3", "1.577.500", "8 0000", "1 45", "12 345 67", "1,577 000",
        "1_577", "...5", "5..5", "5,,5", "10²", "1,577²", "₁₂", "10^2", "2**3", "1e400", "1e4000", "1.5e", "9" * 5000, "1/2",
        "1⁄2", "\\frac{1}{2}", "5 / 3", "1,234/1,870", "5:3", "5*3", "5-7", "5−3", "5 - 3", "12%-15%", "2010–2014", "2018-2019",
        "2019-09-30", "--5", "+-5", "±5", "minus -5", "-$-5", "- 5", "– 5", "3 hundred", "5 crore",
        *(f"1{sign}577" for sign in "،·‚´|′;、…․÷×?!‧⸱︐•¦→⁏&@#\\\u0338)(][<>"), "1 |577", "1<br>577",
        "1<sup>2</sup>", "1\\comma577", "1&middot;577", "10^n", *(f"{sign}5" for sign in "‾¯±∓⁺〜〰√≠≤≥÷¬&@;|…·"), "≠ 5", "\\pm 5",
        "\\neq 5", "-\u03385", "-(5)", "-( 5 )", "−(5%)", "-$(5)", "-(-5)", "(-(5))", "minus (5)", "-[5]", "-'5'", "-“5”", "-~5",

        "1 and a half", "1‰", "1 squared", "minus: 5", "negative, about 5", "~~5~~", "<del>5</del>", "-Rs 5", "5-",
         "5−", "{-}(5)",
    ],
)  # fmt: skip
def test_what_is_no_number_is_not_read(text: str) -> None:
    assert read_numbers(text) == []
    assert sole_number(text) is None
    assert answer_number(text) is None


@pytest.mark.parametrize("text", ["36% of it", "5 and 6", "$400,000,000 increase.", "5 m", "2018-2019"])
def test_a_number_with_more_around_it_is_not_the_whole_text(text: str) -> None:
    assert sole_number(text) is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("rose from 12% to 15%", [0.12, 0.15]),
        ("12%-15% of 7", [7]),  # neither end of a range
        ("on 2019-09-30, May 3, 2019 and 4 June: 5", [2019, 5]),
        ("1 452,4 in 2019 100 times", [1452.4, 2019, 100]),
        ("a loss of $(1,452.4) million and f(5)", [-1_452_400_000, 5]),
        ("982 stores, then 969", [982, 969]),
    ],
)
def test_numbers_are_read_in_order_without_the_pieces_of_words_and_ranges(text: str, values: list[float]) -> None:
    assert [number.value for number in read_numbers(text)] == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("In FY2018 it was $1,577 million.", 1.577e9),
        ("3M's capital expenditure in 2018 was $1,577 million", 1.577e9),  # neither the company nor the year
        ("It filed a 10K in 2019: 12 pages", 12),
        ("ROA = 5 / 3 = 1.66", 1.66),  # the last equation
        ("0.66, which is 1,234 over 1,870", 0.66),
        ("in 2019", 2019),  # a year, where there is nothing else
        ("3M", 3e6),
        ("the ratio = high, 5 times", 5),
        ("5 is the ratio = high", 5),  # nothing behind the equals sign
        ("As of December 31, it was $1{,}577 in 2018-2019", 1577),
        ("the change = - 5", -5),
        ("it declined 44 % and marched 3 on", 0.44),  # neither December nor March
        ("$1,577 million - 3 % more", 1.577e9),
    ],
)
def test_the_answer_is_the_first_quantity_behind_the_last_equals_sign(text: str, value: float) -> None:
    number = answer_number(text)
    assert number is not None
    assert number.value == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "It was 1,57 or 12.",
        "10² = 10²",
        "12-15 million, say 13",
        "- $5",
        "1,577² of 3",
        "5 - 3, which is 2",
        "3 hundred, or 300",
        "1 million 200 thousand",
    ],
)
def test_behind_a_number_that_is_not_understood_no_other_one_is_the_answer(text: str) -> None:
    assert answer_number(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "not 1", "It's not 1, it's 999", "It isn’t 1", "not: 1", "never as much as 1", "anything but 1", "1 is wrong",
        "1 was not it", "1?", "1 (not)", "1. No, 999", "1, or rather 999", "neither 1 nor 999", "between 1 and 999",
        "either 1, or 999", "1 or 999",
        "1 (or 999)", "1 or perhaps $999", "1 or nothing", "1 and 999", "1 vs. 999", "1 to 5", "from 1% up to 5%", "1 through 5",
        "1% - 5%", "$1 million - $5 million", "1 ~ 5", "1 + 5", "1 ÷ 5", "1 × 5", "1 x 5", "1 | 577", "1 → 2", "1 plus 5",
        "1 times 5", "1 over 5", "1, 577", "1; 2", "1, 2 or 3", "1 , 577", "1 . 577", "1 .577", "1 ,577", "1. 577", "1) 577",
        "x != 5", "x <= 5",
        "1 point 5", "1 or less", "1 but maybe 2", "1 (perhaps 2)", "1: wrong", "wrong: 1", "I doubt it is 1",
        "1 - not", "the sum = 1 + 5", "the ratio = not 5",
    ],
)  # fmt: skip
def test_an_answer_that_commits_itself_to_no_number_has_none(text: str) -> None:
    assert answer_number(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 5.", "= 5", "5 (rounded)", "approximately 5", "~5", "≈ 5", "5, not 6", "5, up 3 from 2", "5!", "5 [1]",
        "an increase of 5 from 2018 to 2019", "5 and 2019", "5 over 3 years", "5 to 1", "3 + 2 = 5", "5 – rounded", "it is: 5",
        "It did not fall; it rose 5", "not in 2018, but 5", "The difference between 2018 and 2019 is 5", "5 or 5.0", '"5"', "5*",
        "<answer>5</answer>", "5 stores, or 2 % of all", "5; 5.0", "a change of 5 and more",
    ],
)  # fmt: skip
def test_an_answer_that_commits_itself_to_a_number_keeps_it(text: str) -> None:
    number = answer_number(text)
    assert number is not None
    assert number.value == 5


def test_a_number_without_its_scale_word_keeps_per_cent_and_basis_points() -> None:
    assert [read(text).unscaled for text in ("1.2 million", "14.8 %", "50 bps")] == pytest.approx([1.2, 0.148, 0.005])


def read(text: str) -> Number:
    number = sole_number(text)
    assert number is not None
    return number


@pytest.mark.parametrize(
    ("found", "gold", "same"),
    [
        ("101", "100", True),  # 1 % off is the bound and agrees
        ("99", "100", True),
        ("101.1", "100", False),
        ("-100", "100", False),
        ("(100)", "-100", True),
        ("0", "0", True),
        ("0.001", "0", False),  # 1 % of nothing is nothing
        ("65.4%", "65.4%", True),
        ("65.4", "65.4%", True),  # per cent may go unsaid
        ("0.654", "65.4%", True),  # and a share is a percentage
        ("0.654%", "65.4%", False),
        ("65.4%", "0.654", True),
        ("65.4", "0.654", False),
        ("1577 million", "$1,577 million", True),
        ("1577", "$1,577 million", True),
        ("1.577 billion", "$1,577 million", True),
        ("1,577,000,000", "$1,577 million", True),
        ("1577 thousand", "$1,577 million", False),  # a stated scale is taken at its word
        ("1577 million", "1577", False),
    ],
)
def test_numbers_agree_within_one_per_cent_sign_and_stated_unit_included(found: str, gold: str, same: bool) -> None:
    assert agrees(read(found), read(gold)) is same


def test_the_unit_of_the_question_is_that_of_a_number_without_one() -> None:
    assert read("$1577.00").within(1e6).value == 1.577e9
    assert read("$1.5 billion").within(1e6).value == 1.5e9
    assert read("1.9%").within(1e6).value == pytest.approx(0.019)
    assert read("17.98").within(None).value == 17.98


def test_numeric_match_is_over_the_targets_that_are_numbers() -> None:
    targets = [
        {"text": "$1577.00", "factor": 1e6}, {"text": "24.26", "factor": None}, {"text": "Yes, by 5%", "factor": None},
        {"text": "0.5%", "factor": None},
    ]  # fmt: skip
    answers = [
        "$1.58 billion",
        "24.9",
        "Yes, by 5%",
        "I don't know.",
    ]  # 0.2 % off, 2.6 % off, no number asked, none given
    rows = np.array([NUMERIC_MATCH.measure(*pair) for pair in zip(targets, answers, strict=True)])
    assert rows.tolist() == [[1, 1], [0, 1], [0, 0], [0, 1]]
    assert float(NUMERIC_MATCH.summarise(rows.sum(axis=0), np.array(4.0))) == pytest.approx(1 / 3)
    assert [NUMERIC_MATCH.worst(target) for target in targets] == [(0, 1), (0, 1), (0, 0), (0, 1)]
    assert [NUMERIC_MATCH.best(target) for target in targets] == [(1, 1), (1, 1), (0, 0), (1, 1)]
    assert float(NUMERIC_MATCH.summarise(np.zeros(2), np.array(4.0))) == 0.0  # no number at all is no division by zero


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(value=st.integers(-(10**9), 10**9), places=st.integers(0, 3))
def test_a_number_comes_back_from_each_of_its_spellings(value: int, places: int) -> None:
    number = value / 10**places
    plain = f"{abs(number):,.{places}f}"
    minus = [f"-{plain}", f"−{plain}", f"({plain})", f"$({plain})"] if number < 0 else [plain, f"${plain}", f"+{plain}"]
    for text in minus:
        assert read(text).value == pytest.approx(number)
        assert answer_number(f"In FY2019 it was {text}.") == read(text)
        assert agrees(read(text), read(minus[0]))


@pytest.mark.slow
@settings(deadline=None, max_examples=80)
@given(text=st.text(alphabet="0123456789,.-()$% \n\tabmn–=", max_size=40))
def test_any_text_is_read_without_error(text: str) -> None:
    found = answer_number(text)
    behind = "=" + text.rpartition("=")[2]
    assert found is None or found in [*read_numbers(text), *read_numbers(behind), sole_number(text)]


@pytest.mark.parametrize(
    "text", [" " * 20_000, "(" * 20_000, "1" * 20_000, "1," * 10_000, "$ " * 10_000, "( - $ " * 5_000]
)
def test_a_long_text_does_not_take_long(text: str) -> None:
    start = time.process_time()
    answer_number(text)
    assert time.process_time() - start < 1.0
