"""Labels out of replies, one rule for all of `bench`: what is credited, what is not, and that thinking is no answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.text.reply import labels_mentioned, labels_said
from bench.text.thinking import behind_thinking, cut, opens

MOODS = ("positive", "negative", "neutral")


@pytest.mark.parametrize(
    "said",
    [
        "positive", " Positive.\n", "The answer is: positive", "Sentiment: **Positive**", '"Positive"', "[positive]",
        "- positive",
        "The sentiment is positive because negative costs fell.", "Positive. Although profits were negative.",
        "positive\n\nThe sentence states facts.", '```json\n{"label": "positive"}\n```', '{"answer": "Positive"}',
        '{"label": "positive", "why": "nothing negative"}', "{'label': 'positive'}", '["positive"]', "Label: POSITIVE!",
        "not negative but positive", "It is not negative but positive.", "neither negative nor neutral but positive",
        "positive rather than negative", "positive, not negative", "positive (not negative)", "positive but not negative",
        "I would say: positive", "I'd say it's positive", "I would classify this as positive.", "I think it is positive",
        "It is positive, I think", "It's positive", "This sentence is positive.", "positive sentiment", "✅ positive",
        "The sentiment of this sentence is positive.", "The sentence “Net sales rose. It was good.” is classified as “POSITIVE”.",
        "positive — because negative costs fell", "Positive: revenue rose", "positive - the profit rose", "positive (0.9)",
        "Final answer: positive", "There is nothing negative in it.\nAnswer: positive", "**Answer:** positive", "### positive",
        "\\boxed{positive}", "$\\boxed{\\text{positive}}$", "<answer>positive</answer>", "so: <answer>positive</answer>",
        "A) positive", "1. positive", "(b) positive", "ＰＯＳＩＴＩＶＥ", "posi\u200btive", "Answer:\npositive", "> positive",
        "Thus, the sentiment is positive.", "<b>positive</b>", "Positive\nAnswer: positive",
        "positive</s>", "positive<|im_end|>", "positive <|eot_id|>\n", "positive<|endoftext|><|endoftext|>", "positive<eos>",
        "positive<end_of_turn>\n", "It's not negative; it's positive", "The sentiment expressed is positive",
        "Based on the text, the sentiment is positive.", "Category - positive", "Option C: positive", "positive, 95%",
        "positive 👍", "<response>positive</response>", "【positive】", '{"positive": 1}',
        '{"positive": true, "negative": false}',
        "very positive", "It is slightly positive.", "[ ] negative\n[x] positive",
        "- [X] positive\n- [ ] negative\n- [ ] neutral",
        "☐ negative ☑ positive", "( ) negative\n(x) positive", "❌ negative\n✅ positive", "negative ✗\npositive ✓",
        "[*] positive",
        "negative: no\nneutral: no\npositive: yes", "negative: no\npositive: yes", "neutral: 0%\npositive: 100%",
        "negative: false, neutral: n/a, positive: true", "| negative | no |\n| positive | yes |", "No: negative\nYes: positive",
        "negative? No\npositive? Yes", "Positive: yes - profits rose", "Positive. It is not negative.", "positive: 0.9",
        "Positive. There is nothing negative or neutral in it.", "Positive. There is no sign of a negative tone.",
        "Positive, since the negative trend ended.", "Positive, as sales rose from a negative base.",
        "Positive. The company expects growth.", '{"label": "positive", "correct": true, "confidence": 0.9}',
        "Positive. 5% growth.", "1) [x] positive\n2) [ ] negative",
        "Positive.\nIt does not show any other mood, negative or neutral.",
        "I would classify the sentiment of this sentence as positive.",
        "```thinking\nnegative?\n```\npositive", "<think>negative? neutral!</think>positive",
        "Negative or neutral?</think>\n\npositive",
    ],
)  # fmt: skip
def test_a_label_that_stands_alone_or_in_a_frame_is_the_answer(said: str) -> None:
    assert labels_said(said, MOODS) == ["positive"]


@pytest.mark.parametrize(
    "said",
    [
        "It is not negative.", "isn't negative", "It isn’t positive.", "non-positive", "non‑negative",
        "un-positive", "anti-positive",
        "not at all positive", "neither positive nor negative", "rather than positive", "negative? No.", "anything but positive",
        "less negative than before", "I cannot say positive", "I don't think it is positive.", "I wouldn't choose negative",
        "It is far from positive", "the opposite of positive", "never positive", "No positive", "No, not positive", "!positive",
        "not\u200b positive", "ＮＯＴ positive", "not **positive**", "It is not\npositive", "Not:\n- positive", "not: positive",
        "Rejected:\npositive", "hardly positive", "Everything but positive", "Nothing positive here.", "~~positive~~",
        "There is no negative sentiment", "not only positive but negative", "negative is wrong", "Negative would be wrong.",
        "The wrong answer is positive", "The answer is not positive", "positive. It is not positive.", "positive: no",
        "Negative. No.",
        "Negative — no.", "Negative. No, positive.", "Negative. Wait, positive.", "negative, no wait, positive",
        "positive or neutral", "positive/negative", "positive and negative", "mixed: positive and negative",
        "negative (or neutral)",
        "positive, but with negative parts", "positive, negative, neutral", "positive\nnegative", "positive vs. negative",
        "positive: 0.2, negative: 0.7", "Labels: positive, negative, neutral", "Options:\npositive\nnegative\nneutral",
        "Answer: positive\nAnswer: negative", "positive\nIt is long.\nAnswer: negative", '["positive", "negative"]',
        '{"label": "positive", "label": "negative"}', '{"label": "not positive"}', '{"mood": "positive"}', "[" * 5000,
        "[ ] positive", "[ ] positive\n[ ] negative", "[x] positive\n[x] negative", "❌ positive", "positive ❌",
        "positive 👎", "positive: 0",
        "positive: 0%", "positive: not", "positive: false", "Positive: n/a", "positive - no", "positive (no)",
        "positive: not mentioned",
        "positive: no sign of it", '{"positive": false}', '{"positive": 0}', '{"positive": true, "positive": false}',
        "No: positive",
        "positive: yes\nnegative: yes", "positive, 5%", "positive (0%)", "positive ✅, negative ❌, neutral",
        "positive. That is wrong.", "positive\n\nCorrection: negative", "positive. On second thought, negative.",
        "positive; sorry, negative", "positive - correction: negative", '{"label": "positive", "correct": false}',
        '{"label": "positive", "confidence": 0.0}', "positive. I take that back", "positive. Ignore that.",
        "positive. This is incorrect",
        "positive — I don't think so", "positive (sarcasm)", "possibly positive", "perhaps positive", "maybe positive",
        "Maybe it is positive", "positive (maybe)", "positive. Positive is wrong.", "positive. My answer was wrong",
        "positive. Not really!",
        "positive. The opposite is true.", "positive. It isn't right.", "positive\nI made a mistake.", "positive. Just kidding!",
        "positive. It leans negative.", "positive. Negative fits better.", "positive. Or negative?",
        "positive: it seems negative to me",
        "positive. I can't deny that it is negative.", "positive. It can be seen as negative.", "positive. No, I meant negative",
        "positive\nConfidence: 0", "positive\nCorrect: false",
        "positive. Scrap that.", "positive. I lied.", "positive: rejected", "positive: ruled out",
        '{"label": "positive"} is wrong.',
        '{"label": "positive", "negated": true}', "(-) positive", "positive because it is negative",
        "positive (actually negative)",
        "positive, 95% sure that it is negative", "positive 🙄", "~~positive~~ negative?", "very unpositive", "not very positive",
        "positive<s>positive</s>", "```thinking\npositive", "I cannot tell whether this is positive.", "Is it positive?",
        "Positive? Negative?", "The answer could be positive",
        "Revenue is positive in 2019.", "positivity", "e.g. positive", "42", "", "<think>positive", "<think>positive</think>",
        "<|channel|>analysis<|message|>positive",
    ],
)  # fmt: skip
def test_a_label_that_is_denied_doubted_or_one_of_two_is_no_answer(said: str) -> None:
    assert labels_said(said, MOODS) == []


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("card not working", "card_not_working"),
        ("The intent is Card_Not_Working.", "card_not_working"),
        ("not card_not_working", ""),
        ("card-arrival", "card_arrival"),
        ("Card arrival: late", "card_arrival"),
        ("reverted card payment?", "reverted_card_payment?"),
        ("none", "none"),
        ("None of them", ""),
        ("No definition.", "no definition"),
        ("definition", "definition"),
        ("Don’t know", "don't know"),
    ],
)
def test_a_label_may_hold_words_that_deny_and_other_labels(said: str, label: str) -> None:
    labels = (
        "card_arrival",
        "card",
        "card_not_working",
        "none",
        "reverted_card_payment?",
        "no definition",
        "definition",
        "don't know",
    )
    assert labels_said(said, labels) == ([label] if label else [])


FEELINGS = ("joy", "love", "anger", "neutral")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("joy, love", ["joy", "love"]),
        ("Emotions: love and JOY.", ["joy", "love"]),
        ("- joy\n- love\n", ["joy", "love"]),
        ("1. joy\n2. love", ["joy", "love"]),
        ("['joy', 'love']", ["joy", "love"]),
        ("joy; love", ["joy", "love"]),
        ('{"labels": ["joy", "hope"]}', ["joy"]),
        ("joy, not anger", ["joy"]),
        ("joy and love, but not anger", ["joy", "love"]),
        ("joy (not anger)", ["joy"]),
        ("joy, love, anger, neutral", list(FEELINGS)),  # says all, and precision pays for it
        ("<think>joy, anger</think>love", ["love"]),
        ("joy: no, anger: no", []),
        ("joy: yes\nlove: no\nanger: yes", ["joy", "anger"]),
        ("- [x] joy\n- [ ] love\n- [x] anger", ["joy", "anger"]),
        ("☑ joy ☐ love ☑ anger", ["joy", "anger"]),
        ("joy ✅, love ❌, anger ✅", ["joy", "anger"]),
        ("| joy | yes |\n| love | no |", ["joy"]),
        ('{"joy": true, "anger": false}', ["joy"]),
        ("{'joy': True, 'anger': False}", ["joy"]),
        ('{"labels": {"joy": "yes", "anger": "no"}}', ["joy"]),
        ('{"joy": 0.9, "love": 0.5, "anger": 0.1}', ["joy", "love"]),
        ("joy: 0.9, anger: 0.1", ["joy"]),
        ("joy (90%), anger (10%)", ["joy"]),
        ("joy: 7, anger: 1", ["anger"]),
        ("anger: no anger is shown", []),
        ("Yes: joy\nNo: anger, love", ["joy"]),
        ("joy (actually anger)", []),
        ("joy, anger. I take that back.", []),
        ("joy, anger\nCorrection: love", []),
        ("joy, anger\n\nnot anger", ["joy"]),
        ("none of these", []),
        ("none of these: joy, love", []),
        ("everything except joy, love", []),
        ("anything but joy", []),
        ("neither joy nor love", []),
        ("not joy, love", []),
        ("no joy, love", []),
        ("I feel that, joy, is missing here", []),
        ("joy?", []),
        ("", []),
    ],
)
def test_of_several_labels_those_that_are_listed_and_not_denied_are_read(said: str, expected: list[str]) -> None:
    assert labels_said(said, FEELINGS, several=True) == expected


def test_what_a_reply_mentions_is_not_what_it_says() -> None:
    assert labels_mentioned("It is not negative, nor neutral.", MOODS) == ["negative", "neutral"]
    assert labels_mentioned("<think>positive</think>negative", MOODS) == ["negative"]


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    words=st.lists(
        st.sampled_from(
            ["not", "positive", "is", "it", "negative", "but", "or", "no", "\n", "?", ".", "<think>", "{", "and"]
        ),
        max_size=12,
    )
)
def test_of_any_words_at_most_one_label_is_said_and_none_without_a_mention(words: list[str]) -> None:
    said = " ".join(words)
    found = labels_said(said, MOODS)
    assert len(found) <= 1
    assert set(found) <= set(labels_mentioned(said, MOODS))


@pytest.mark.parametrize(
    "said", ["not " * 30_000, "<think>" * 20_000, "a an the " * 10_000, "{" * 50_000, "positive: " * 10_000]
)
def test_a_long_reply_is_read_in_no_time(said: str) -> None:
    start = time.process_time()
    labels_said(said, MOODS)
    cut(said, ("\n", ":"))
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("5", "5"),
        ("\n 5 ", "\n 5 "),
        ("a < b > c", "a < b > c"),
        ("The tag <think> opens it", "The tag <think> opens it"),
        ("Write <think> and </think>.", "Write <think> and </think>."),
        ("I think: 5", "I think: 5"),
        ("<think>3 or 4</think>5", "5"),
        ("\n<THINK>\n3\n</THINK>\n\n5", "5"),
        ("<think>3 <think>4</think> 6</think> 5", "5"),
        ("<think>3</think>\n<think>4</think>\n5", "5"),
        ("<think>3</think>5<think>4</think>", "5"),
        ("Sure.\n<think>3</think>\n5", "Sure.\n\n5"),
        ("3 or 4?\n</think>\n5", "5"),
        ("<thinking>3</thinking>5", "5"),
        ("<think type='deep'>3</think>5", "5"),
        ("<reasoning>3</reasoning><answer>5</answer>", "5"),
        ("<plan>3</plan>5", "5"),
        ("<cot>3</cot>5", "5"),
        ("<thought>3</thought>5", "5"),
        ("<｜begin▁of▁think｜>3<｜end▁of▁think｜>5", "5"),
        ("```thinking\n3\n```\n5", "5"),
        ("```python\n3\n```\n5", "```python\n3\n```\n5"),
        ("5</s>", "5"),
        ("<think>3</think>5<|im_end|>\n<|endoftext|>", "5"),
        ("<s>3</s>", "<s>3</s>"),
        ("a </s> b", "a </s> b"),
        ("```thinking\n3", None),
        ("[THINK]3[/THINK]5", "5"),
        ("◁think▷3◁/think▷5", "5"),
        ("<|begin_of_thought|>3<|end_of_thought|>5", "5"),
        ("<|START_THINKING|>3<|END_THINKING|>5", "5"),
        ("<|channel|>analysis<|message|>3<|end|><|start|>assistant<|channel|>final<|message|>5<|return|>", "5"),
        ("<|channel|>analysis<|message|>3<|channel|>final<|message|>5", "5"),
        ("analysisIs it 3?assistantfinal5", "5"),
        ("<think></think>", ""),
        ("<think>3", None),
        ("<think>3</think>5<think>4", None),
        ("<think>3 <think>4</think> 5", None),
        ("<|channel|>analysis<|message|>3", None),
        ("<|channel|>commentary<|message|>3<|end|>", None),
    ],
)
def test_an_answer_stands_behind_its_thinking(said: str, answer: str | None) -> None:
    assert behind_thinking(said) == answer


@pytest.mark.parametrize(
    ("said", "stop", "kept"),
    [
        ("5\n6", ("\n",), "5"),
        ("\n\n5\n6", ("\n",), "\n\n5"),
        (" \n 5 6", ("\n", " "), " \n 5"),
        ("\r\n5\r\n6", ("\r\n",), "\r\n5"),
        ("\u2003\n5", ("\n",), "\u2003\n5"),
        ("\n\n", ("\n",), "\n\n"),
        ('"', ('"',), ""),
        ("\nQuestion: 6", ("\nQuestion:",), ""),
        ("5\nQuestion: 6", ("\nQuestion:",), "5"),
        ("<think>a\nb</think>\n5\n6", ("\n",), "<think>a\nb</think>\n5"),
        ("<think>a\nb", ("\n",), "<think>a\nb"),
        ("a\nb</think>\n5\n6", ("\n",), "a\nb</think>\n5"),
        ("5", (), "5"),
    ],
)
def test_a_stop_string_ends_the_answer_not_what_stands_before_it(said: str, stop: tuple[str, ...], kept: str) -> None:
    assert cut(said, stop) == kept


def test_a_prompt_that_ends_with_a_tag_of_thinking_has_begun_the_reply_with_it() -> None:
    assert opens("<|assistant|><think>\n") == "<think>"
    assert opens("<|assistant|><think>\n\n</think>\n\n") == ""
    assert opens("What does <think> mean?<|assistant|>") == ""


@pytest.mark.parametrize(
    ("reply", "said"),
    [("-1", []), ("Answer: -1", []), ("Answer: 1", ["1"]), ("- 1", ["1"]), ("1-2", []), ("10", ["10"])],
)
def test_a_number_with_a_minus_is_not_the_label_without_it(reply: str, said: list[str]) -> None:
    assert labels_said(reply, ("1", "2", "10")) == said
