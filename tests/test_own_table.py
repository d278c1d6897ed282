"""Tables against leaks, the files that the package carries, and a table task of one's own by one file through `bench run`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_data import built, reference_data
from test_table_tasks import CARD, loans

from bench.cli import main
from bench.config import compose as conf
from bench.config.build import build
from bench.errors import BenchError
from bench.models.base import Device
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.scoring.measure import score
from bench.text.rows import rows
from bench.types import Prediction

CPU = Device("cpu", "float32", 1)
ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    (str(i), str(20 + 7 * i % 45), str(900 + 37 * (i * 53 % 101)), "RO"[i % 2], "PPPL"[i * 13 % 4]) for i in range(200)
]


def table(**more: list[str]) -> str:
    """A CSV of loans, with further columns."""
    lines = [",".join(("customer", "age", "income", "home", *more, "defaulted"))]
    for i, (*row, state) in enumerate(ROWS):
        lines.append(",".join((*row, *(values[i] for values in more.values()), {"P": "no", "L": "yes"}[state])))
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["claims_travel", "fraud_card", "credit_german", "credit_australian"])
def test_no_row_that_is_like_an_evaluated_one_is_learnt_from(name: str) -> None:
    task = built(name, reference_data())
    assert task.training()
    assert not {one.cluster for one in task.examples()} & {one.cluster for one in task.training()}


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (["ab"[row[-1] == "L"] for row in ROWS], True),
        ([str(i + 1000 * (row[-1] == "L")) for i, row in enumerate(ROWS)], True),
        (["" if row[-1] == "P" else str(i) for i, row in enumerate(ROWS)], True),  # what was recovered, after the event
        (["" if row[-1] == "P" else f"2024-01-{i % 28 + 1}" for i, row in enumerate(ROWS)], True),
        (
            ["0" if row[-1] == "P" else str((i + 1) * (-1) ** i) for i, row in enumerate(ROWS)],
            True,
        ),  # around the others
        ([f"{row[-1]}{i % 40}" for i, row in enumerate(ROWS)], True),  # codes of few rows each
        (["" if i % 3 else str(i) for i in range(200)], False),
        ([str(i) for i in range(200)], False),
        (["ab"[i % 2] for i in range(200)], False),
        ([f"name {i}" for i in range(200)], False),
    ],
)
def test_a_column_that_alone_tells_the_label_is_a_problem(after: list[str], found: bool, tmp_path: Path) -> None:
    said = [line for line in loans(tmp_path, table(after=after), drop=["customer"]).problems() if "alone tells" in line]
    assert [("'after'" in line) for line in said] == [True] * found


def test_the_label_is_in_no_request_and_the_order_does_not_tell_it(tmp_path: Path) -> None:
    rows = "age,defaulted\n" + "".join(f"{20 + i},{'yes' if i < 50 else 'no'}\n" for i in range(100))
    task = loans(tmp_path, rows, columns={"age": {}, "defaulted": {}})
    examples = task.examples()
    assert [one.name for one in task.request(examples[0]).parts[-1].columns] == ["age"]
    targets = [one.target for one in examples]
    assert targets not in (sorted(targets), sorted(targets, reverse=True))


@pytest.mark.slow
def test_a_table_of_ones_own_is_a_task_by_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = {
        "name": "loans", "version": 1, "card": {**CARD, "n_examples": 40}, "labels": ["no", "yes"], "label": "defaulted",
        "drop": ["customer"], "favourable": "no", "groups": {"age": {"column": "age", "bands": [30]}},
    }  # fmt: skip
    data = {
        "_target_": "bench.data.source.DataSource",
        "local": "loans.csv",
        "data_dir": "${data_dir}",
        "path": "${data.path}",
    }
    told = "# Loans of our own\n" + yaml.safe_dump({"_target_": "tasks.table.TableTask", "about": about, "data": data})
    for name, text in (("conf/task/loans.yaml", told), ("data/loans.csv", table())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CONF", "conf")
    monkeypatch.setenv("BENCH_DATA", "data")
    monkeypatch.setenv("BENCH_RUNS", str(tmp_path / "runs"))
    assert main(["run", "task=loans", "model=majority"]) == 0
    records = [json.loads(path.read_text()) for path in (tmp_path / "runs").rglob("run.json")]
    assert "selection_rate_difference_age" in json.dumps(records)


def test_the_wheel_has_the_data_that_the_package_carries_each_with_its_licence() -> None:
    import tomllib

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "tasks" in wheel["packages"]
    assert "exclude" not in wheel
    for folder in (ROOT / "tasks" / "data").iterdir():
        assert (folder / "LICENCE.txt").exists() or {one.name for one in folder.iterdir()} <= {
            "README.txt",
            "order.json",
        }


@pytest.mark.parametrize(
    ("about", "line"),
    [
        ({"labels": [False, True]}, "task.about.labels: found false, which YAML makes of .*; put the word in quotes"),
        ({"positive": True}, "task.about.positive: found true"),
        ({"delimiter": "||"}, r"task.about.delimiter: found '\|\|', expected one sign"),
        (
            {"labels": ["no", "yes", "late"], "more": ["lift"]},
            "task.about.more: 'lift' needs two labels, found 3; leave it out",
        ),
        ({"drop": ["defaulted"]}, "task.about.drop: 'defaulted' is the column of the labels; leave it out there"),
        ({"delimiter": ""}, "task.about.delimiter: found '', expected one sign"),
    ],
)
def test_what_yaml_takes_for_something_else_is_one_line(about: dict[str, object], line: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=line):
        loans(tmp_path, table(), **about)


def test_labels_of_digits_need_no_quotes_wherever_they_stand(tmp_path: Path) -> None:
    text = table().replace("yes", "1").replace("no\n", "0\n").replace(",no", ",0")
    groups = {"home": {"column": "age", "of": {20 + i: "young" if i < 20 else "old" for i in range(45)}}}
    task = loans(tmp_path, text, labels=[0, 1], positive=1, favourable=0, groups=groups)
    assert {one.target["label"] for one in task.examples()} == {"0", "1"}
    assert [line for line in task.problems() if "examples, where" not in line] == []


def test_yes_and_no_that_yaml_took_for_true_and_false_are_told_where_a_code_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match=r"defaulted is 'no', expected one of true, false; put yes, no, on and off in quotes"
    ):
        loans(tmp_path, table(), label={"column": "defaulted", "codes": {True: "yes", False: "no"}}).examples()


@pytest.mark.parametrize(
    ("odd", "shown"), [("n/a?", "'n/a?'"), ("1,5x", None), ("-", "'-'"), ("None", "'None'")]
)  # fmt: skip
def test_numbers_that_a_few_values_make_categories_are_a_problem(odd: str, shown: str | None, tmp_path: Path) -> None:
    values = [odd if i == 7 else str(i) for i in range(200)]
    said = [
        line for line in loans(tmp_path, table(extra=[f'"{one}"' for one in values])).problems() if "categories" in line
    ]
    assert len(said) == 1
    assert "'extra' is taken for categories: 1 of 200 values" in said[0]
    assert shown is None or shown in said[0]


@pytest.mark.parametrize("form", ["{:,.2f}", "{}%", "$ {}", "€{}"])
def test_numbers_with_marks_are_a_problem_and_dates_and_names_are_none(form: str, tmp_path: Path) -> None:
    values = [f'"{form.format(1000 + i)}"' for i in range(200)]
    others = {"day": [f"{i % 28 + 1}.5.2024" for i in range(200)], "name": [f"A{i}" for i in range(200)]}
    said = [line for line in loans(tmp_path, table(extra=values, **others)).problems() if "categories" in line]
    assert [("'extra'" in line) for line in said] == [True]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["logistic", "boosting"])
def test_a_column_that_is_empty_and_one_of_huge_numbers_are_learnt_with(model: str, tmp_path: Path) -> None:
    sizes = [("1e308", "-1e308", "5")[i % 3] for i in range(200)]
    task = loans(tmp_path, table(empty=[""] * 200, huge=sizes), columns=None)
    run, folder = evaluate(
        task, build(conf.choice("model", model), "model"), model, CPU, Settings(runs_dir=tmp_path / "runs", resamples=0)
    )
    assert run.scores[0].n_failed == 0
    assert len(list(folder.predictions())) == 40


def test_people_whose_group_is_not_known_are_evaluated_and_not_compared(tmp_path: Path) -> None:
    lines = table().replace("\n3,41,", "\n3,,").replace("\n8,31,", "\n8,?,")
    task = loans(tmp_path, lines, favourable="no", groups={"age": {"column": "age", "bands": [30]}})
    rows = [*task.examples(), *task.training()]
    assert len(rows) == 200
    assert "not known" in {one.target["groups"]["age"] for one in rows}


def test_of_one_group_there_is_no_difference_and_the_doctor_names_the_others(tmp_path: Path) -> None:
    task = loans(tmp_path, table(), favourable="no", groups={"age": {"column": "age", "bands": [90]}})
    said = [Prediction(one.id, label_scores={"no": 1.0, "yes": 0.0}) for one in task.examples()]
    found = {one.metric: one for one in score(task, task.examples(), said, resamples=0, seed=0)}
    for rate in ("selection_rate", "true_positive_rate", "false_positive_rate"):
        assert found[f"{rate}_difference_age"].value is None
        assert "a difference takes two groups" in json.dumps(vars(found[f"{rate}_difference_age"]), default=str)
    assert any("no row to evaluate is in the group 'above 90' of age" in line for line in task.problems())


@pytest.mark.parametrize("given", ["\t", "\\t", "tab"])
def test_a_tab_is_a_delimiter_however_yaml_has_it(given: str, tmp_path: Path) -> None:
    assert len(loans(tmp_path, table().replace(",", "\t"), delimiter=given).examples()) == 40


def told(task: Any) -> list[str]:
    return [line for line in task.problems() if "examples, where" not in line]


def test_labels_that_one_side_lacks_are_problems(tmp_path: Path) -> None:
    assert told(loans(tmp_path, table(), labels=["no", "yes", "late"])) == ["no row has the label 'late'"]
    (last,) = [line for line in rows(table()) if line.startswith("199,")]
    rare = table().replace(last, last.rpartition(",")[0] + ",late")
    assert told(loans(tmp_path, rare, labels=["no", "yes", "late"])) == [
        "no row to learn from has the label 'late': all of them are among those to evaluate"
    ]
    alike = "age,defaulted\n" + "30,yes\n30,no\n" * 30
    assert "there are no rows to learn from" in told(loans(tmp_path, alike))[0]


def test_rows_that_are_in_the_training_file_too_are_counted(tmp_path: Path) -> None:
    lines = list(rows(table()))
    (tmp_path / "train.csv").write_text("\n".join(lines[:1] + lines[51:]))
    training = {"_target_": "bench.data.source.DataSource", "local": "train.csv", "data_dir": str(tmp_path)}
    task = loans(tmp_path, "\n".join(lines[:101]), training=training)
    assert (len(task.examples()), len(task.training())) == (100, 100)
    assert told(task) == [
        "50 of 100 rows to evaluate are in the training file too, whose rows like them are not learned from"
    ]
    gone = loans(tmp_path, table(), training=training | {"local": "nothere.csv"})
    assert "there are no rows to learn from" in told(gone)[0]


@pytest.mark.slow
def test_a_bundle_of_a_table_of_people_says_what_it_tells_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_RUNS", "runs")
    for task, told in (("credit_german", True), ("credit_australian", False)):
        assert main(["run", f"task={task}", "model=logistic", "limit=10", "tracking=none"]) == 0
        assert main(["submit", f"{task}/logistic", "-o", f"{task}.zip", "--submitter", "Ann Lee"]) == 0
        assert (
            "tell of every row, by its id, what is right and the groups of the person" in capsys.readouterr().out
        ) is told


def test_a_file_with_another_delimiter_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match=r"has no column 'defaulted' of labels; .*; name its delimiter in task.about.delimiter"
    ):
        loans(tmp_path, table().replace(",", ";")).examples()


@pytest.mark.slow
def test_a_run_s_own_journal_is_scored_again_where_papers_have_a_reading_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_RUNS", "runs")
    assert main(["run", "task=credit_german", "model=logistic", "limit=20", "tracking=none"]) == 0
    (journal,) = tmp_path.glob("runs/credit_german/logistic/*/predictions.jsonl")
    assert main(["score", "credit_german", str(journal), "--model", "mine", "limit=20"]) == 0
    assert "credit_german / mine: mcc" in capsys.readouterr().out


@pytest.mark.slow
def test_one_answer_that_was_touched_up_is_found_by_a_rerun_of_a_fitted_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_RUNS", "runs")
    run = ["run", "task=credit_australian", "model=logistic", "limit=30", "tracking=none"]
    assert main(run) == 0
    (folder,) = tmp_path.glob("runs/credit_australian/logistic/*")
    lines = [json.loads(line) for line in rows((folder / "predictions.jsonl").read_text()) if line]
    lines[3]["label_scores"] = dict(
        zip(lines[3]["label_scores"], reversed(lines[3]["label_scores"].values()), strict=True)
    )
    (folder / "predictions.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ledger = folder / "timings.jsonl"  # whose checks would tell that the answer is another one
    ledger.write_text(re.sub(r'"checks":\[[0-9,]*\],', "", ledger.read_text()))
    for name in ("run.json", "measurements.json"):
        (folder / name).unlink()
    assert main(run) == 0
    assert main(["submit", "credit_australian/logistic", "-o", "mine.zip", "--submitter", "Ann Lee"]) == 0
    assert main(["verify", "mine.zip", "--rerun", "30"]) != 0
    assert "at most 0 may differ" in capsys.readouterr().out
