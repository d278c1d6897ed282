"""A larger limit of new tokens asks again what a smaller one cut, and takes over what ended by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.types import Choose, Generate, Prediction, Request

CPU, HALF = Device("cpu", "float32", 1), Device("cpu", "bfloat16", 1)


class Limited(Model):
    """Says as many words as the question has, up to its limit; of its `context` it takes what prompt and reply need."""

    outputs, revision = (Generate,), "1"

    def __init__(self, *, context: int | None = None, says: str = "stop", truncated: int = 0) -> None:
        self.context, self.says, self.truncated = context, says, truncated
        self.asked: list[int] = []
        self.loads = 0

    def load(self, device: Device, *, seed: int) -> None:
        self.loads += 1

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return [self._said(request) for request in batch]

    def _said(self, request: Request) -> Prediction:
        assert isinstance(request.output, Generate)
        words = request.parts[-1].text.split()  # type: ignore[union-attr]
        limit = request.output.max_new_tokens
        self.asked.append(limit)
        n = len(words) + 1
        said = " ".join(str(i) for i in range(min(n, limit)))
        return Prediction(
            request.id, text=said, finish=self.says if n < limit else "length", new_tokens=min(n, limit), prompt_tokens=10,
            truncated=self.truncated,
        )  # fmt: skip


@pytest.fixture
def runs(tiny_task: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Runs `model` with this limit: the run, its folder, what was said, and the limits of what was asked."""

    def run(limit: int | None, model: Limited | None = None, device: Device = CPU, n: int = 10, **more: Any) -> Any:
        model = model or Limited()
        model.asked = []
        said: list[str] = []
        settings = Settings(runs_dir=tmp_path, resamples=10, batch_size=4, max_new_tokens=limit, **more)
        found, folder = evaluate(tiny_task(n), model, "limited", device, settings, say=said.append)
        return found, folder, [line for line in said if line.startswith("max_new_tokens")], model.asked

    return run


# The questions have 2, 4, 1, 3, 5, … words more or less: with a limit of 5, those of 4 and more are cut, or may have been.


@pytest.mark.slow
def test_only_what_was_cut_is_asked_again_and_the_answers_are_those_of_a_fresh_run(runs: Callable[..., Any]) -> None:
    first, there, said, _ = runs(5)
    assert said == []
    ended = {one.id for one in there.predictions() if one.finish == "stop" and one.new_tokens < 4}
    cut = {one.id for one in there.predictions() if one.finish == "length"}
    assert ended
    assert cut
    second, folder, said, asked = runs(64)
    assert second.run_id != first.run_id
    assert second.reused == {first.run_id: len(ended)}
    assert {one.id for one in folder.predictions() if one.reused} == ended
    assert asked == [64] * (10 - len(ended))
    assert said == [
        f"max_new_tokens: {len(ended)} of 10 answers ended by themselves at a smaller limit and are taken from {first.run_id}; "
        f"{10 - len(ended)} are asked"
    ]
    fresh, other, said, asked = runs(64, fresh=True)
    assert (fresh.reused, said, asked) == ({}, [], [64] * 10)
    answers = [[replace(one, reused="") for one in place.predictions()] for place in (folder, other)]
    assert answers[0] == answers[1]
    assert fresh.scores == second.scores
    assert runs(64)[2:] == ([], [])  # complete: nothing is asked


@pytest.mark.slow
def test_the_task_s_own_limit_is_one_among_others(runs: Callable[..., Any]) -> None:
    first, *_ = runs(None)  # 8
    second, _, _, asked = runs(30)
    assert sum(second.reused.values()) == 10 - len(asked)
    assert set(second.reused) == {first.run_id}
    assert asked


@pytest.mark.slow
def test_a_smaller_limit_asks_all_again(runs: Callable[..., Any]) -> None:
    runs(64)
    found, _, said, asked = runs(5)
    assert (found.reused, said, asked) == ({}, [], [5] * 10)


@pytest.mark.slow
def test_of_several_runs_each_gives_what_ended_in_it_and_says_whose_answer_it_was(runs: Callable[..., Any]) -> None:
    first, *_ = runs(5)
    second, *_ = runs(7)
    third, _, _, asked = runs(64)
    assert set(third.reused) == {first.run_id, second.run_id}
    assert sum(third.reused.values()) + len(asked) == 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "device", "why"),
    [
        ({}, HALF, "in bfloat16 an answer may depend on the others in its batch"),
        ({"says": "none"}, CPU, "none is known to have ended by itself"),
        ({"context": 12}, CPU, "none is known to have ended by itself"),  # 10 and 64 are more
        ({"truncated": 3}, CPU, "none is known to have ended by itself"),
    ],
)
def test_where_a_limit_may_change_an_answer_all_are_asked_and_a_line_says_why(
    runs: Callable[..., Any], changes: dict[str, Any], device: Device, why: str
) -> None:
    first, *_ = runs(5, Limited(**changes), device)
    found, _, (line,), asked = runs(64, Limited(**changes), device)
    assert (found.reused, asked) == ({}, [64] * 10)
    assert line.startswith("max_new_tokens: all 10 are asked")
    assert first.run_id in line
    assert why in line


@pytest.mark.slow
def test_a_model_that_answers_alone_by_its_own_word_is_asked_only_the_cut_ones_in_any_precision(
    runs: Callable[..., Any],
) -> None:
    model = Limited()
    model.answers_alone = True
    first, *_ = runs(5, model, HALF)
    assert set(runs(64, model, HALF)[0].reused) == {first.run_id}


