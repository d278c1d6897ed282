"""Slices are few words that people understand, and they touch neither the data's fingerprint nor what is held out."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import CARRIED, NAMES, OMG_GOLD, SMALL, SQUAD_V1, built, reference_data, shipped, squad, write

from bench.runs.identity import fingerprint
from bench.task import Task
from bench.types import Example
from tasks.slices import band, question_word

MANY = 12  # values of a property that a table has room for


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"))


@pytest.fixture(
    params=[
        name if name in (*CARRIED, *SMALL) else pytest.param(name, marks=pytest.mark.slow)  # reads the reference data
        for name in NAMES
    ]
)
def task(request: pytest.FixtureRequest, folder: Path) -> Task:
    return shipped(request.param, folder)


@cache
def every(task: Task) -> Sequence[Example]:
    """The examples, read once."""
    return task.examples()


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is it?", "what"),
        ("To whom was it sent?", "who"),
        ("Whose signature is it?", "who"),
        ("In which year, and how?", "which"),  # the first one
        ("What's due?", "what"),
        ("HOW MUCH", "how"),
        ("However it ends, name the river.", "other"),  # not a word of its own
        ("", "other"),
    ],
)
def test_a_question_is_of_its_first_word_that_asks(question: str, word: str) -> None:
    assert question_word(question) == word


@pytest.mark.parametrize(
    ("n", "ends", "name"),
    [
        (0, (1, 3), "no words"), (1, (1, 3), "1 word"), (2, (1, 3), "2-3 words"), (3, (1, 3), "2-3 words"), (4, (1, 3), "4+ words"),
        (2, (1, 2), "2 words"), (7, (10,), "1-10 words"), (11, (10,), "11+ words"),
    ],
)  # fmt: skip
def test_a_number_lies_in_one_band(n: int, ends: tuple[int, ...], name: str) -> None:
    assert band(n, ends, "word") == name


@pytest.mark.slow
@given(st.integers(0, 200), st.lists(st.integers(1, 100), min_size=1, max_size=6, unique=True).map(sorted))
def test_there_are_two_bands_more_than_ends_and_each_names_the_numbers_in_it(n: int, ends: list[int]) -> None:
    names = [band(i, ends, "word") for i in range(202)]
    assert len(set(names)) == len(ends) + 2
    name = names[n]
    low, high = names.index(name), 201 - names[::-1].index(name)
    shown = {"no": (0, 0)}.get(name.split()[0]) or tuple(map(int, name.split()[0].strip("+").split("-")))
    assert (shown[0], shown[-1] if "+" not in name else high) == (low, high)


def test_every_task_has_slices_and_each_is_a_text_of_few_values(task: Task) -> None:
    values: dict[str, set[str]] = {}
    for example in every(task):
        for name, value in task.slices(example).items():
            assert isinstance(value, str)
            assert 0 < len(value) <= 60, name
            values.setdefault(name, set()).add(value)
    assert values
    assert all(name.strip() == name and len(found) <= MANY for name, found in values.items()), values


def test_slices_are_pure(task: Task) -> None:
    examples = every(task)[:100]
    before = fingerprint(*map(vars, examples))
    once, again = [dict(task.slices(one)) for one in examples], [dict(task.slices(one)) for one in reversed(examples)]
    assert once == again[::-1]
    assert fingerprint(*map(vars, examples)) == before  # nothing was put into an example


def test_no_slice_tells_anything_of_a_target(task: Task) -> None:
    for example in every(task)[:100]:
        open_, hidden = task.slices(example), task.slices(replace(example, target=None))
        assert hidden.items() <= open_.items()
        secret = {"answer length", "answerable", "answer type", "scale", "steps", "answer", "label", "labels", "sentiment",
                  "emotion", "definition", "relations", "holds", "entities", "references", "reply"}  # fmt: skip
        assert not secret & set(hidden), hidden


OF_SQUAD = {
    "elbe-1": {"question word": "where", "answer length": "1 word"},
    "elbe-2": {"question word": "what", "answer length": "2-3 words"},  # "the North Sea"
    "po-1": {"question word": "how", "answer length": "2-3 words"},  # "652 km"
    "loaf-1": {"question word": "other", "answer length": "2-3 words"},  # "The Loaf".
}


def test_squad_is_sliced_by_question_word_and_answer_length(folder: Path) -> None:
    one = shipped("squad_v1", folder)
    assert {example.id: one.slices(example) for example in one.examples()} == OF_SQUAD


def test_squad_2_also_by_whether_there_is_an_answer(folder: Path) -> None:
    two = shipped("squad_v2", folder)
    found = {example.id: two.slices(example) for example in two.examples()}
    assert found["po-1"] == OF_SQUAD["po-1"] | {"answerable": "yes"}
    assert found["po-2"] == {"question word": "how", "answerable": "no"}


def test_docvqa_says_what_holds_the_answer_where_the_file_does(tmp_path: Path) -> None:
    record = {"question": "What is due?", "image": "documents/a.png", "docId": 1, "answers": ["12"]}
    kinds = {1: ["form"], 2: ["table/list", "layout"], 3: []}
    data = {"data": [record | {"questionId": key, "question_types": kind} for key, kind in kinds.items()]}
    write(tmp_path, {"docvqa/val_v1.0_withQT.json": json.dumps(data)})
    task = built("docvqa", tmp_path, pages="image")
    found = [task.slices(example).get("question type") for example in task.examples()]
    assert found == ["form", "several", None]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("finmm_qa", {("answerable", "no"): 44, ("document", "regulation"): 44, ("document", "annual report"): 40}),
        ("finmm_dialogue", {("subject", "savings"): 31, ("subject", "pension"): 28, ("references", "4+ references"): 164}),
        ("finmm_emotion", {("emotion", "neutral"): 58, ("emotion", "disgust"): 17, ("turn", "first"): 63}),
    ],
)  # fmt: skip
def test_slices_count_what_the_readme_of_the_data_counts(name: str, counts: dict[Any, int], folder: Path) -> None:
    task = shipped(name, folder)
    found = Counter(pair for example in task.examples() for pair in task.slices(example).items())
    assert {pair: found[pair] for pair in counts} == counts


def test_the_emotion_of_an_utterance_is_the_one_that_most_annotators_named(folder: Path, tmp_path: Path) -> None:
    task = shipped("omg_emotion", folder)
    assert [task.slices(example)["emotion"] for example in task.examples()] == ["sad", "neutral", "happy", "happy"]
    rows = [line.rpartition(",")[0] for line in OMG_GOLD.splitlines()]  # a copy without that column
    without = built("omg_emotion", write(tmp_path, {"omg_emotion/omg_ValidationVideos.csv": "\n".join(rows)}))
    assert all(set(without.slices(example)) == {"length"} for example in without.examples())


def test_the_name_of_a_recording_says_emotion_intensity_sex_and_sentence(folder: Path) -> None:
    example = Example("03-01-06-02-01-02-12", {"recording": "x"}, "fearful", "actor 12")  # 12 is even: a woman
    found = shipped("ravdess", folder).slices(example)
    assert found == {"emotion": "fearful", "intensity": "strong", "sentence": "kids", "actor": "female"}


def test_a_comment_with_emotions_of_two_kinds_is_mixed(folder: Path) -> None:
    task = shipped("goemotions", folder)
    found = [task.slices(Example("c", {"text": "a b"}, labels, "c")) for labels in (["joy", "love"], ["joy", "fear"])]
    assert [(one["labels"], one["sentiment"]) for one in found] == [("2 labels", "positive"), ("2 labels", "mixed")]


@pytest.mark.slow
def test_the_slices_of_a_run_stand_in_its_measurements(bench_main: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path, {"squad/dev-v1.1.json": json.dumps(SQUAD_V1)})
    answers = tmp_path / "a.json"
    answers.write_text(json.dumps({"elbe-1": "Bohemia"}))
    code, out, err = bench_main("score", "squad_v1", str(answers), "--json", f"data_dir='{tmp_path}'")
    assert (code, err) == (0, [])
    rows = json.loads((Path(json.loads(out[-1])["run_dir"]) / "measurements.json").read_text())
    assert rows["slices"] == {
        name: [OF_SQUAD[key][name] for key in rows["ids"]] for name in ("answer length", "question word")
    }


@pytest.mark.slow
def test_slices_of_a_large_file_take_a_moment(tmp_path: Path) -> None:
    many = [(f"q{i}", f"In which of the {i} years did it rise?", ["the North Sea"]) for i in range(3_000)]
    write(tmp_path, {"squad/dev-v2.0.json": json.dumps(squad(("The North Sea", many)))})
    task = built("squad_v2", tmp_path)
    examples, begun = task.examples(), time.process_time()
    assert len([task.slices(example) for example in examples]) == 3_000
    assert time.process_time() - begun < 1.0  # some 5 ms; a file that is read for each example takes minutes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # what evaluate-v2.0.py prints as HasAns_total and NoAns_total
        ("squad_v2", {("answerable", "yes"): 5_928, ("answerable", "no"): 5_945}),
        # grep -c '"answer_type": "count"', '"answer_from": "text"' and '"answer_from": "table"'
        ("tatqa", {("answer type", "count"): 32, ("answer from", "text"): 389, ("answer from", "table"): 772}),
        ("financebench", {("question type", "metrics-generated"): 50, ("filing", "10k"): 112}),
    ],
)
def test_slices_of_the_official_files_have_their_counts(name: str, counts: dict[Any, int]) -> None:
    task = built(name, reference_data())
    found = Counter(pair for example in task.examples() for pair in task.slices(example).items())
    assert {pair: found[pair] for pair in counts} == counts
