"""Tables as tasks: how they are read, split and described, what is refused, and the published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_data import built, reference_data

from bench.config.build import build
from bench.errors import BenchError
from bench.runs.settings import Settings
from bench.scoring.answers import final
from bench.submissions.reading import evaluate
from bench.text.described_row import described
from bench.types import Column, Row
from tasks.people_groups import Group

CARD = {
    "title": "Loans", "source": "here", "revision": "1", "licence": "CC0", "split": "a fifth", "n_examples": 4, "language": "en",
    "chance": [-0.5, 0.5], "scenario": "risk control", "cluster": "rows that are alike",
}  # fmt: skip
LOANS = "age,income,job,defaulted\n" + "".join(
    f"{20 + i},{1000 * i},{'abc'[i % 3]},{'yes' if i % 4 == 0 else 'no'}\n" for i in range(20)
)


def loans(folder: Path, text: str = LOANS, *, file: str = "loans.csv", training: Any = None, **about: Any) -> Any:
    """The task of a CSV of one's own, as its file of conf/task makes it."""
    (folder / file).write_bytes(text.encode())
    told = {"name": "loans", "version": 1, "card": CARD, "labels": ["no", "yes"], "label": "defaulted", **about}
    data = {"_target_": "bench.data.source.DataSource", "local": file, "data_dir": str(folder)}
    beside = {"training": training} if training else {}
    return build({"_target_": "tasks.table.TableTask", "about": told, "data": data, **beside}, "task")


def test_a_csv_needs_no_more_than_labels_and_the_name_of_their_column(tmp_path: Path) -> None:
    task = loans(tmp_path)
    assert (len(task.examples()), len(task.training())) == (4, 16)  # a fifth of each label: 1 of 5, 3 of 15
    assert sorted(one.target for one in task.examples()) == ["no", "no", "no", "yes"]
    example = task.examples()[0]
    row = task.request(example).parts[-1]
    assert isinstance(row, Row)
    assert [(one.name, one.kind) for one in row.columns] == [
        ("age", "number"),
        ("income", "number"),
        ("job", "category"),
    ]
    assert row.text == f"The age is {row.values[0]:g}. The income is {row.values[1]:g}. The job is {row.values[2]}."
    assert not {one.id for one in task.examples()} & {one.id for one in task.training()}


def test_rows_that_are_alike_are_one_cluster_and_on_one_side(tmp_path: Path) -> None:
    text = "a,defaulted\n" + "".join(f"{i % 5},{'yes' if i % 5 == 0 else 'no'}\n" for i in range(50))
    task = loans(tmp_path, text)
    assert not {one.cluster for one in task.examples()} & {one.cluster for one in task.training()}
    assert {len({one.cluster for one in task.examples() if one.target == label}) for label in ("yes", "no")} <= {1, 2}


def test_a_row_is_described_in_words_with_the_meaning_of_codes_and_what_is_not_known() -> None:
    columns = [
        Column("A", "category", "housing", (("A1", "rented"),)),
        Column("n_years", "number"),
        Column("x", "category"),
    ]
    assert described(columns, ["A1", 0.5, None]) == "The housing is rented. The n years is 0.5. The x is not known."


@pytest.mark.parametrize(
    ("text", "about", "said"),
    [
        ("age,defaulted\n1,no\n2,maybe\n", {}, "line 3: defaulted is 'maybe', expected one of no, yes"),
        ("age,defaulted\n1,no\n2\n", {}, "line 3: found 1 values, expected 2"),
        ("age,age,defaulted\n1,2,no\n", {}, "the column 'age' comes twice"),
        ("age,,defaulted\n1,2,no\n", {}, "column 2 has no name"),
        ("age,state\n1,no\n", {}, "has no column 'defaulted' of labels; found age, state"),
        ("age,defaulted\nold,no\n", {"columns": {"age": {"kind": "number"}}}, "line 2: age: found 'old', expected a number"),
        ("age,defaulted\ninf,no\n", {"columns": {"age": {"kind": "number"}}}, "expected a finite number"),
        ("age,b,defaulted\n1,2,no\n", {"columns": {"age": {}}}, "of column 'b' nothing is said"),
        ("age,defaulted\n1,no\n", {"columns": {"years": {}}}, "has no column 'years', which the task names"),
        ("age,defaulted\nx,no\n", {"columns": {"age": {"codes": {"y": "young"}}}}, "age is 'x', expected one of y"),
        ("age,defaulted\n" + "9" * 1001 + ",no\n", {}, "a value of 1,001 characters"),
        (",".join(f"c{i}" for i in range(2001)), {}, "found 2,001 columns, expected 1 to 2,000"),
        ('age,defaulted\n"1,no\n', {}, "line 2"),
        ("", {}, "found 0 columns"),
        ("a;defaulted\n1;no\n", {}, "has no column 'defaulted' of labels; found a;defaulted"),
    ],
)  # fmt: skip
def test_a_bad_table_is_one_line(text: str, about: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError) as found:
        loans(tmp_path, text, **about).examples()
    assert said in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"labels": ["no"]}, "expected two labels or more"),
        ({"labels": ["no", "No"]}, "task.about.labels: the labels 'no' and 'No' are one when they are scored"),
        ({"labels": "no"}, "task.about.labels: found 'no', expected a list"),
        ({"positive": "perhaps"}, "task.about.positive: 'perhaps' is not one of the labels no, yes"),
        ({"label": {"column": "defaulted", "codes": {"1": "bad"}}}, "task.about.label.codes: 'bad' is not one"),
        ({"groups": {"age": {"column": "age", "bands": [30]}}}, "groups and favourable belong together"),
        ({"groups": {"age": {"column": "age"}}, "favourable": "no"}, "task.about.groups.age: give bands"),
        ({"groups": {"age": {"column": "age", "bands": [30, 20]}}, "favourable": "no"}, "expected rising numbers"),
        ({"more": ["shift"]}, "task.about.more: 'shift' is not one of lift, recall_at_false_alarms"),
        ({"columns": {"age": {"kind": "date"}}}, "task.about.columns.age: kind must be number or category"),
    ],
)  # fmt: skip
def test_a_bad_file_of_the_task_is_one_line(about: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=said):
        loans(tmp_path, **about)