def test_what_only_its_user_has_may_change_its_words_with_its_limit(runs: Callable[..., Any]) -> None:
    model = Limited()
    model.bound_to = "a function of its user's own"
    runs(5, model)
    found, _, (line,), _ = runs(64, model)
    assert found.reused == {}
    assert "model.alone=true says not" in line


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["edited", "incomplete", "other versions"])
def test_a_run_that_was_altered_or_cut_off_gives_nothing(runs: Callable[..., Any], fault: str) -> None:
    first, folder, *_ = runs(5)
    journal = folder.path / "predictions.jsonl"
    if fault == "edited":
        journal.write_text(journal.read_text().replace('"text": "0', '"text": "7'))
    elif fault == "incomplete":
        (folder.path / "run.json").unlink()
    else:
        identity = json.loads((folder.path / "identity.json").read_text())
        identity["libraries"][0]["numpy"] = "0.1"
        (folder.path / "identity.json").write_text(json.dumps(identity))
    found, _, (line,), asked = runs(64)
    assert (found.reused, asked) == ({}, [64] * 10)
    assert line.startswith(f"max_new_tokens: all 10 are asked, also what a smaller limit did not cut: {first.run_id} ")


@pytest.mark.slow
def test_a_run_that_was_begun_with_answers_of_another_goes_on(runs: Callable[..., Any]) -> None:
    first, *_ = runs(5)

    class Broken(Limited):
        def predict(self, batch: Sequence[Request]) -> list[Prediction]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs(64, Broken())
    found, _, _, asked = runs(64)
    assert set(found.reused) <= {first.run_id}
    assert sum(found.reused.values()) + len(asked) == 10


def test_a_choice_has_no_limit(tiny_task: Callable[..., Any], tmp_path: Path) -> None:
    from bench.engine.asking import asking

    class Choosing(type(tiny_task())):  # type: ignore[misc]
        output = Choose

        def request(self, example: Any) -> Request:
            return replace(super().request(example), output=Choose(("a", "b")))

    task = Choosing()
    assert asking(task, None, 0, 0, 5).asked.digest == asking(task, None, 0, 0).asked.digest


@pytest.mark.slow
@pytest.mark.parametrize(("value", "bound"), [("0", "least 1"), ("-3", "least 1"), ("9" * 20, "most 1000000000")])
def test_a_limit_that_no_answer_may_have_is_one_line(bench_main: Any, value: str, bound: str) -> None:
    code, _, err = bench_main("run", "task=finmm_qa", "model=lexical", f"max_new_tokens={value}")
    assert (code, err) == (2, [f"bench: max_new_tokens={value} must be at {bound}"])


def test_a_record_with_a_limit_that_is_none_is_refused() -> None:
    from bench.engine.asking import most_tokens

    assert (most_tokens({}), most_tokens({"max_new_tokens": 9})) == (None, 9)
    for value in (0, -1, True, "9", 10**30, 1.5):
        with pytest.raises(BenchError, match="its max_new_tokens is"):
            most_tokens({"max_new_tokens": value})


@pytest.mark.slow
def test_the_command_asks_again_what_was_cut_and_its_bundle_holds(study: Any, tmp_path: Path) -> None:
    study.edit("NAME/models.py", "Prediction(r.id, text=self.said(r))", "self.cut(r)")
    study.edit("NAME/models.py", "    def said(", (
        "    answers_alone = True\n\n"
        "    def cut(self, r):\n"
        "        text, most = self.said(r), r.output.max_new_tokens\n"
        "        return Prediction(r.id, text=text[:most], finish='length' if len(text) > most else 'stop', "
        "new_tokens=min(len(text), most))\n\n"
        "    def said("
    ))  # fmt: skip
    first = study.run("max_new_tokens=1")
    second = study.run("max_new_tokens=9")
    assert study.record(second)["reused"] == {first["run_id"]: 4}  # 0, 3, 6, 9 have one digit
    assert f"4 of 12 answers ended by themselves at a smaller limit and are taken from {first['run_id']}" in "".join(
        second["said"]
    )
    assert study.texts(second)["s11"] == "33"
    assert study.texts(first)["s11"] == "3"
    assert study.record(second)["config"]["max_new_tokens"] == 9
    assert study.bench("submit", second["run_dir"], "-o", "sums.zip", "--submitter", "Ann Lee")[0] == 0
    code, out, err = study.bench("verify", "sums.zip", "--rerun", "12")
    assert code == 0, (out, err)
    assert "12 of 12 answers equal" in "\n".join(out)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_a_real_writer_says_the_same_whether_it_was_cut_before_or_not(
    kind: str, tiny_task: Callable[..., Any], tmp_path: Path
) -> None:
    import small_text_models

    from bench.models.seq2seq import Seq2Seq

    source = getattr(small_text_models, kind)(tmp_path / kind)
    answers = []
    for runs_dir, limits in (("a", (6, 24)), ("b", (24,))):
        for limit in limits:
            settings = Settings(runs_dir=tmp_path / runs_dir, resamples=10, max_new_tokens=limit)
            run, folder = evaluate(tiny_task(10), Seq2Seq(source), kind, CPU, settings)
        answers.append([replace(one, reused="") for one in folder.predictions()])
        print(kind, runs_dir, run.reused, [one.finish for one in folder.predictions()])
    assert answers[0] == answers[1]
