"""`bench doctor`: what of the data is here, what is wrong with them, and what would bring them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_data import built, reference_data, shipped, write

from bench.artifacts import lock
from bench.commands.doctor import Finding, examine, machine, where

Main = Callable[..., tuple[int, list[str], list[str]]]


def test_a_folder_of_another_size_than_the_card_says_is_a_problem(tmp_path: Path) -> None:
    found = examine(shipped("squad_v1", write(tmp_path)))
    assert found == Finding(
        "squad_v1", str(tmp_path / "squad/dev-v1.1.json"), 4,
        ("4 examples, where the validation (dev-v1.1.json) has 10,570",),
    )  # fmt: skip


def test_data_that_are_whole_have_no_problem() -> None:
    found = examine(built("finmm_qa", Path("nowhere")))
    assert (found.n_examples, found.problems, found.obtain) == (242, (), "")
    assert found.where  # the package has its data: the card says so


def test_data_that_cannot_be_read_are_a_problem_that_names_the_place(tmp_path: Path) -> None:
    write(tmp_path, {"squad/dev-v1.1.json": '{"data": [{'})
    found = examine(built("squad_v1", tmp_path))
    (problem,) = found.problems
    assert problem.startswith(f"{tmp_path}/squad/dev-v1.1.json is not JSON: line 1 column ")
    assert found.n_examples == 0


def test_missing_pages_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    record = {"questionId": 1, "question": "Q?", "docId": 7, "answers": ["a"]}
    questions = [{**record, "questionId": i, "image": f"documents/p{i}.png"} for i in (1, 2, 3)]
    write(tmp_path, {"docvqa/val_v1.0_withQT.json": json.dumps({"data": questions}), "docvqa/images/p2.png": b"x"})
    found = examine(built("docvqa", tmp_path))
    assert found.problems[1] == "2 of 3 pages are not in images/, the first is documents/p1.png"
    assert "Robust Reading Competition" in found.obtain


def test_data_that_may_not_be_passed_on_say_how_to_get_them(tmp_path: Path) -> None:
    found = examine(built("omg_emotion", tmp_path))
    (problem,) = found.problems
    assert problem.startswith(f"{tmp_path}/omg_emotion does not exist; ask its organisers")
    assert found.where.startswith(f"{tmp_path}/omg_emotion is missing; ask its organisers")
    assert found.obtain


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("squad_v2", "{}/squad/dev-v2.0.json is missing; hub:rajpurkar/squad_v2"),
        ("ravdess", "{}/ravdess is missing; download Audio_Speech"),
    ],
)
def test_where_the_data_would_come_from_is_told(tmp_path: Path, name: str, expected: str) -> None:
    assert where(built(name, tmp_path)).startswith(expected.format(tmp_path))


def test_the_machine_is_described_with_its_folders_and_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert machine("data")["bench.lock"] == "none"
    assert machine("data")["data directory"] == f"{tmp_path}/data (missing)"
    (tmp_path / "data").mkdir()
    lock.pin("hub:a/b", revision="1")
    found = machine("data")
    assert found["bench.lock"] == "bench.lock: 1 sources pinned here"
    assert found["data directory"] == f"{tmp_path}/data"
    assert {"python", "processor", "cache", "java"} <= set(found)


@pytest.mark.slow
def test_the_command_exits_1_where_the_data_of_the_named_task_are_wrong(bench_main: Main, tmp_path: Path) -> None:
    data = write(tmp_path / "data")
    code, out, err = bench_main("doctor", "task=squad_v1", f"data_dir='{data}'")
    assert (code, err) == (1, [])
    assert out[0] == f"squad_v1: 4 examples; {data}/squad/dev-v1.1.json"
    assert out[1] == "  4 examples, where the validation (dev-v1.1.json) has 10,570"
    code, out, err = bench_main("doctor", "task=squad_v1", "data.path=no.json", "--json")
    found = json.loads(out[-1])
    assert (code, err, found["n_examples"]) == (1, [], 0)
    assert found["problems"] == [
        "data.path=no.json does not exist; give the file or folder that holds squad/dev-v1.1.json"
    ]


@pytest.mark.slow
def test_the_command_exits_0_and_says_ok_where_they_are_right(bench_main: Main) -> None:
    code, out, err = bench_main("doctor", "task=finmm_qa")
    assert (code, err) == (0, [])
    assert out[0].startswith("finmm_qa: 242 examples; ")
    assert [line.strip() for line in out[1:]] == ["ok"]


@pytest.mark.slow
def test_without_a_task_the_machine_and_every_task_are_told(
    bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.config import compose as conf

    shown = dict.fromkeys(("squad_v1", "omg_emotion", "finmm_qa", "chitchat"), "a task")
    data = write(tmp_path / "data")
    names = conf.names
    monkeypatch.setattr(conf, "names", lambda group: shown if group == "task" else names(group))
    code, out, err = bench_main("doctor", f"data_dir='{data}'", "--json")
    found = json.loads(out[-1])
    assert (code, err, set(found["tasks"])) == (0, [], set(shown))
    assert found["tasks"]["squad_v1"] == f"{data}/squad/dev-v1.1.json"
    out = bench_main("doctor", f"data_dir='{data}'")[1]
    assert out[0] == "this machine:"
    assert "tasks:" in out


@pytest.mark.slow
def test_doctor_says_how_well_a_metric_agrees_with_people(bench_main: Main, tmp_path: Path) -> None:
    assert examine(shipped("squad_v1", write(tmp_path))).agreement == ""
    place = reference_data() / "financebench"
    code, out, _ = bench_main("doctor", "task=financebench", f"data.path='{place}'")
    assert code == 0
    assert any("agreement with people: accuracy" in line for line in out)
