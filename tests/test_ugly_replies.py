"""Replies as models write them, ugly and real: which label or number each commits to, and which commits to none."""

from __future__ import annotations

import json
import time
from functools import cache

import pytest
from small_data import reference_data

from bench.text.number_said import number_said
from bench.text.reply import labels_said

CREDIT, CLAIM, STANCE = ("good", "bad"), ("no", "yes"), ("dovish", "hawkish", "neutral")
MOOD, DIGITS, MOVE = ("positive", "negative", "neutral"), tuple("0123456789"), ("rise", "fall")
LISTS = {"fomc": STANCE, "fpb_zero_shot": MOOD}


@pytest.mark.parametrize(
    ("said", "labels", "label"),
    [  # the first eleven are outputs of GPT-4, ChatGPT and CALM (github colfeng/CALM, MIT)
        ("Good", CREDIT, "good"), ("'good'", CREDIT, "good"), ("'bad'", CREDIT, "bad"), ("bad", CREDIT, "bad"),
        ("No", CLAIM, "no"), ("Yes", CLAIM, "yes"), ("no", CLAIM, "no"),
        ("I can't provide a 'good' or 'bad' classification because it requires real-time monitoring", CREDIT, ""),
        ("I'm sorry, as an AI, I'm not able to make real-time evaluations or predictions.", CREDIT, ""),
        ("I'm sorry, but as an AI, I don't have the ability to perform real-time credit card fraud detection.", CREDIT, ""),
        ("The capability to detect fraud typically requires complex statistical or machine learning models", CREDIT, ""),
        ("not good; classify as bad", CREDIT, "bad"), ("Not good.", CREDIT, ""), ("The customer is good.", CREDIT, "good"),
        ("This applicant seems bad", CREDIT, "bad"), ("The creditworthiness is good", CREDIT, "good"),
        ("good, not bad", CREDIT, "good"), ("Not bad.", CREDIT, ""), ("It is not bad but good", CREDIT, "good"),
        ("GOOD\n\nThe customer has no bad debts, which suggests a good risk.", CREDIT, "good"), ("goodness", CREDIT, ""),
        ("badly in debt", CREDIT, ""), ("cannot say", CREDIT, ""), ("I cannot say whether it is good or bad.", CREDIT, ""),
        ("good/bad", CREDIT, ""), ("Answer: bad</s>", CREDIT, "bad"), ("good good good", CREDIT, ""),
        ('{"answer": "bad", "reason": "a good job, but many debts"}', CREDIT, "bad"),
        ("Good. On second thought, bad.", CREDIT, ""),
        ("Yes.", CLAIM, "yes"), ("yes", CLAIM, "yes"), ("YES!", CLAIM, "yes"), ("No, there will be no claim.", CLAIM, "no"),
        ("Answer: No, there will be no claim", CLAIM, "no"), ("**No**, nothing suggests a claim.", CLAIM, "no"),
        ("Yes - there is no reason to doubt it.", CLAIM, "yes"), ("yes, no doubt about it", CLAIM, "yes"),
        ("No, the headline does not speak of a price.", CLAIM, "no"), ("No, I cannot say.", CLAIM, ""), ("No, yes.", CLAIM, ""),
        ("No, but actually yes.", CLAIM, ""), ("No. Yes, there is.", CLAIM, ""), ("No, it's not possible to tell", CLAIM, ""),
        ("Yes, perhaps no.", CLAIM, ""), ("No way to tell.", CLAIM, ""), ("No, wait, I was wrong.", CLAIM, ""),
        ("Nobody knows", CLAIM, ""), ("yesterday", CLAIM, ""), ("Yes or no.", CLAIM, ""),
        ("The digit is 1.", DIGITS, "1"), ("Label: 1", ("0", "1"), "1"), ("1", ("0", "1"), "1"), ("**0**", ("0", "1"), "0"),
        ("It is 7", DIGITS, "7"), ("10", DIGITS, ""), ("The enterprise was founded in 1990.", MOVE, ""), ("Rise", MOVE, "rise"),
        ("surprise", MOVE, ""), ("The prediction is: fall", MOVE, "fall"), ("will not rise", MOVE, ""),
        ("HAWKISHexplanation: 'HAWKISH' since rates rise", STANCE, "hawkish"), ("DOVISH\"Rates fall", STANCE, "dovish"),
        ("HAWKISH: Neutral\nDOVISH: Ease\nHAWKISH: Tighten", STANCE, ""), ("HAWKISH DOVISH NEUTRAL", STANCE, ""),
        ("HAWKISH:\n\nDOVISH:\n\nNEUTRAL:", STANCE, ""),
        ("This is a hawkish stance, as it points to a rise.", STANCE, "hawkish"),
        ("The FOMC's stance is neutral.", STANCE, "neutral"),
        ("The Fed's stance on monetary policy is not neutral.", STANCE, ""),
        ("NEGATIVE The profit fell.", MOOD, "negative"), ("NEGATIVE OR POSITIVE", MOOD, ""),
        ("NEGATIVE Sentiment", MOOD, "negative"),
        ("NEGATIVE, The profit fell.", MOOD, "negative"), ("Negative Growth Ltd sold a mill", MOOD, ""),
        ("Negative This sentence reports a loss.", MOOD, "negative"), ("POSITIVE | Explanation: sales rose", MOOD, "positive"),
        ("NEGATIVE The opposite is true.", MOOD, ""),
        ("POSITIVE\nFirst a negative year, which suggests a positive turn.", MOOD, "positive"),
        ("POSITIVE\nThe fall in profit indicates a negative mood.", MOOD, ""), ("NEUTRAL\nIt is hence positive.", MOOD, ""),
        ("POSITIVE\nIt was negative, so it might be positive.", MOOD, ""),
        ("POSITIVE\nIt was negative and so is not positive.", MOOD, ""),
        ('The sentence "Sales of mills rose." is classified as "NEGATIVE" by the sentence sentiment classifier.', MOOD, "negative"),
        ("The sentence:\n\nSales rose to 5 mn.\n\nis classified as NEUTRAL.", MOOD, "neutral"),
        ("The sentence: Sales rose is classified as neutral.", MOOD, "neutral"),
        ("The sentence: A positive year is classified as negative.", MOOD, ""),
        ("Sales rose. Sales rose. Sales rose.", MOOD, ""),
        ("The sentence 'Sales rose' is classified as not negative.", MOOD, ""), ("", MOOD, ""), ("😀", MOOD, ""),
        ("N/A", MOOD, ""), ("The claim status is no.", CLAIM, "no"), ("Claim status: No", CLAIM, "no"),
        ("I predict no.", CLAIM, "no"),
        ('{"claim_status": "No"}', CLAIM, "no"), ("Yes/No: No", CLAIM, "no"),
        ("Yes, I can help with that. Please share the data.", CLAIM, ""),
        ("No, as an AI I cannot predict claims.", CLAIM, ""), ("No (insufficient data)", CLAIM, ""),
        ("Yes, I understand the task.", CLAIM, ""),
        ("Answer: No\nExplanation: yes, the agency is risky, but claims are rare.", CLAIM, "no"),
        ("No\nExplanation: the price is low. So the answer is yes.", CLAIM, ""), ('{"is_yes": "no"}', CLAIM, ""),
        ("The person's credit is good.", CREDIT, "good"), ("Good credit risk", CREDIT, "good"), ("Credit: bad", CREDIT, "bad"),
        ("Good. There is no evidence of default.", CREDIT, "good"), ("Good. No data is missing.", CREDIT, "good"),
        ("Positive. There is no data to the contrary.", MOOD, "positive"),
        ("Good: I can help.", CREDIT, ""), ("Good. Now give me the next one.", CREDIT, ""), ("good/bad: bad", CREDIT, "bad"),
        ("I would classify the customer as a good credit risk", CREDIT, "good"), ("good: the agency knows him", CREDIT, "good"),
        ("This sentence leans hawkish", STANCE, "hawkish"), ("In my opinion, hawkish", STANCE, "hawkish"),
        ("monetary policy stance: dovish", STANCE, "dovish"), ("It can be considered hawkish.", STANCE, "hawkish"),
        ("The sentence can be classified as NEUTRAL.", STANCE, "neutral"), ("not the right stance: dovish", STANCE, ""),
    ],
)  # fmt: skip
def test_a_reply_commits_to_one_label_or_to_none(said: str, labels: tuple[str, ...], label: str) -> None:
    assert labels_said(said, labels) == ([label] if label else [])


