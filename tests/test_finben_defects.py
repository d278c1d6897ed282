"""The defects of the harness that this field uses (FinBen's), each as a test that ours does not have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_data import built, write
from small_labels import FILES

from bench.config.build import build
from bench.metrics.ectsum import published
from bench.metrics.labelling import set_metric
from bench.models.device import Device
from bench.models.reference import Majority
from bench.run import evaluate as evaluated
from bench.runs.settings import Settings
from bench.scoring.answers import final
from bench.scoring.measure import score
from bench.submissions.reading import evaluate
from bench.task import Unparsed
from bench.text.number_said import number_said
from bench.text.reply import labels_said
from bench.types import Prediction
from tasks.ectsum import EctSum
from tasks.finqa import read_value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"), FILES)


@pytest.fixture(scope="module")
def credit(folder: Path) -> Any:
    return built("credit_german", folder)


def label(task: Any, text: str) -> str:
    """The label that counts for a reply to the first example, "" for none."""
    found = final(task, task.examples()[0], Prediction(task.examples()[0].id, text=text))
    return str(found["label"])


def values(task: Any, replies: list[Prediction]) -> dict[str, Any]:
    return {one.metric: one for one in score(task, task.examples(), replies, resamples=200, seed=0)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("not good; classify as bad", "bad"), ("The goods are sold.", ""), ("a badly run firm", ""), ("It is not bad.", ""),
        ("I can't provide a 'good' or 'bad' classification", ""), ("bad, not good", "bad"), ("Good.", "good"), ("GOOD", "good"),
    ],
)  # fmt: skip
def test_a_label_is_a_whole_word_that_is_meant_and_not_the_first_of_the_list(
    said: str, expected: str, credit: Any
) -> None:
    assert label(credit, said) == expected


@pytest.mark.parametrize(
    ("said", "expected"), [("The enterprise is large.", ""), ("Rise.", "rise"), ("the fallout", "")]
)
def test_a_word_that_holds_a_label_is_none(said: str, expected: str, tmp_path: Path) -> None:
    about = {
        "name": "moves", "version": 1, "instruction": "Up or down?", "labels": ["rise", "fall"], "text": "text", "label": "label",
        "card": {"title": "Moves", "source": "here", "revision": "1", "licence": "CC0", "split": "all", "n_examples": 1,
                 "language": "en", "chance": [0.4, 0.6], "scenario": "market", "cluster": "text"},
    }  # fmt: skip
    (tmp_path / "moves.jsonl").write_text(json.dumps({"text": "Up.", "label": "rise"}) + "\n")
    data = {"_target_": "bench.data.source.DataSource", "local": "moves.jsonl", "data_dir": str(tmp_path)}
    task: Any = build({"_target_": "tasks.labelled_text.LabelledText", "about": about, "data": data}, "task")
    assert label(task, said) == expected


def test_an_unreadable_reply_is_no_labels_and_counted(credit: Any) -> None:
    examples = credit.examples()
    assert isinstance(credit.answer(Prediction("x", text="I cannot say.")), Unparsed)
    found = values(credit, [Prediction(one.id, text="I cannot say.") for one in examples])
    assert found["accuracy"].value == 0.0
    assert found["mcc"].value == 0.0


def figures(task: Any, folder: Path, replies: list[str]) -> tuple[Any, Any]:
    """The run and the official figures of a file of replies, as `bench score` has them."""
    ordered = sorted(task.examples(), key=lambda one: int(one.id))
    rows = [json.dumps({"id": one.id, "output": said}) for one, said in zip(ordered, replies, strict=True)]
    path = folder / "a.jsonl"
    path.write_text("\n".join(rows))
    run, _, found = evaluate(task, path, "m", Settings(runs_dir=folder, resamples=20))
    return run, found


@pytest.mark.slow
def test_bench_score_counts_what_it_could_not_read(credit: Any, tmp_path: Path) -> None:
    run, found = figures(credit, tmp_path, ["No idea.", *("Good",) * 199])
    assert run.answers["n_unparsed"] == found["unparsed"] == 1


@pytest.mark.slow
def test_the_weighted_f1_of_swapped_arguments_stands_under_its_own_name_beside_the_right_one(
    credit: Any, tmp_path: Path
) -> None:
    run, found = figures(credit, tmp_path, ["Good"] * 200)
    f1 = 2 * 0.66 / 1.66  # 132 of 200 are good
    assert (found["f1_weighted"], found["f1_weighted_by_prediction"]) == pytest.approx((0.66 * f1, f1))
    assert [(run.scores[0].metric, run.scores[0].value)] == [("mcc", 0.0)]  # ranks: always one label is worth nothing


@pytest.mark.parametrize("said", ["Yes.", "yes", "Yes", "YES!", "**Yes**", "'yes'"])
def test_yes_is_yes_in_any_dress(said: str) -> None:
    assert read_value(said) == "yes"
    assert labels_said(said, ("no", "yes")) == ["yes"]


@pytest.mark.parametrize(
    ("said", "gold"),
    [("-12.5", -12.5), ("\u221212.5", -12.5), ("12.0", 12), ("12", 12.0), ("12%", 0.12), ("(1,234)", -1234)],
)
def test_a_number_keeps_its_minus_and_is_compared_as_a_number(said: str, gold: float) -> None:
    assert read_value(f"Answer: {said}") == pytest.approx(gold)
    assert number_said(said, *((0, 1) if "%" in said else ())) == pytest.approx(gold)


def test_a_sentiment_keeps_its_minus(folder: Path) -> None:
    task: Any = built("fiqa_sentiment", folder)
    assert task.answer(Prediction("x", text="Score: \u22120.4.")) == {"sentiment": pytest.approx(-0.4)}
    assert isinstance(task.answer(Prediction("x", text="between -0.4 and 0.4")), Unparsed)


RELATIONS = set_metric("relation_f1", ("owns",), lambda target: target, lambda target, answer: answer)


def test_a_relation_counts_in_its_own_document_only() -> None:
    golds = [[("A", "B", "owns")], [("C", "D", "owns")]]
    said = [[("C", "D", "owns")], [("A", "B", "owns")]]  # pooled over documents all would be found
    rows = [RELATIONS.measure(gold, one) for gold, one in zip(golds, said, strict=True)]
    assert RELATIONS.summarise(np.array(rows).sum(axis=0), np.array(2.0)) == 0.0


def test_what_is_no_entity_adds_nothing_to_the_f1_of_entities() -> None:
    metric = set_metric("entity_f1", ("PER", "ORG"), lambda target: target, lambda target, answer: answer)
    gold = [(0, "PER"), *((i, "O") for i in range(1, 50))]
    row = metric.measure(gold, [(i, "O") for i in range(50)])
    assert metric.summarise(np.array(row), np.array(1.0)) == 0.0


def test_a_missing_prediction_is_wrong(credit: Any) -> None:
    half = credit.examples()[:100]
    found = values(credit, [credit.ideal(one) for one in half])
    assert (found["accuracy"].value, found["accuracy"].n, found["accuracy"].n_failed) == (0.5, 200, 100)


@pytest.mark.slow
def test_the_commonest_label_is_a_reference_row_beside_the_models(credit: Any, tmp_path: Path) -> None:
    run, _ = evaluated(credit, Majority(), "majority", Device(), Settings(runs_dir=tmp_path, resamples=20))
    by_name = {one.metric: one.value for one in run.scores}
    assert (by_name["mcc"], by_name["accuracy"]) == pytest.approx((0.0, 0.66))


def test_summaries_are_scored_whole_and_what_is_cut_to_the_golds_length_is_called_so() -> None:
    keys = ("rouge1", "rouge2", "rougeL_as_published", "num_precision")
    names = published({f"{key}{form}": float(bool(form)) for key in keys for form in ("", "_goldlength")})
    assert (names["rouge1_f"], names["rouge1_f_goldlength"]) == (0.0, 1.0)
    assert EctSum.metrics[0].name == "rouge1"  # the whole summary ranks


def test_chinese_is_not_parted_at_white_space(folder: Path) -> None:
    task: Any = built("cflue", folder)
    example = next(one for one in task.examples() if one.target["labels"] == ["A", "C"])
    answer = final(task, example, Prediction(example.id, text="答案是AC。"))
    letters = next(one for one in task.metrics if one.name == "letter_f1")
    assert letters.measure(example.target, answer) == (1.0,)
    half = final(task, example, Prediction(example.id, text="答案是A"))
    assert letters.measure(example.target, half) == pytest.approx((2 / 3,))  # where whole strings would give 0


@pytest.mark.parametrize(
    "name", ["credit_german", "fomc", "phrasebank_zero_shot", "fiqa_sentiment", "cflue", "complaints_cfpb"]
)
def test_every_score_has_an_interval_or_says_why_not(name: str, folder: Path) -> None:
    task: Any = built(name, folder)
    found = values(task, [task.ideal(one) for one in task.examples()])
    for one in found.values():
        said = one.note.startswith(
            ("no interval: clusters", "no interval: the value is the same")
        )  # few, or all are right
        assert one.value is None or said or (one.low is not None and one.high is not None), one.metric
    worse = values(task, [task.ideal(one) for one in task.examples()[:-2]])
    assert name != "credit_german" or worse["mcc"].low is not None


def test_a_text_that_is_evaluated_is_not_in_what_is_learned(folder: Path) -> None:
    task: Any = built("fiqa_sentiment", folder)
    evaluated = {" ".join(one.inputs["text"].lower().split()) for one in task.examples()}
    learned = {" ".join(one.inputs["text"].lower().split()) for one in task.training()}
    assert learned
    assert not learned & evaluated
