"""Short answers out of what models write: leads, quotes, full stops, several lines, and refusals."""

from __future__ import annotations

import pytest

from tasks.answers import or_nothing, short_answer


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("14.8", "14.8"),
        ('["14.8"]', "14.8"),
        ('[{"answer": 14.8}]', "14.8"),
        ('["a", "b"]', '["a", "b"]'),
        ("The answer is: 14.8", "14.8"),
        ("the answer is 14.8.", "14.8"),
        ("Answer: 14.8", "14.8"),
        ("ANSWER - 14.8", "14.8"),
        ("Short answer: 14.8", "14.8"),
        ("Answer: -14.8 %", "-14.8 %"),
        ("The answer is -14.8 %", "-14.8 %"),
        ("The answer is: -14.8 %.", "-14.8 %"),
        ("The answer is −14.8 %", "−14.8 %"),
        ("ANSWER - -14.8 %", "-14.8 %"),
        ("Answer -14.8 %", "Answer -14.8 %"),
        ("-14.8 %", "-14.8 %"),
        ("$1,452.4 million", "$1,452.4 million"),
        ("$1,452.4 million.", "$1,452.4 million"),
        ("(1,452)", "(1,452)"),
        ('"14.8 %."', "14.8 %"),
        ('Answer: "14.8".', "14.8"),
        ("“fifteen days”", "fifteen days"),
        ("‘fifteen days’", "fifteen days"),
        ("'14.8'", "14.8"),
        ("**14.8**", "14.8"),
        ("`14.8`", "14.8"),
        ("**** **** **** 1079", "**** **** **** 1079"),  # a masked card number is not bold type
        ("**Answer:** 14.8", "14.8"),
        ("**Answer**: 14.8", "14.8"),
        ("**Answer: 14.8**", "14.8"),
        ("**The answer is:** -14.8", "-14.8"),
        ("The answer is **14.8**.", "14.8"),
        ("**-14.8**", "-14.8"),
        ("**$14.8**", "$14.8"),
        ("Answer:\n14.8", "14.8"),
        ("5' 10\"", "5' 10"),
        ("the bank's own", "the bank's own"),
        ("and so on..", "and so on.."),
        ("and so on...", "and so on..."),
        ("", ""),
        (" \n\t\n", ""),
        ('""', ""),
        (".", ""),
        ("\n\n  fifteen days\nbecause the passage says so", "fifteen days"),
        ("fifteen days\r\nQuestion: what else?", "fifteen days"),
        ("answering machines", "answering machines"),
        ("The answer", "The answer"),
        ("Answers: two", "Answers: two"),
        ("```\n14.8\n```", "14.8"),
        ("```text\n\n**Answer:** 14.8\n```\nbecause", "14.8"),
        ("```14.8```", "14.8"),
        ('```json\n{"answer": 14.8}\n```', "14.8"),
        ('```json\n{\n  "reason": "page 2",\n  "answer": "fifteen days."\n}\n```', "fifteen days"),
        ('{"answer": "-14.8 %"}', "-14.8 %"),
        ('{"answer": -14.8}', "-14.8"),
        ('{"answer": 1452}', "1452"),
        ('{"answer": ""}', ""),
        ('{"total": 14.8}', '{"total": 14.8}'),  # no "answer" in it
        ('{"answer": 14.8', '{"answer": 14.8'),  # no JSON
        ("{14.8}", "{14.8}"),
        ('{"answer": 14.80}', "14.80"),
    ],
)  # fmt: skip
def test_a_short_answer_is_the_first_line_without_lead_quotes_and_full_stop(said: str, expected: str) -> None:
    assert short_answer(said) == expected


@pytest.mark.parametrize(
    "said",
    [
        "unanswerable", "Unanswerable.", '"Unanswerable"', "**unanswerable**", "Answer: unanswerable", "No answer.",
        "none", "None.", "N/A", "n/a.", "not stated", "Not mentioned.", "Not given in the passage.", "not specified",
        "The answer is not provided.", "It is not stated in the text.", "This is not mentioned.",
        "I don't know.", "I don’t know", "I do not know the answer.", "I cannot answer this question.",
        "I can't tell from the passage.", "The passage does not say.", "The text doesn't mention it.",
        "The document doesn’t say", "It does not say", "It doesn't say.",
        "There is no answer", "There is no answer in the passage.", "Cannot be determined", "It can't be determined.",
        "It cannot be answered from the text.", "unknown", "Unknown.", "**Unknown**", "Not enough information",
        "Not enough information.", "This information is not provided", "That was not mentioned.",
        "I am unable to answer", "I'm not able to tell.", "I’m not sure", "N.A.", "n.a.", "NA", "Not known.",
        "The text does not contain it.", "The page does not specify a date.", '{"answer": "none"}',
        '```json\n{"answer": "unanswerable"}\n```', '{"answer": null}', '{"answer": ""}', "```\nnone\n```", "", "\n",
        "It doesn't mention that.",
        "This cannot be determined.",
        "I'm sorry, but the passage does not mention this.", "I am afraid the text does not say.",
        "Unanswerable: the text is silent",
        "Unanswerable. The text does not say.", "No answer can be found in the passage", "No answer is given.", "cannot answer",
        "There is no information about this in the passage", "There is no mention of it.", "Cannot answer this question.", "null",
        "It is unclear", "It is unclear.", "Unfortunately, the given passage does not mention it.",
        "The passage says nothing about it.",
    ],
)  # fmt: skip
def test_a_refusal_in_a_usual_wording_is_no_answer(said: str) -> None:
    assert or_nothing(short_answer(said)) == ""


@pytest.mark.parametrize(
    "said",
    [
        "No. 7", "no", "No", "14.8", "0", "nothing but cash", "Nonetheless", "Nathan Road", "notary fees",
        "not by post", "Not until 2021", "the passage of time", "I", "It is stated yearly",
        "None of the banks", "not given to minors", "The document does not exist in 2019", "Unknown Pleasures",
        "an unknown sailor", "Nassau", "N.A. Smith", "no answer was received", "Not known to the police", "-14.8",
        "This is not given to minors",
        "not provided in cash", "null hypothesis", "the null hypothesis", "It is unclear water", "unclear skies",
        "unanswerable letters",
        "no answer was given by the king", "There is no information age", "sorry", "I am sorry", "no information policy",
        "cannot answer letters", "unfortunately placed words", "the passage is silent film", "There is no evidence of fraud",
    ],
)  # fmt: skip
def test_an_answer_that_only_looks_like_a_refusal_is_kept(said: str) -> None:
    assert or_nothing(short_answer(said)) == said


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Aurevia Medical Supply Inc.", "Aurevia Medical Supply Inc."),
        ("Answer: Helix Sp. z o.o.", "Helix Sp. z o.o."),
        ('"Helix S.A."\nbecause', "Helix S.A."),
        ("14.8", "14.8"),
        ('["14.8"]', "14.8"),
        ('[{"answer": 14.8}]', "14.8"),
        ('["a", "b"]', '["a", "b"]'),
        ("", ""),
    ],
)
def test_a_full_stop_is_kept_where_characters_are_compared(said: str, expected: str) -> None:
    assert short_answer(said, keep_full_stop=True) == expected
