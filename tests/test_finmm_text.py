"""The embedded reading-comprehension data set keeps the promises of its data sheet."""

import json
import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from bench.metrics.reading import normalise

HOME = Path(__file__).parents[1] / "tasks" / "finmm" / "text"
GENRES = ("annual_report", "loan_terms", "insurance_policy", "market_commentary", "regulation", "microfinance")
NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
CAPITALISED = re.compile(r"[^\W\d_a-z]\w*(?: [^\W\d_a-z]\w*)*")


@cache
def articles() -> list[dict[str, Any]]:
    file = json.loads((HOME / "qa.json").read_text(encoding="utf-8"))
    assert file["version"] == "finmm-qa-1"
    return list(file["data"])


def passages() -> list[dict[str, Any]]:
    return [paragraph for article in articles() for paragraph in article["paragraphs"]]


def pairs() -> list[tuple[str, dict[str, Any]]]:
    """Each question beside the passage that it is asked about."""
    return [(passage["context"], question) for passage in passages() for question in passage["qas"]]


def questions() -> list[dict[str, Any]]:
    return [question for _, question in pairs()]


def unanswerable() -> list[dict[str, Any]]:
    return [question for question in questions() if question["is_impossible"]]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[start : start + length]) for start in range(len(found) - length + 1)}


def share_right(guess: dict[str, str]) -> float:
    """Exact match of one guess a passage, over all questions."""
    right = [normalise(guess[text]) in {normalise(a["text"]) for a in q["answers"]} for text, q in pairs()]
    return sum(right) / len(right)


def test_there_are_at_least_40_passages_160_questions_and_30_of_them_unanswerable() -> None:
    assert len(passages()) >= 40
    assert len(questions()) >= 160
    assert len(unanswerable()) >= 30


def test_every_genre_is_known_and_has_at_least_six_passages() -> None:
    counts = Counter(article["genre"] for article in articles() for _ in article["paragraphs"])
    assert set(counts) == set(GENRES)
    assert min(counts.values()) >= 6


def test_every_article_has_a_title_of_its_own_and_one_passage() -> None:
    assert len({article["title"] for article in articles()}) == len(articles())
    assert {len(article["paragraphs"]) for article in articles()} == {1}


def test_every_id_is_the_number_of_its_passage_and_question_and_stands_once() -> None:
    numbered = [(n, k) for n, passage in enumerate(passages(), 1) for k, _ in enumerate(passage["qas"], 1)]
    assert [question["id"] for question in questions()] == [f"finmm-qa-{n:03d}-{k}" for n, k in numbered]


def test_every_passage_has_80_to_170_words_and_three_to_five_questions() -> None:
    assert [p["context"][:40] for p in passages() if not 80 <= len(p["context"].split()) <= 170] == []
    assert [p["context"][:40] for p in passages() if not 3 <= len(p["qas"]) <= 5] == []


def test_every_answer_stands_at_its_answer_start() -> None:
    starts = [(text, q["id"], a["answer_start"], a["text"]) for text, q in pairs() for a in q["answers"]]
    assert [name for text, name, start, answer in starts if text[start : start + len(answer)] != answer] == []


def test_every_answer_is_whole_words_and_at_most_ten_of_them() -> None:
    for text, question in pairs():
        for answer in question["answers"]:
            start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
            around = text[max(start - 1, 0) : start], text[end : end + 1]
            assert not any(character.isalnum() for character in around), question["id"]
            assert answer["text"] == answer["text"].strip(), question["id"]
            assert 1 <= len(answer["text"].split()) <= 10, question["id"]


def test_a_question_is_impossible_exactly_if_it_has_no_answers() -> None:
    assert [q["id"] for q in questions() if q["is_impossible"] != (not q["answers"])] == []


def test_no_question_accepts_the_same_span_twice() -> None:
    assert [q["id"] for q in questions() if len({a["text"] for a in q["answers"]}) != len(q["answers"])] == []


def test_at_least_half_of_the_answerable_questions_accept_two_answers_that_differ_when_normalised() -> None:
    kinds = [len({normalise(a["text"]) for a in q["answers"]}) for q in questions() if q["answers"]]
    assert sum(n >= 2 for n in kinds) >= len(kinds) / 2


def test_every_question_stands_once_and_ends_with_a_question_mark() -> None:
    counts = Counter(normalise(question["question"]) for question in questions())
    assert [text for text, n in counts.items() if n > 1] == []
    assert [q["id"] for q in questions() if not q["question"].endswith("?")] == []


def test_no_three_words_open_more_than_eight_questions() -> None:
    stems = Counter(tuple(words(question["question"])[:3]) for question in questions())
    assert max(stems.values()) <= 8


def test_no_question_repeats_eight_words_of_its_passage() -> None:
    assert [q["id"] for text, q in pairs() if runs(q["question"], 8) & runs(text, 8)] == []


def test_no_two_passages_share_an_8_word_run() -> None:
    found = [runs(passage["context"], 8) for passage in passages()]
    assert [pair for pair in combinations(range(len(found)), 2) if found[pair[0]] & found[pair[1]]] == []


def test_every_text_is_in_unicode_form_c_without_stray_space() -> None:
    texts = [passage["context"] for passage in passages()] + [question["question"] for question in questions()]
    assert [text for text in texts if text != " ".join(unicodedata.normalize("NFC", text).split())] == []


def test_a_regular_expression_baseline_stays_under_10_percent_exact_match() -> None:
    texts = [passage["context"] for passage in passages()]
    assert share_right({text: found.group() for text in texts if (found := NUMBER.search(text))}) < 0.10
    assert share_right({text: max(CAPITALISED.findall(text), key=len) for text in texts}) < 0.10


def test_the_place_of_a_question_does_not_give_away_that_it_is_unanswerable() -> None:
    places = Counter(question["id"][-1] for question in unanswerable())
    assert max(places.values()) <= len(unanswerable()) / 3


def test_the_data_sheet_states_the_counts_of_the_file() -> None:
    sheet = (HOME / "README.md").read_text(encoding="utf-8")
    rows = [(article["genre"], passage["qas"]) for article in articles() for passage in article["paragraphs"]]
    for genre in (*GENRES, "all"):
        asked = [qas for name, qas in rows if genre in (name, "all")]
        impossible = sum(question["is_impossible"] for qas in asked for question in qas)
        assert f"| {genre} | {len(asked)} | {sum(map(len, asked))} | {impossible} |" in sheet