def test_a_byte_order_mark_quotes_and_rows_that_end_in_cr_lf_change_nothing(tmp_path: Path) -> None:
    plain = [vars(one) for one in loans(tmp_path).examples()]
    other = "\ufeff" + LOANS.replace("age,", '"age",', 1).replace("\n", "\r\n")
    assert [vars(one) for one in loans(tmp_path, other).examples()] == plain


def test_groups_of_people_stand_beside_the_label_and_are_compared(tmp_path: Path) -> None:
    task = loans(
        tmp_path,
        favourable="no",
        groups={
            "age": {"column": "age", "bands": [25, 30]},
            "work": {"column": "job", "of": {"a": "x", "b": "x", "c": "y"}},
        },
    )
    target = task.examples()[0].target
    assert set(target["groups"]) == {"age", "work"}
    assert target["groups"]["age"] in ("up to 25", "above 25 to 30", "above 30")
    assert "true_positive_rate_difference_work" in [one.name for one in task.metrics]
    with pytest.raises(BenchError, match="job 'c' is of no group"):
        loans(tmp_path, favourable="no", groups={"work": {"column": "job", "of": {"a": "x", "b": "x"}}}).examples()


def test_bands_part_numbers_at_their_ends() -> None:
    group = Group("age", bands=(25.0, 60.0))
    assert [group.name(float(age), "") for age in (25, 26, 60, 61)] == [
        "up to 25",
        "above 25 to 60",
        "above 25 to 60",
        "above 60",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["credit_german", "credit_australian", "bankruptcy_polish"])
def test_the_package_carries_data_that_may_be_passed_on(name: str, tmp_path: Path) -> None:
    task = built(name, tmp_path)
    assert len(task.examples()) >= 100
    assert task.card.licence == "CC BY 4.0"
    assert list(task.problems()) == ([] if name != "bankruptcy_polish" else [
        f"120 examples, where the {task.card.split} has 1,182"
    ])  # fmt: skip


@pytest.mark.parametrize("name", ["credit_german", "credit_australian", "bankruptcy_polish", "complaints_cfpb"])
def test_what_the_package_carries_needs_no_fetching(name: str, tmp_path: Path) -> None:
    built(name, tmp_path).fetch()
    with pytest.raises(BenchError, match="does not exist"):
        built("claims_travel", tmp_path).fetch()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deposit_marketing", "churn_bank"])
def test_no_column_that_gives_the_label_away_is_shown(name: str) -> None:
    task = built(name, reference_data())
    (_, row) = task.request(task.examples()[0]).parts
    assert isinstance(row, Row)
    shown = {one.name for one in row.columns}
    assert not shown & {"duration", "y", "CLIENTNUM", "Attrition_Flag"}
    assert not [one for one in shown if one.startswith("Naive_Bayes")]


FOLDERS = {"credit_german": "german_credit", "fraud_card": "ccfraud", "claims_travel": "travel_insurance"}
FIGURES = [
    ("credit_german", "gpt4"), ("credit_german", "calm_7b"), ("fraud_card", "chatgpt"), ("fraud_card", "gpt4_100"),
    ("claims_travel", "gpt4"), ("claims_travel", "chatgpt"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model"), FIGURES)
def test_published_outputs_have_the_reference_figures(name: str, model: str, tmp_path: Path) -> None:
    data, folder = reference_data(), FOLDERS[name]
    outputs = data / "finance" / folder / "predictions" / f"{model}.jsonl"
    task: Any = built(name, data)
    if model == "gpt4_100":  # other texts than the test split's, with their answers
        task.data.own = str(outputs)
    golden = json.loads((data / "finance" / "GOLDEN.json").read_text())[folder][model]
    _, _, official = evaluate(task, outputs, model, Settings(runs_dir=tmp_path, resamples=1))
    assert {key: official[key] for key in golden} == pytest.approx(golden, abs=5e-5)


def test_a_raw_output_is_read_by_our_rule_for_the_score_and_by_the_papers_for_its_figures(tmp_path: Path) -> None:
    task = loans(tmp_path, paper_reads="mentions")
    examples = task.examples()
    said = ["I can't say 'yes' or 'no'.", "Yes.", "no", 7]
    lines = [json.dumps({"id": one.id, "output": text}) for one, text in zip(examples, said, strict=True)]
    (tmp_path / "out.jsonl").write_text("\n".join(lines))
    found = [answer for _, answer in task.submitted(tmp_path / "out.jsonl", examples)]
    assert [final(task, one, answer)["label"] for one, answer in zip(examples, found[:3], strict=False)] == [
        "",
        "yes",
        "no",
    ]
    assert "output is 7, expected a text" in found[3].reason
    wanted = [one.target for one in examples]
    figures = task.official_of(tmp_path / "out.jsonl", examples)
    assert figures["accuracy"] == sum(a == b for a, b in zip(wanted, ["yes", "yes", "no", ""], strict=True)) / 4
    assert figures["unparsed"] == 1
    (tmp_path / "labels.json").write_text(json.dumps({one.id: "no" for one in examples}))
    assert task.official_of(tmp_path / "labels.json", examples)["mcc"] == 0.0
