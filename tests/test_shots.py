"""Few-shot prompts: drawn once by the seed, between the instruction and what is asked, as turns of user and reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from small_data import FILES, shipped, write

from bench.engine.shots import few_shot
from bench.errors import BenchError
from bench.models.base import Device
from bench.models.reference import Oracle
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.task import Task
from bench.types import Choose, Example, Generate, Prediction, Regress, Request, Text


class Sums(Task):
    """Sums, with an instruction, a worked example of its own and a begun reply where `begun` is set."""

    name, version, output = "sums", 1, Generate

    def __init__(self, begun: str = "", labels: bool = False, numbers: bool = False) -> None:
        self.begun, self.labels, self.numbers = begun, labels, numbers

    def examples(self) -> Sequence[Example]:
        return [Example(f"e{i}", {"question": f"{i} + 1?"}, str(i + 1), "c") for i in range(3)]

    def training(self) -> Sequence[Example]:
        return [Example(f"t{i}", {"question": f"{i} + 1?"}, str(i + 1), "c") for i in range(10, 20)]

    def request(self, example: Example) -> Request:
        own = (Text("0 + 0?"), Text(f"{self.begun}0", "assistant"))
        asked = (Text("A sum."), Text(example.inputs["question"]))
        begun = (Text(self.begun, "assistant"),) if self.begun else ()
        return Request(example.id, (Text("Add.", "system"), *own, *asked, *begun), Generate(8))

    def answer(self, prediction: Prediction) -> str:
        return prediction.text or ""

    def ideal(self, example: Example) -> Prediction:
        if self.numbers:
            return Prediction(example.id, values={"sum": float(example.target)})
        if self.labels:
            return Prediction(example.id, label_scores={"odd": 1.0, "even": 0.0, "small": 1.0})
        return Prediction(example.id, text=example.target)


def turns(request: Request) -> list[tuple[str, str]]:
    return [(part.role, part.text) for part in request.parts if isinstance(part, Text)]


def asked(task: Task, shots: int, seed: int = 0, at: int = 0) -> list[tuple[str, str]]:
    return turns(few_shot(task, shots, seed)(task.examples()[at]))


def test_without_shots_the_request_is_the_tasks_own() -> None:
    task = Sums()
    example = task.examples()[0]
    assert few_shot(task, 0, 0)(example) == task.request(example)


def test_worked_examples_stand_behind_the_instruction_and_before_what_is_asked() -> None:
    found = asked(Sums(), 2)
    assert found[:3] == [("system", "Add."), ("user", "0 + 0?"), ("assistant", "0")]
    assert found[-2:] == [("user", "A sum."), ("user", "0 + 1?")]
    worked = found[3:-2]
    assert [role for role, _ in worked] == ["user", "user", "assistant"] * 2
    for scene, question, reply in (worked[:3], worked[3:]):
        assert scene == ("user", "A sum.")
        assert int(question[1].split()[0]) + 1 == int(reply[1]) > 10  # a training example with its right reply


@pytest.mark.parametrize(("begun", "reply"), [("Sum: ", "Sum: {}"), ('Sum: "', 'Sum: "{}"')])
def test_a_reply_that_is_begun_is_begun_in_the_worked_examples_too(begun: str, reply: str) -> None:
    found = asked(Sums(begun), 1)
    assert found[-1] == ("assistant", begun)
    role, text = found[5]
    assert role == "assistant"
    assert text == reply.format(int(found[4][1].split()[0]) + 1)
    assert len(found) == 3 + 3 + 3


def test_all_requests_of_a_seed_begin_alike_and_another_seed_draws_others() -> None:
    first, second = asked(Sums(), 3, at=0), asked(Sums(), 3, at=1)
    assert first[:-1] == second[:-1]
    assert asked(Sums(), 3, seed=0) == first
    assert len({str(asked(Sums(), 3, seed=seed)) for seed in range(6)}) > 1


def test_no_worked_example_comes_twice() -> None:
    questions = [text for _, text in asked(Sums(), 10) if "+" in text][1:-1]
    assert len(questions) == len(set(questions)) == 10


def test_the_best_labels_are_the_reply_where_labels_are_chosen() -> None:
    assert asked(Sums(labels=True), 1)[5] == ("assistant", "odd, small")


def test_what_cannot_be_shown_or_is_not_there_is_one_line() -> None:
    with pytest.raises(
        BenchError, match=r"^shots=11: task 'sums' has 10 training examples here; use shots=0, or put its "
    ):
        few_shot(Sums(), 11, 0)
    with pytest.raises(BenchError, match=r"^task 'sums' is answered in numbers, .*; use shots=0$"):
        few_shot(Sums(numbers=True), 1, 0)


def test_a_label_task_shows_the_labels_as_it_asks_for_them(tmp_path: Path) -> None:
    task = shipped("banking77", write(tmp_path))
    example = task.examples()[0]
    request = few_shot(task, 2, 0)(example)
    assert isinstance(request.output, Choose)
    found = turns(request)
    assert [role for role, _ in found] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert {text for role, text in found if role == "assistant"} <= set(request.output.labels)
    assert {text for role, text in found[1:-1] if role == "user"} == {"Refund?", "My age?"}


def test_a_task_without_training_examples_refuses_shots(tmp_path: Path) -> None:
    for name in ("squad_v2", "phrasebank"):
        with pytest.raises(BenchError, match=rf"^shots=1: task '{name}' has 0 training examples here"):
            few_shot(shipped(name, write(tmp_path)), 1, 0)


def test_a_task_that_is_answered_in_numbers_refuses_shots(tmp_path: Path) -> None:
    files = {name.replace("Validation", "Train"): text for name, text in FILES.items() if "omg" in name}
    task = shipped("omg_emotion", write(write(tmp_path), files))
    assert task.output is Regress
    assert len(task.training()) == 4
    with pytest.raises(BenchError, match="answered in numbers"):
        few_shot(task, 1, 0)


@pytest.mark.slow
def test_shots_make_another_run(tmp_path: Path) -> None:
    task = shipped("banking77", write(tmp_path / "data"))
    nowhere = Device("cpu", "none", 1)
    ids = [
        evaluate(task, Oracle(), "oracle", nowhere, Settings(runs_dir=tmp_path / "runs", resamples=5, **more))[0].run_id
        for more in ({}, {"shots": 1}, {"shots": 2}, {"shots": 1})
    ]
    assert ids[1] == ids[3]
    assert len(set(ids)) == 3


@pytest.mark.slow
def test_too_many_shots_or_fewer_than_none_are_one_line_of_the_command(
    bench_main: Callable[..., Any], tmp_path: Path
) -> None:
    here = [
        "task=banking77",
        "model=oracle",
        f"data_dir='{write(tmp_path / 'data')}'",
        "tracking=none",
        "runs_dir=runs",
    ]
    for shots, text in (
        ("9", "shots=9: task 'banking77' has 2 training examples here"),
        ("-1", "shots=-1 must be at least 0"),
    ):
        code, out, err = bench_main("run", *here, f"shots={shots}")
        assert (code, out, len(err)) == (2, [], 1)
        assert text in err[0]


def test_squad_draws_from_its_training_file_beside_the_evaluated_one(tmp_path: Path) -> None:
    write(tmp_path, {"squad/dev-v1.1.json": FILES["squad/dev-v1.1.json"]})
    task = shipped("squad_v1", tmp_path)
    assert task.training() == ()
    write(tmp_path, {"squad/train-v1.1.json": FILES["squad/dev-v1.1.json"]})
    assert [example.id for example in task.training()] == [example.id for example in task.examples()]
    assert len(few_shot(task, 1, 0)(task.examples()[0]).parts) == len(task.request(task.examples()[0]).parts) + 2
