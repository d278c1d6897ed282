"""Phrases and relations: what replies say, where phrases stand, and what counts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_data import built, reference_data, shipped, write

from bench.errors import BenchError
from bench.runs.settings import Settings
from bench.scoring.measure import score
from bench.submissions.reading import evaluate
from bench.task import Task, Unparsed
from bench.types import Example, Json, Prediction
from tasks.finred import FinRed
from tasks.span_files import aligned
from tasks.span_items import placed
from tasks.spans import SpanTask


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of small files."""
    return write(tmp_path_factory.mktemp("data"))


def names(folder: Path) -> SpanTask:
    task = shipped("finer_ord", folder)
    assert isinstance(task, SpanTask)
    return task


def values(task: Task, examples: list[Example], answers: list[Json]) -> dict[str, float | None]:
    said = [Prediction(one.id, answer=answer) for one, answer in zip(examples, answers, strict=True)]
    return {one.metric: one.value for one in score(task, examples, said, resamples=0, seed=0)}


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Person: Ann Lee\nOrganisation: Apple Bank", [["Ann Lee", 0, "PER"], ["Apple Bank", 0, "ORG"]]),
        ("- **Organization**: Apple #2", [["Apple", 2, "ORG"]]),
        ("1. Ann Lee (Person)\n2. Oslo - location", [["Ann Lee", 0, "PER"], ["Oslo", 0, "LOC"]]),
        ('{"Person": ["Ann Lee"], "Location": []}', [["Ann Lee", 0, "PER"]]),
        ('[{"text": "Oslo", "label": "LOC"}]', [["Oslo", 0, "LOC"]]),
        ('```json\n{"Ann Lee": "PER"}\n```', [["Ann Lee", 0, "PER"]]),
        ("Person: none\nLocation: Oslo", [["Oslo", 0, "LOC"]]),
        ("Person: Oslo\nLocation: Oslo", [["Oslo", 0, "PER"]]),  # of two labels the first
        ('[["Ann ", "B-PER"], ["Lee", "I-person"], ["left", "O"]]', ["B-PER", "I-PER", "O"]),
        ("None.", []),
    ],
)
def test_replies_name_phrases_with_labels(reply: str, answer: Json, folder: Path) -> None:
    assert names(folder).answer(Prediction("0", text=reply)) == answer


def test_a_reply_that_names_nothing_and_does_not_say_so_is_unparsed(folder: Path) -> None:
    assert names(folder).answer(Prediction("0", text="I cannot help.")) == Unparsed([])


@pytest.mark.parametrize(
    "reply", [":" * 300_000, "Person " * 60_000, ("(" * 5_000 + "x\n") * 60, ": " * 200_000 + "Person x"]
)
@pytest.mark.parametrize("name", ["finer_ord", "finred"])
def test_a_long_reply_of_signs_takes_a_moment(name: str, reply: str, folder: Path) -> None:
    task, begun = shipped(name, folder), time.process_time()
    task.answer(Prediction("0", text=reply))
    assert time.process_time() - begun < 2.0


def test_where_tags_are_held_out_nothing_is_told_of_them(folder: Path) -> None:
    task = names(folder)
    hidden = [replace(one, target=None) for one in task.examples()]
    path = folder / "told.jsonl"
    path.write_text(json.dumps({"id": "0", "output": "Ann:Person_B\nLee:Person_I\nleft:Other"}))
    assert task.official_of(path, hidden) == {}
    assert task.official_of(path, task.examples())


def test_a_phrase_is_placed_token_by_token_and_not_inside_a_longer_one() -> None:
    tokens = "Apple sued Apple Bank Inc . of Metals".split()
    said = [["Apple", 0, "ORG"], ["Apple Bank Inc.", 0, "ORG"], ["Metal", 0, "PER"]]
    assert placed(tokens, said) == {(0, 1, "ORG"), (2, 6, "ORG")}


def test_a_phrase_that_goes_on_without_a_beginning_begins_one(folder: Path) -> None:
    task = names(folder)
    second = task.examples()[1]
    found = values(task, [second], [[["Apple", 1, "ORG"], ["Apple Bank", 0, "ORG"], ["Oslo", 0, "LOC"]]])
    assert found["f1"] == 1.0  # "Oslo" bears I-LOC behind O


def test_o_counts_for_nothing_and_part_of_a_phrase_is_none(folder: Path) -> None:
    task = names(folder)
    examples = list(task.examples())
    assert values(task, examples, [[], [], []])["token_f1"] == 0.0
    part = values(task, examples[:1], [["B-PER", "O", "O", "B-ORG", "I-ORG"]])
    assert part["f1"] == 0.5
    assert part["token_f1"] == pytest.approx(6 / 7)


def test_lines_of_tokens_are_aligned_though_tokens_hold_colons_and_lines_are_missing(folder: Path) -> None:
    tokens = "At 7:30 Ann Lee met : Tessel Bank".split()
    lines = "At:Other\n7:30:Other\nAnn:Person_B\nLee:I-PER\n\n::Other\nTessel:Organization\nBank:Organisation\nof:Other"
    found = aligned(tokens, lines, names(folder).code)
    assert found == ["O", "O", "B-PER", "I-PER", "", "O", "B-ORG", "I-ORG"]


