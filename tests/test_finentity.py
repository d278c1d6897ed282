"""FinEntity: spans with sentiment by hand, the places of phrases in a text, submissions, ugly replies."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.metric import Metric
from bench.scoring.measure import score
from bench.task import Malformed, Unparsed
from bench.types import Prediction, Text
from tasks.finentity import FinEntity
from tasks.mentions import apart, number_of, places

TEXT = "Acme rose while Acme Bank fell. Zinc was flat, Acme said."


def record(text: str, *spans: tuple[int, int, str, str]) -> dict[str, Any]:
    return {
        "content": text,
        "annotations": [
            {"start": start, "end": end, "label": label, "tag": label, "value": value}
            for start, end, label, value in spans
        ],
    }


RECORDS = [
    record(
        TEXT,
        (16, 25, "Negative", "Acme Bank"), (0, 4, "Positive", "Acme"), (32, 36, "Neutral", "Zinc"), (47, 51, "Neutral", "Acme"),
    ),
    record(  # two spans stand one character too far left
        "Zinc rose. Lead, like Zinc, rose.",
        (10, 14, "Positive", "Lead"), (0, 4, "Positive", "Zinc"), (21, 25, "Positive", "Zinc"),
    ),
    record("Zinc rose. Lead, like Zinc, rose.", (0, 4, "Positive", "Zinc"), (0, 4, "Neutral", "Zinc")),
]  # fmt: skip


def task_of(folder: Path, records: Any) -> FinEntity:
    (folder / "finentity").mkdir(exist_ok=True)
    (folder / "finentity/FinEntity.json").write_text(json.dumps(records), encoding="utf-8")
    return FinEntity(DataSource("finentity/FinEntity.json", data_dir=str(folder)))


@pytest.fixture
def task(tmp_path: Path) -> FinEntity:
    return task_of(tmp_path, RECORDS)


def scored(task: FinEntity, answers: dict[str, Any]) -> dict[str, float | None]:
    predictions = [Prediction(key, answer=answer) for key, answer in answers.items()]
    return {one.metric: one.value for one in score(task, task.examples(), predictions, resamples=0, seed=0)}


def test_f1_counts_exact_spans_with_their_sentiment_over_all_texts(task: FinEntity) -> None:
    answers = {
        "0": [[0, 4, "Positive"], [16, 25, "Positive"], [32, 36, "Neutral"], [16, 20, "Negative"]],
        "1": [[0, 4, "Positive"], [0, 4, "Positive"]],  # what comes twice counts once
    }
    # Wanted 4 + 3 + 2 = 9, the last text being missing. Found 4 + 1 = 5; right 2 + 1 = 3 with sentiment, 4 without it.
    # Without sentiment the two entities at one place of the last text are one: 8 wanted.
    assert scored(task, answers) == pytest.approx(
        {"f1": 2 * 3 / (5 + 9), "span_f1": 2 * 4 / (5 + 8), "sentiment_accuracy": 3 / 4}
    )


def test_nothing_found_scores_zero(task: FinEntity) -> None:
    assert set(scored(task, {key: [] for key in "012"}).values()) == {0.0}
    assert set(scored(task, {}).values()) == {0.0}


def test_what_the_oracle_says_scores_one(task: FinEntity) -> None:
    said = {e.id: task.answer(task.ideal(e)) for e in task.examples()}
    assert set(scored(task, said).values()) == {1.0}
    assert (
        task.ideal(task.examples()[0]).text == "Acme #1: Positive\nAcme Bank: Negative\nZinc: Neutral\nAcme #2: Neutral"
    )


def test_a_mention_stands_for_the_gold_span_whose_offsets_do_not_fit_the_text(task: FinEntity) -> None:
    example = task.examples()[1]
    assert example.target["moved"] == [[11, 15, 10, 14], [22, 26, 21, 25]]
    # The words of the file count at the file's offsets; a span counts as it is.
    assert scored(task, {"1": [["Lead", 0, "Positive"]]})["f1"] == pytest.approx(2 / (1 + 9))
    assert scored(task, {"1": [[10, 14, "Positive"]]})["f1"] == pytest.approx(2 / (1 + 9))
    assert scored(task, {"1": [[11, 15, "Positive"]]})["f1"] == 0.0


def test_equal_texts_share_a_cluster(task: FinEntity) -> None:
    assert [(e.id, e.cluster) for e in task.examples()] == [("0", "0"), ("1", "1"), ("2", "1")]


def test_a_request_ends_with_the_text_and_tells_no_target(task: FinEntity) -> None:
    for example in task.examples():
        request = task.request(example)
        assert request == task.request(replace(example, target=None))
        assert request.parts[-1] == Text(f"News: {example.inputs['text']}")
        assert request.parts[:-1] == task.request(task.examples()[0]).parts[:-1]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Acme", [(0, 4), (16, 20), (47, 51)]),
        ("Acme Bank", [(16, 25)]),
        ("acme  BANK", [(16, 25)]),  # other capitals and white space, where it stands nowhere as it is
        ("Acm", [(0, 3), (16, 19), (47, 50)]),  # a part of a word, where it is no whole word anywhere
        ("at", [(43, 45)]),
        ("flat,", [(41, 46)]),
        ("Lead", []),
        ("", []),
        ("Acme.*", []),
    ],
)
def test_places_of_a_phrase(phrase: str, expected: list[tuple[int, int]]) -> None:
    assert places(phrase, TEXT) == expected


def test_a_phrase_is_not_looked_for_inside_a_longer_one_and_whole_words_come_first() -> None:
    assert apart(["Acme", "Acme Bank"], TEXT)["Acme"] == [(0, 4), (47, 51)]
    assert apart(["Acme"], TEXT)["Acme"] == [(0, 4), (16, 20), (47, 51)]
    assert places("Meta", "Metals and Meta") == [(11, 15)]


@settings(deadline=None, max_examples=60)
@given(text=st.text("aA b.", max_size=20), ends=st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_every_part_of_a_text_has_a_place_in_it(text: str, ends: tuple[int, int]) -> None:
    phrase = text[min(ends) : max(ends)].strip()
    for start, end in places(phrase, text):
        assert "".join(text[start:end].lower().split()) == "".join(phrase.lower().split())
    assert bool(places(phrase, text)) == bool(phrase)


def test_a_number_after_a_phrase_is_that_of_its_place() -> None:
    assert number_of("S&P 500 #2") == ("S&P 500", 2)
    assert number_of("S&P 500") == ("S&P 500", 0)
    assert number_of("#2") == ("#2", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme Bank: Negative\nZinc: Neutral", [["Acme Bank", 0, "Negative"], ["Zinc", 0, "Neutral"]]),
        ("1. **Acme** - positive.\n* Zinc (NEUTRAL)", [["Acme", 0, "Positive"], ["Zinc", 0, "Neutral"]]),
        ('"Acme" #2: Positive', [["Acme", 2, "Positive"]]),
        ("Acme | negative |", [["Acme", 0, "Negative"]]),
        ("Acme is Positive because it rose: Neutral", [["Acme", 0, "Positive"]]),
        ("S&P 500: Negative (down 2%)", [["S&P 500", 0, "Negative"]]),
        ("Coca-Cola: **Positive**", [["Coca-Cola", 0, "Positive"]]),
        ('```json\n{"Acme": "positive", "Zinc": "flat"}\n```', [["Acme", 0, "Positive"]]),
        ('[{"entity": "Acme", "sentiment": "Negative"}, {"entity": "Zinc"}]', [["Acme", 0, "Negative"]]),
        ("Here are the entities:\n\nAcme: Positive\n\nLet me know!", [["Acme", 0, "Positive"]]),
        ("none", []), ("No entities.", []), ("[]", []),
        *((said, Unparsed([])) for said in ("Acme: good", "", ": Positive", "I'm sorry, I can't help.", "[1, 2")),
    ],
)  # fmt: skip
def test_mentions_are_read_from_ugly_replies(text: str, expected: list[Any]) -> None:
    assert FinEntity(DataSource("x/")).answer(Prediction("x", text=text)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([[0, 4, "Positive"]], [[0, 4, "Positive"]]),
        ([{"start": 0, "end": 4, "label": "neutral", "value": "Acme"}], [[0, 4, "Neutral"]]),
        ([], []),
        ([[0, 4]], r"\[0\]: found \[0, 4\], expected \[start, end, label\]"),
        ([[0, 4, "Positive"], [4, 4, "Positive"]], r"\[1\]: found the span 4 to 4"),
        ([["0", 4, "Positive"]], "found the span '0' to 4"),
        ([[True, 4, "Positive"]], "found the span True to 4"),
        ([[0, 4.0, "Positive"]], r"found the span 0 to 4\.0"),
        ([[-1, 4, "Positive"]], "found the span -1 to 4"),
        ([[0, 4, "good"]], "found the sentiment 'good', expected one of Positive, Negative, Neutral"),
        ([{"start": 0, "end": 4}], "found the sentiment None"),
        ("Acme", "found a text, expected a list"),
        ({"0": 1}, "expected a list"),
    ],
)
def test_a_submission_holds_lists_of_spans(task: FinEntity, tmp_path: Path, answer: Any, expected: Any) -> None:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"0": answer}))
    ((key, found),) = task.submitted(path, task.examples())
    assert key == "0"
    if isinstance(expected, str):
        assert isinstance(found, Malformed)
        with pytest.raises(ValueError, match=expected):
            raise ValueError(found.reason)
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ({}, r"FinEntity\.json: found an object at the top, expected a list of texts"),
        ([{"annotations": []}], r"FinEntity\.json: \[0\]: the field 'content' \(str\) is missing"),
        ([record("Zinc")], None),
        ([record("Zinc", (0, 4, "Good", "Zinc"))], r"\[0\]\.annotations: \[0\]: found the sentiment 'Good'"),
    ],
)
def test_a_data_file_of_another_form_is_refused_with_its_place(
    tmp_path: Path, records: Any, message: str | None
) -> None:
    task = task_of(tmp_path, records)
    if message is None:
        assert len(task.examples()) == 1
        return
    with pytest.raises(BenchError, match=message):
        task.examples()


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "finentity").exists():
        pytest.skip(f"FinEntity is not in {folder}; set BENCH_DATA to its folder")
    return folder


@pytest.mark.slow
def test_the_real_file_is_whole_and_its_annotations_and_oracle_score_one(data: Path) -> None:
    task = FinEntity(DataSource("finentity/FinEntity.json", data_dir=str(data)))
    assert list(task.problems()) == []
    examples = task.examples()
    raw = json.loads((data / "finentity/FinEntity.json").read_text(encoding="utf-8"))
    labels = Counter(label for e in examples for _, _, label in e.target["entities"])
    assert labels == {"Neutral": 1130, "Positive": 503, "Negative": 498}
    assert sum(len(e.target["moved"]) for e in examples) == 70
    for i, example in enumerate(examples):
        given = [[one["start"], one["end"], one["label"]] for one in raw[i]["annotations"]]
        for metric in task.metrics:
            assert isinstance(metric, Metric)
            for answer in (given, task.answer(task.ideal(example))):
                assert metric.measure(example.target, answer) == metric.best(example.target), example.id
