"""Labelled texts by one file each: their data, splits, training rows, and files of replies that others made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_data import built, write
from small_labels import FILES, lines, table

from bench.config.build import task_class
from bench.errors import BenchError
from bench.runs.settings import Settings
from bench.scoring.measure import score
from bench.submissions.reading import Submission, evaluate, read
from bench.types import Prediction
from tasks.labelled_text import LabelledText


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"), FILES)


def task(name: str, folder: Path, **changes: Any) -> Any:
    return built(name, folder, **changes)


def brought(made: Any, path: Path, content: str | bytes) -> Submission:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(made, path, made.examples())


def labels(made: Any, found: Submission) -> dict[str, str]:
    """The label that counts for each id, "" for none."""
    from bench.scoring.answers import final

    by_id = {one.id: one for one in made.examples()}
    return {x.id: final(made, by_id[x.id], x)["label"] if x.error is None else "" for x in found.predictions}


REPLIES = {"0": "DOVISH\nIt eases.", "1": "The sentence is hawkish.", "2": "'NEUTRAL'", "3": "No idea"}
READ = {"0": "dovish", "1": "hawkish", "2": "neutral", "3": ""}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", lines(*({"id": int(k), "label": int(k) % 3, "output": x} for k, x in REPLIES.items()))),
        ("a.jsonl", lines(*({"id": k, "output": x} for k, x in REPLIES.items())).replace("\n", "\r\n")),
        ("a.jsonl", lines(*({"id": float(k), "response": x, "model": "m"} for k, x in REPLIES.items()))),
        ("a.jsonl", lines(*({"id": k, "text": x} for k, x in REPLIES.items()))),  # a journal
        ("a.json", json.dumps([{"idx": int(k), "text_output": x} for k, x in REPLIES.items()])),
        (
            "a.csv",
            table(("true_label", "text_output"), *((int(k) % 3, x) for k, x in REPLIES.items())),
        ),  # rows in order
        ("a.jsonl", lines(*({"question_id": int(k), "Output": x} for k, x in reversed(REPLIES.items())))),
        ("a.jsonl", lines(*({"ID": k, "llm_response": x} for k, x in reversed(REPLIES.items())))),
        (
            "a.jsonl",
            lines(*({"bid": i, "no": i / 9, "output": x} for i, x in enumerate(REPLIES.values(), 5))),
        ),  # no ids
        ("a.tsv", "id\toutput\n" + "".join(f"{k}\t{x.partition(chr(10))[0]}\n" for k, x in REPLIES.items())),
        ("a.csv", "\ufeff" + table(("", "id", "output"), *((9, f"{k}.0", x) for k, x in REPLIES.items()))),
    ],
)
def test_replies_are_read_in_every_plausible_file(name: str, content: str, folder: Path, tmp_path: Path) -> None:
    made = task("fomc", folder)
    found = brought(made, tmp_path / name, content)
    assert labels(made, found) == READ
    assert (found.missing, found.unknown) == ((), ())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", lines({"id": 0, "label": 0, "prediction": 0}, {"id": 1, "label": 1, "prediction": "Hawkish"})),
        ("a.jsonl", lines({"id": 0, "label": "dovish"}, {"id": 1, "label": 1})),
        ("a.csv", "id,pred\n0,DOVISH\n1,1\n"),
        ("a.json", '{"0": "dovish", "1": "hawkish"}'), ("a.json", '{"0": 0, "1": 1.0}'), ("a.csv", "id,label\n0,0\n1,1\n"),
        ("a.jsonl", lines({"row_id": 1, "pred": 1}, {"row_id": 0, "pred": 0})),
    ],
)  # fmt: skip
def test_labels_and_their_codes_are_read_as_predictions(name: str, content: str, folder: Path, tmp_path: Path) -> None:
    made = task("fomc", folder)
    found = brought(made, tmp_path / name, content)
    assert labels(made, found) == {"0": "dovish", "1": "hawkish"}
    assert set(found.missing) == {"2", "3"}


def test_ids_that_are_missing_unknown_or_twice_are_counted(folder: Path, tmp_path: Path) -> None:
    rows = [
        {"id": 0, "output": "hawkish"},
        {"id": 77, "output": "dovish"},
        {"id": 0, "output": "dovish"},
        {"id": 1, "output": None},
    ]
    found = brought(task("fomc", folder), tmp_path / "a.jsonl", lines(*rows))
    assert (set(found.missing), found.unknown, found.duplicated, found.malformed) == (
        {"2", "3"},
        ("77",),
        ("0",),
        ("1",),
    )


def official(made: Any, path: Path, content: str) -> Any:
    path.write_text(content, encoding="utf-8")
    return evaluate(made, path, "other", Settings(runs_dir=path.parent / "runs", resamples=10))[2]


@pytest.mark.slow
def test_published_figures_go_by_the_first_word_and_by_the_labels_of_the_file(folder: Path, tmp_path: Path) -> None:
    rows = [{"id": int(k), "label": int(k) % 3, "output": x} for k, x in REPLIES.items()]
    found = official(task("fomc", folder), tmp_path / "a.jsonl", lines(*rows))
    assert (found["n"], found["accuracy"], found["unparsed"]) == (4, 0.25, 3)  # only DOVISH begins with its label
    assert "labels_other_than_ours" not in found
    rows[3]["label"] = 2
    found = official(task("fomc", folder), tmp_path / "b.jsonl", lines(*rows))
    assert found["labels_other_than_ours"] == 1


def test_replies_to_another_split_are_refused_where_their_labels_tell(folder: Path, tmp_path: Path) -> None:
    rows = lines(*({"id": i, "label": (2, 0, 1)[i], "output": "neutral"} for i in range(3)))
    with pytest.raises(
        BenchError, match=r"3 of the 3 labels in it are not those of these examples.*it is of task\.split=78516"
    ):
        brought(task("fomc", folder), tmp_path / "a.jsonl", rows)
    assert len(brought(task("fomc", folder, split=78516), tmp_path / "a.jsonl", rows).predictions) == 3


@pytest.mark.slow
def test_a_split_is_chosen_by_name_or_by_its_file(folder: Path) -> None:
    by_name = task("fomc", folder, split=78516)
    config = {
        "_target_": "bench.data.source.DataSource",
        "local": "finance/fomc/",
        "path": str(folder / "finance/fomc/test-78516.jsonl"),
    }
    by_file = task("fomc", folder, data=config)
    assert [x.inputs for x in by_name.examples()] == [x.inputs for x in by_file.examples()]
    assert by_name.training() == by_file.training() == ()  # whose training file is not here
    with pytest.raises(BenchError, match=r"task\.split=3 is no split of 'fomc'; there are 5768, 78516, 944601"):
        task("fomc", folder, split=3)
    with pytest.raises(BenchError, match=r"test-944601\.jsonl does not exist; take the three splits"):
        task("fomc", folder, split=944601).examples()


def test_a_text_that_is_evaluated_is_not_trained_on_and_alike_texts_are_one_cluster(folder: Path) -> None:
    made = task("fomc", folder)
    assert [one.inputs["text"] for one in made.training()] == ["Inflation is high."]
    clusters = {one.id: one.cluster for one in made.examples()}
    assert clusters["0"] == clusters["3"] != clusters["1"]  # doubled spaces make no other text
    assert not {one.id for one in made.training()} & {*clusters}


@pytest.mark.parametrize("chosen", ["one", "one_prediction", "ONE"])
def test_a_column_of_a_table_of_predictions_is_one_model(chosen: str, folder: Path) -> None:
    made = task("complaints_cfpb", folder)
    path = Path(f"{folder / 'finance/cfpb_complaints/dataset.csv'}@{chosen}")
    found = read(made, path, made.examples())
    assert labels(made, found) == {"1": "credit_card", "2": "debt_collection", "3": "credit_card"}
    assert made.official_of(path, made.examples())["accuracy"] == pytest.approx(2 / 3)


def test_what_is_outside_the_labels_is_counted_and_named(folder: Path, tmp_path: Path) -> None:
    made = task("complaints_cfpb", folder)
    path = Path(f"{folder / 'finance/cfpb_complaints/dataset.csv'}@two")
    run, _, figures = evaluate(made, path, "two", Settings(runs_dir=tmp_path, resamples=10))
    assert run.submission is not None
    assert run.submission["malformed"] == {"n": 1, "first": ["1"]}
    assert figures["out_of_label_set"] == 1
    # f1 of retail_banking is 1, of the four other labels 0; auto_loan makes a sixth class
    assert (figures["f1_macro_gold_labels"], figures["f1_macro_all_labels"]) == pytest.approx((1 / 5, 1 / 6))


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ("", r"predictions of 2 models; name one of .*dataset.csv@one_prediction"),
        ("@three", "no column 'three'; it has one_prediction"),
    ],
)
def test_a_table_of_several_models_needs_a_column_that_it_has(behind: str, said: str, folder: Path) -> None:
    made = task("complaints_cfpb", folder)
    with pytest.raises(BenchError, match=said):
        read(made, Path(f"{folder / 'finance/cfpb_complaints/dataset.csv'}{behind}"), made.examples())


@pytest.mark.slow
def test_the_package_has_the_complaints_where_the_data_directory_has_none(tmp_path: Path) -> None:
    made = task("complaints_cfpb", tmp_path)
    assert len(made.examples()) == made.card.n_examples
    assert {one.target for one in made.examples()} == set(made.labels)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"id": 0, "sentence": "Up.", "label": 3}\n', r"line 1: the label '3' is not one of 0, 1, 2, dovish"),
        ('{"id": 0, "sentence": " ", "label": 0}\n', r"line 1: 'sentence' is missing or empty"),
        ('{"id": 0, "text": "Up.", "label": 0}\n', r"line 1: 'sentence' is missing or empty; it has id, text, label"),
        ('{"id": 0, "sentence": 7, "label": 0}\n', r"line 1: 'sentence' is int, expected a text"),
        ('{"id": 0, "sentence": "Up.", "label": true}\n', r"line 1: the label 'True' is not one of"),
        ('{"id": 0, "sentence": "Up.", "label": 0}\n' * 2, r"line 2: the id '0' comes twice"),
        ('{"id": 0, "sentence": "Up.", "label": 0}\n{"id": 1, "sentence": "Up."}\n', "1 of 2 examples have no answer"),
    ],
)  # fmt: skip
def test_data_that_are_damaged_are_refused_with_their_place(content: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, {"finance/fomc/test-5768.jsonl": content})
    with pytest.raises(BenchError, match=said):
        task("fomc", tmp_path).examples()


def test_labels_of_the_file_may_be_texts_and_in_any_case(tmp_path: Path) -> None:
    rows = lines(
        *({"id": i, "sentence": f"Up {i} &amp; &#36;9 AT&T", "label": x} for i, x in enumerate(("1", 1.0, " Hawkish")))
    )
    write(tmp_path, {"finance/fomc/test-5768.jsonl": "\ufeff" + rows.replace("\n", "\r\n")})
    examples = task("fomc", tmp_path).examples()
    assert {one.target for one in examples} == {"hawkish"}
    assert sorted(one.inputs["text"] for one in examples)[0] == "Up 0 & $9 AT&T"


def test_labels_that_are_held_out_are_no_label(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "finance/fomc/test-5768.jsonl": lines(
                {"id": 0, "sentence": "Up."}, {"id": 1, "sentence": "Down.", "label": ""}
            )
        },
    )
    assert [one.target for one in task("fomc", tmp_path).examples()] == [None, None]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ["up"]}, "task.about.labels: found .*expected two or more labels"),
        (
            {"labels": {"1": "A", "2": "\uff21"}},
            "task.about.labels: the labels 'A' and '\uff21' are one when they are scored",
        ),
        (
            {"labels": ["AA", "AA+"]},
            "task.about.labels: .* cannot be told apart in a model's reply: 'Answer: AA' is read",
        ),
        (
            {"labels": {"A": "up", "a ": "down"}},
            "task.about.labels: 'a ' comes twice, as case and white space do not count",
        ),
        ({"labels": "up"}, "task.about.labels: found 'up', expected a list of texts"),
        ({"text": 3}, "task.about.text: found 3, expected a text"),
        ({"ranks": "fame"}, "task.about.ranks: found 'fame', expected one of accuracy"),
        ({"splits": {"a": "b"}}, "task.about.splits: found"),
        ({"colour": 1}, "task.about.colour is no key"),
    ],
)
def test_what_is_wrong_in_the_file_of_a_task_is_said_in_one_line(changes: dict[str, Any], said: str) -> None:
    about = dict(task_class("fomc").told)  # type: ignore[attr-defined]
    with pytest.raises(BenchError, match=said):
        LabelledText.configured({"about": {**about, **changes}})


def test_a_headline_is_asked_nine_questions_and_stands_on_one_side(folder: Path) -> None:
    made = task("headlines_gold", folder)
    examples, training = made.examples(), made.training()
    texts = {one.inputs["text"] for one in examples}
    assert texts == {"Gold falls $9", "Gold is flat"}
    assert (len(examples), len(training)) == (18, 36)
    assert not texts & {one.inputs["text"] for one in training}
    assert {one.cluster for one in examples} == {"1-PriceOrNot", "2-PriceOrNot"}


def test_what_ranks_headlines_is_the_mean_of_the_questions(folder: Path) -> None:
    made = task("headlines_gold", folder)
    examples = made.examples()
    found = {
        x.metric: x.value
        for x in score(made, examples, [Prediction(x.id, answer="no") for x in examples], resamples=0, seed=0)
    }
    # For each question "yes" is the target of one headline or of none: weighted F1 of "no" 1/2 · 2/3 = 1/3, or 1.
    yes = {one.target["question"] for one in examples if one.target["label"] == "yes"}
    assert found["f1_over_questions"] == pytest.approx((len(yes) / 3 + 9 - len(yes)) / 9)
    assert found["mcc_over_questions"] == 0.0


def test_a_stock_is_asked_for_in_one_wording_and_its_day_is_the_cluster(folder: Path) -> None:
    made = task("stock_cikm18", folder)
    one = next(x for x in made.examples() if x.id == "c2")
    assert (one.cluster, one.target, one.inputs["facts"]) == ("2020-11-03", "Fall", "with posts")
    asked = made.request(one).parts[-1].text
    assert asked.startswith("Stock: $ba\nDay: 2020-11-03\n\ndate,open")
    assert asked.endswith("2020-10-29: $ba is > 9")
    assert {x.inputs["facts"] for x in task("stock_bigdata22", folder).examples()} == {"prices alone"}
