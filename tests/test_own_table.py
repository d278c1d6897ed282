"""Tables against leaks, the files that the package carries, and a table task of one's own by one file through `bench run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from small_data import built, reference_data
from test_table_tasks import CARD, loans

from bench.cli import main

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