# Data set, model and seed, id, and the label that is read in that output and has to stay; the texts may not be passed on.
RECORDED = [
    *(("fomc", "gpt4-5768", key, "dovish") for key in (7, 8, 95, 126, 273, 290, 291, 329, 357, 396, 426, 435)),
    *(("fomc", "gpt4-5768", key, "hawkish") for key in (53, 57, 439)),
    *(("fomc", "gpt4-944601", key, "dovish") for key in (78, 101, 231, 347, 474)),
    *(("fomc", "gpt4-944601", key, "hawkish") for key in (71, 77, 318, 482)),
    *(("fomc", "dolly-5768", key, "") for key in (0, 2, 4, 6, 8, 11, 12, 15, 18, 27, 31, 33, 329)),
    ("fomc", "dolly-5768", 468, "dovish"), ("fomc", "h2o-5768", 0, "hawkish"),
    *(("fomc", "h2o-5768", key, "") for key in (4, 11, 23, 31, 37, 171, 250, 447, 466)),
    *(("fomc", "h2o-5768", key, "dovish") for key in (6, 9, 24)), ("fomc", "h2o-5768", 5, "neutral"),
    *(("fomc", "h2o-5768", key, "neutral") for key in (20, 98, 181, 326, 379)),
    *(("fomc", "h2o-5768", key, "hawkish") for key in (263, 342)),
    *(("fpb_zero_shot", "falcon_7b-5768", key, "") for key in (20, 21, 28, 34, 79, 104, 123, 298, 342, 381)),
    *(("fpb_zero_shot", "falcon_7b-5768", key, "negative") for key in (10, 27, 32, 36, 38, 40, 46, 54, 65, 73, 127, 132, 144)),
    *(("fpb_zero_shot", "falcon_7b-5768", key, "neutral") for key in (16, 51, 87, 95)),
    *(("fpb_zero_shot", "falcon_7b-5768", key, "positive") for key in (52, 69, 91, 92)),
    ("fpb_zero_shot", "chatgpt-5768", 297, "positive"), ("fpb_zero_shot", "chatgpt-78516", 52, "neutral"),
    *(("fpb_zero_shot", "h2o-5768", key, "negative") for key in (0, 1, 2, 4, 6, 9, 16, 18, 19, 22, 31, 33, 34, 35, 329, 371)),
    *(("fpb_zero_shot", "h2o-5768", key, "neutral") for key in (3, 5, 10, 12, 13, 102, 112, 151, 183, 204, 258, 350, 438)),
    *(("fpb_zero_shot", "h2o-5768", key, "") for key in (23, 30, 55, 131, 233, 270, 286, 394, 451)),
]  # fmt: skip