@pytest.mark.slow
def test_files_of_tagged_tokens_are_scored_and_get_the_figures_that_their_authors_print(
    folder: Path, tmp_path: Path, bench_main: Callable[..., Any]
) -> None:
    told = ["Ann:Person_B\nLee:Person_I\nleft:Other\nApple:Product_B\nBank:Other", "Organisation: Apple Bank", "none"]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"id": i, "output": text}) for i, text in enumerate(told)))
    code, out, _ = bench_main("score", "finer_ord", str(path), "--json", f"data_dir='{folder}'", "resamples=20")
    found = json.loads(out[-1])
    assert code == 0
    assert found["scores"]["precision"]["value"] == 1.0
    assert found["scores"]["recall"]["value"] == pytest.approx(2 / 5)
    assert found["official"]["n"] == 15
    assert found["official"]["unparsed_tokens"] == 11  # one label of no kind, and two replies of other forms


def test_training_sentences_are_not_evaluated_and_say_what_they_are(folder: Path) -> None:
    task = shipped("sec_ner", folder)
    assert [one.inputs["tokens"] for one in task.training()] == [["BORROWER", ":"]]
    assert "validation" in task.training_is


TALUS = ["Talus Gold", "Ann Lee", "founded by"]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Talus Gold ; Ann Lee ; founded_by", [TALUS]),
        ("1. (Talus Gold, Ann Lee, Founded By)", [TALUS]),
        ("Talus Gold | founded by | Ann Lee", [TALUS]),
        ("Talus Gold ; Ann Lee ; founded by | Bravia ; tea ; brand", [TALUS, ["Bravia", "tea", "brand"]]),
        ('[{"subject": "Talus Gold", "relation": "FOUNDED_BY", "object": "Ann Lee"}]', [TALUS]),
        ('[["Talus Gold", "Ann Lee", "founded by"]]', [TALUS]),
        ("Acme, Inc. ; Ann Lee ; founded by", [["Acme, Inc.", "Ann Lee", "founded by"]]),
        ("none", []),
        ("Talus Gold ; Ann Lee ; likes", Unparsed([])),
    ],
)
def test_replies_tell_relations(reply: str, answer: Json, folder: Path) -> None:
    assert shipped("finred", folder).answer(Prediction("0", text=reply)) == answer


def test_a_relation_counts_in_its_sentence_and_in_its_direction_only(folder: Path) -> None:
    task = shipped("finred", folder)
    assert isinstance(task, FinRed)
    examples = list(task.examples())
    gold = [one.target for one in examples]
    assert values(task, examples, gold)["f1"] == 1.0
    assert values(task, examples, [*gold[1:], gold[0]])["f1"] == 0.0  # said of other sentences
    turned = [[[b, a, relation] for a, b, relation in one] for one in gold]
    assert values(task, examples, turned)["f1"] == 0.0
    assert values(task, examples, [[[a.upper(), b, "brand"] for a, b, _ in one] for one in gold])["pair_f1"] == 1.0


def test_a_stroke_in_a_sentence_is_no_end_of_it(folder: Path) -> None:
    example = shipped("finred", folder).examples()[1]
    assert example.inputs["text"] == "News | Bravia makes tea."
    assert example.target == [["Bravia", "tea", "product/material produced"]]


def test_candidates_hold_the_right_tag_once_and_are_the_same_again(folder: Path) -> None:
    task = shipped("fnxl", folder)
    first, again = task.examples(), task.examples()
    assert [one.inputs for one in first] == [one.inputs for one in again]
    for one, tag in zip(first, ("InterestPaidNet", "IncomeTaxesPaid"), strict=False):
        assert len(set(one.inputs["candidates"])) == 8
        assert one.inputs["candidates"]["ABCDEFGH".index(one.target)] == f"us-gaap:{tag}"
    assert task.answer(Prediction("0", text="Answer: C")) == {"label": "C", "confidence": None}


@pytest.mark.slow
def test_the_published_replies_of_gpt_4_get_their_published_figures_and_ours_by_better_alignment(
    tmp_path: Path,
) -> None:
    data = reference_data()
    path = data / "finance/finer_ord/predictions/gpt4.jsonl"
    if not path.exists():
        pytest.skip("the published replies are not here")
    task = built("finer_ord", data)
    run, _, _ = evaluate(task, path, "gpt4", Settings(runs_dir=tmp_path / "runs", resamples=10))
    assert run.scores[0].value == pytest.approx(0.6912, abs=5e-5)  # theirs, which loses 2,413 tokens: 0.6550
    golden = json.loads((data / "finance/GOLDEN.json").read_text("utf-8"))["finer_ord"]["gpt4"]
    assert task.official_of(path, task.examples()) == pytest.approx(golden, abs=5e-5)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"PER": "Person", "per": "People"}, "the labels 'PER' and 'per' are one when they are scored"),
        ({"PER": "Person", "ORG": "person"}, "the labels 'Person' and 'person' are one when they are scored"),
        ({"PER": "Person", "ORG": "Person"}, "'Person' comes twice; give each code a word of its own"),
        (
            {"PER": "Person", "caf\u00e9": "Cafe", "\uff21": "A"},
            r"'\\uff21' is scored as 'A'; write it so here and in the data",
        ),
    ],
)
def test_codes_and_words_that_cannot_be_told_apart_are_refused(labels: dict[str, str], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        SpanTask.defined({"instruction": "List.", "labels": labels, "reader": "tag records", "shots": []})