@cache
def outputs(folder: str, model: str) -> dict[int, str]:
    path = reference_data() / "finance" / folder / "predictions" / f"{model}.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not here: it may not be passed on")
    return {one["id"]: one["output"] for one in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


@pytest.mark.parametrize(("folder", "model", "key", "label"), RECORDED)
def test_a_recorded_reply_is_read_as_the_label_that_it_gives(folder: str, model: str, key: int, label: str) -> None:
    assert labels_said(outputs(folder, model)[key], LISTS[folder]) == ([label] if label else [])


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("Score: 0.7 (on a scale from -1 to 1)", 0.7), ("0.7", 0.7), ("-0.7", -0.7), ("\u22120.7", -0.7), ("–0.7", -0.7),
        ("+0.5", 0.5),
        (".5", 0.5), ("-.25", -0.25), ("minus 0.3", -0.3), ("The sentiment score is -0.45.", -0.45), ("**0.6**", 0.6),
        ("`-0.6`", -0.6),
        ("Sentiment: -0.5\n\nRevenue fell by 12% in 2019.", -0.5), ("0.6 because revenue rose 12 %", 0.6),
        ("0.6 - sales up 5 %", 0.6),
        ("not 0.3 but 0.4", 0.4), ("0.4, not 0.3", 0.4), ("between 0.2 and 0.4", None), ("0.2 to 0.4", None), ("0.2–0.4", None),
        ("0.3 or 0.5", None), ("I cannot assign a score.", None), ("I'm unable to rate this on a scale from -1 to 1.", None),
        ("Score: 0.3\nScore: 0.5", None), ("Score: 0.3\nScore: 0.30", 0.3), ("2.5", None), ("-7", None), ("70%", 0.7),
        ("-12 %", -0.12),
        ('{"score": -0.3, "confidence": 0.9}', -0.3), ('```json\n{"sentiment_score": 0.25}\n```', 0.25),
        ("\\boxed{-0.5}", -0.5),
        ('{"score": 0.1, "value": 0.2}', None), ("I would rate it 0.5 out of 1.", 0.5), ("7/10", None), ("0.7/1", 0.7),
        ("Positive (0.7)", 0.7), ("Negative (-0.7)", -0.7), ("zero", 0.0), ("Final answer: 0.5", 0.5), ("0", 0.0), ("1.0", 1.0),
        ("First I thought 0.2. Final score: 0.5", 0.5), ("Score: 0.2. Final score: 0.5", 0.5),
        ("On a scale from -1 (very bad) to 1 (very good), I would say 0.3.", 0.3), ("<think>0.9</think>0.1", 0.1),
        ("<think>0.9", None),
        ("The score for Q3 is 0.4.", 0.4), ("-1", -1.0), ("The answer is 0.5. It is 0.5 because of sales.", 0.5),
        ("maybe 0.5", None),
        ("0.5?", None), ("0.5 is wrong", None), ("", None), ("1.2.3", None), ("0.5, 0.7", None), ("no number here", None),
        ("The sentiment is 0.8, where -1 is very negative and 1 is very positive.", 0.8), ("0.8</s>", 0.8),
        ("Score:\n-0.2", -0.2),
        ("Score = -0.2", -0.2), ("Sentiment score (from -1 to 1): 0.35", 0.35), ("Rating [-1, 1]: -0.4", -0.4),
        ("FY2018", None),
        ("As of 2023, I have no score.", None), ("I'd give it a 0.6", 0.6), ("Answer: about 0.6", 0.6), ("２", None),
        ("０.５", 0.5),
        ("Score: 0.3. Revenue changed 0.8 percent", 0.3), ("Score: 0.3\nSales actually fell 0.5", 0.3), ("1,000", None),
        ("Score: 0.4. The company adjusted EPS of 0.9", 0.4), ('{"status": 1, "score": 0.4}', 0.4),
        ("1. 0.5", 0.5), ("(1) 0.5", 0.5), ("* 0.4", 0.4), ("_-0.4_", -0.4), ("0,5", 0.5), ("-0,25", -0.25), ("Score: (0.5)", 0.5),
        ("The score was 0.4 but I revise it to 0.2", 0.2), ("0.4. Actually, 0.2.", 0.2),
    ],
)  # fmt: skip
def test_a_reply_commits_to_one_number_from_minus_one_to_one_or_to_none(said: str, number: float | None) -> None:
    assert number_said(said, -1.0, 1.0) == (None if number is None else pytest.approx(number))


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("(1,234)", -1234.0), ("12 %", 12.0), ("1,234.5", 1234.5), ("3–5", None), ("3-5", None), ("minus 3", -3.0),
        ("not 3 but 4", 4.0),
        ("12.0", 12.0), ("The answer is $1,234.", 1234.0), ("a loss of (1,234)", -1234.0), ("Answer: 3\n3 is right", 3.0),
        ("8 or 9", None), ("1,57", None), ("7 out of 10", None), ("$1.2 million", 1.2e6), ("2 + 3 = 5", 5.0),
        ("I do not know", None),
    ],
)  # fmt: skip
def test_a_number_of_no_scale_is_read_as_it_is_written(said: str, number: float | None) -> None:
    assert number_said(said) == number


@pytest.mark.parametrize(("low", "high", "number"), [(0, 1, 0.12), (-1, 1, 0.12), (0, 100, 12.0), (None, None, 12.0)])
def test_per_cent_are_hundredths_where_the_scale_is_a_rate(
    low: float | None, high: float | None, number: float
) -> None:
    assert number_said("12 %", low, high) == pytest.approx(number)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["1 ", "score ", "-", "(", "0.", "score is 1. ", "{", "<", "\n", "-1 to 1 ", "The sentence is "]
)
def test_a_long_reply_costs_no_more_than_its_length(piece: str) -> None:
    said = piece * (1_000_000 // len(piece))
    began = time.process_time()
    number_said(said, -1.0, 1.0)
    labels_said(said, MOOD)
    assert time.process_time() - began < 5.0
