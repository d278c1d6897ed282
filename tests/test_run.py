"""The loop: complete runs answer at once, interrupted ones go on as if nothing had happened."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.engine.asking import first_examples
from bench.engine.fitting import fits
from bench.errors import BenchError
from bench.models.base import Device
from bench.record import Run
from bench.run import evaluate
from bench.runs.attempt import Attempt
from bench.runs.folder import RunFolder
from bench.runs.heartbeat import ALIVE
from bench.runs.journal import JOURNAL, LEDGER
from bench.runs.settings import Settings
from bench.task import Task
from bench.types import Prediction, Regress, Request

CPU = Device("cpu", "float32", 1)
Make = Callable[..., Any]


def go(
    task: Task, model: Any, settings: Settings, *, name: str = "echo", device: Device = CPU
) -> tuple[Run, RunFolder]:
    return evaluate(task, model, name, device, settings)


def test_a_complete_run_answers_at_once(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    first, folder = go(tiny_task(), echo_model(), quick_settings())
    before = {path.name: path.stat().st_mtime_ns for path in folder.path.iterdir()}
    again = echo_model()
    second, same = go(tiny_task(), again, quick_settings())
    assert (second, same.path) == (first, folder.path)
    assert (again.calls, again.loads) == ([], 0)
    assert {path.name: path.stat().st_mtime_ns for path in folder.path.iterdir()} == before


def test_a_complete_run_loses_the_sign_of_life_of_who_was_killed_at_its_end_and_keeps_that_of_who_is_at_it(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    _, folder = go(tiny_task(), echo_model(), quick_settings())
    sign = folder.path / ALIVE
    sign.write_text("1 000000000001.0\n{}\n")
    with folder.locked():
        go(tiny_task(), echo_model(), quick_settings())
        assert sign.exists()
    go(tiny_task(), echo_model(), quick_settings())
    assert not sign.exists()


def test_what_a_model_computes_when_it_is_told_of_requests_is_time_of_their_answers(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    model, told = echo_model(), []

    def prepare(batch: Sequence[Request]) -> None:
        told.append(len(batch))
        time.sleep(0.02 * len(batch))

    model.prepare = prepare
    run, _ = go(tiny_task(), model, quick_settings())
    assert told == [3, 3, 3, 1]
    assert (
        run.timings["seconds"]["predict"] >= 0.1
    )  # of 0.2: what is told beside the answers before may take some of it


@pytest.mark.slow
def test_fresh_starts_anew_beside_the_old_run(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    _, old = go(tiny_task(), echo_model(), quick_settings())
    run, new = go(tiny_task(), echo_model(), quick_settings(fresh=True))
    assert new.path.name == f"{old.path.name}-2" == run.run_id
    assert (new.path / JOURNAL).read_bytes() == (old.path / JOURNAL).read_bytes()
    _, latest = go(tiny_task(), echo_model(), quick_settings())
    assert latest.path == new.path


@pytest.mark.slow
def test_whatever_can_change_a_prediction_gives_another_run(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    other_revision = echo_model()
    other_revision.revision = "2"
    other_weights = echo_model()
    other_weights.weights_sha256 = "ff"
    other_version = tiny_task()
    other_version.version = 2
    runs = [
        go(tiny_task(), echo_model(), quick_settings()),
        go(tiny_task(), echo_model(), quick_settings(seed=1)),
        go(tiny_task(), echo_model(), quick_settings(batch_size=4)),
        go(tiny_task(), echo_model(), quick_settings(limit=9)),
        go(tiny_task(), echo_model(), quick_settings(config={"model": {"chat": False}})),
        go(tiny_task(), echo_model(), quick_settings(), device=Device("cpu", "bfloat16", 1)),
        go(tiny_task(), echo_model(), quick_settings(), device=Device("cuda", "float32", 1)),
        go(tiny_task(), other_revision, quick_settings()),
        go(tiny_task(), other_weights, quick_settings()),
        go(other_version, echo_model(), quick_settings()),
        go(tiny_task(), echo_model(), quick_settings(), name="other"),
    ]
    assert len({run.run_id for run, _ in runs}) == len(runs)


@pytest.mark.slow
def test_what_cannot_change_a_prediction_finds_the_same_run(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    runs = [
        go(tiny_task(10), echo_model(), quick_settings()),
        go(tiny_task(10), echo_model(), quick_settings(limit=10)),
        go(tiny_task(10), echo_model(), quick_settings(limit=1000)),
        go(tiny_task(10), echo_model(), quick_settings(config={"tracking": {"enabled": True}})),
        go(tiny_task(10), echo_model(), quick_settings(), device=Device("cpu", "float32", 8)),
    ]
    assert len({run.run_id for run, _ in runs}) == 1


@pytest.mark.slow
def test_other_resamples_give_another_interval_without_the_model(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    first, folder = go(tiny_task(30), echo_model(), quick_settings(resamples=50))
    before = (folder.path / JOURNAL).read_bytes()
    model = echo_model()
    run, again = go(tiny_task(30), model, quick_settings(resamples=60))
    assert (run.resamples, again.path) == (60, folder.path)
    assert {score.note.partition(": ")[0] for score in run.scores} <= {
        "exact",
        "bootstrap over 30 clusters, 60 resamples",
    }
    assert [score.value for score in run.scores] == [score.value for score in first.scores]
    assert (model.loads, model.calls, (folder.path / JOURNAL).read_bytes()) == (0, [], before)


def interrupted(tiny_task: Make, echo_model: Make, settings: Settings, *, at: int, n: int = 10) -> Path:
    """A run that Ctrl-C stopped in call number `at`: its folder."""
    with pytest.raises(KeyboardInterrupt):
        go(tiny_task(n), echo_model(interrupt_at=at), settings)
    (folder,) = settings.runs_dir.glob("tiny/echo/*")
    assert not RunFolder(folder).complete
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_an_interrupted_run_goes_on_to_the_same_predictions(
    tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make, at: int
) -> None:
    _, whole = go(tiny_task(), echo_model(), quick_settings(runs_dir=tmp_path / "whole"))
    interrupted(tiny_task, echo_model, quick_settings(), at=at)
    model = echo_model()
    run, folder = go(tiny_task(), model, quick_settings())
    assert (folder.path / JOURNAL).read_bytes() == (whole.path / JOURNAL).read_bytes()
    assert len(model.calls) == 4 - at  # ten examples in batches of three
    assert run.timings["attempts"] == 2
    predicted = [timing for timing in folder.timings() if timing.phase == "predict"]
    assert [timing.batch for timing in predicted] == [0, 3, 6, 9]
    assert sum(timing.n for timing in predicted) == run.timings["n"] == 10
    assert [timing.attempt for timing in predicted] == [1] * at + [2] * (4 - at)
    assert run.timings["seconds"]["total"] == pytest.approx(sum(timing.seconds for timing in folder.timings()))
    assert run.timings["prompt_tokens"] == 30
    assert run.timings["repeated_seconds"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
def test_the_same_scores_come_of_an_interrupted_run(
    tmp_path: Path, tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    whole, _ = go(tiny_task(), echo_model(), quick_settings(runs_dir=tmp_path / "whole"))
    interrupted(tiny_task, echo_model, quick_settings(), at=2)
    run, _ = go(tiny_task(), echo_model(), quick_settings())
    assert (run.scores, run.run_id, run.data_fingerprint) == (whole.scores, whole.run_id, whole.data_fingerprint)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_journal_cut_anywhere_is_completed_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, tiny_task: Make, echo_model: Make, data: st.DataObject
) -> None:
    there = Settings(runs_dir=tmp_path_factory.mktemp("runs"), batch_size=3, resamples=10)
    _, whole = go(tiny_task(), echo_model(), there)
    journal, ledger = ((whole.path / name).read_bytes() for name in (JOURNAL, LEDGER))
    (whole.path / "run.json").unlink()
    (whole.path / JOURNAL).write_bytes(journal[: data.draw(st.integers(0, len(journal)), label="journal bytes")])
    (whole.path / LEDGER).write_bytes(ledger + b'{"attempt":1'[: data.draw(st.integers(0, 12), label="ledger bytes")])
    run, again = go(tiny_task(), echo_model(), there)
    assert (again.path / JOURNAL).read_bytes() == journal
    assert run.timings["attempts"] == 2
    assert run.timings["n"] == 10
    assert run.timings["seconds"]["total"] == pytest.approx(sum(t.seconds for t in again.timings()))


def test_a_batch_that_a_crash_cut_off_is_counted_as_repeated(
    tiny_task: Make, echo_model: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = Attempt.keep, []

    def crash(self: Attempt, predictions: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError
        write(self, predictions)

    with monkeypatch.context() as patch:
        patch.setattr(Attempt, "keep", crash)
        with pytest.raises(MemoryError):
            go(tiny_task(), echo_model(), quick_settings())
    run, folder = go(tiny_task(), echo_model(), quick_settings())
    first, second = (t.seconds for t in folder.timings() if t.phase == "predict" and t.batch == 3)
    assert run.timings["repeated_seconds"] == pytest.approx(first)
    assert run.timings["n"] == 10
    assert second > 0


def test_a_run_whose_last_step_was_cut_off_loads_no_model(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    first, folder = go(tiny_task(), echo_model(), quick_settings())
    (folder.path / "run.json").unlink()
    model = echo_model()
    second, _ = go(tiny_task(), model, quick_settings())
    assert (model.loads, model.calls) == (0, [])
    assert second.scores == first.scores


def test_an_interruption_while_loading_reports_what_is_kept(
    tiny_task: Make, echo_model: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tiny_task, echo_model, quick_settings(), at=2)
    model, told = echo_model(), [(0, 0)]

    def load(device: Device, *, seed: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "load", load)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny_task(), model, "echo", CPU, quick_settings(), progress=lambda done, n: told.append((done, n)))
    assert told[-1] == (6, 10)


def test_progress_grows_to_the_number_of_examples(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    told: list[tuple[int, int]] = []
    evaluate(tiny_task(), echo_model(), "echo", CPU, quick_settings(), progress=lambda *state: told.append(state))
    assert told == sorted(told)
    assert set(told) == {(done, 10) for done in (0, 3, 6, 9, 10)}
    told.clear()
    evaluate(tiny_task(), echo_model(), "echo", CPU, quick_settings(), progress=lambda *state: told.append(state))
    assert told == [(10, 10)]


def test_a_repeated_id_is_refused(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    with pytest.raises(BenchError, match=r"^task 'tiny': example 3 repeats the id 'a'; .*correct the data file$"):
        go(tiny_task(ids=["a", "b", "a"]), echo_model(), quick_settings())


def test_a_repeated_id_behind_the_limit_does_not_matter(tiny_task: Make) -> None:
    assert len(first_examples(tiny_task(ids=["a", "b", "a"]), 2)) == 2


def test_an_empty_task_is_refused(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    with pytest.raises(BenchError, match=r"^task 'tiny' has no examples in its data; bring its data again$"):
        go(tiny_task(0), echo_model(), quick_settings())


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(tiny_task: Make, echo_model: Make, quick_settings: Make, limit: int) -> None:
    with pytest.raises(BenchError, match=rf"^limit={limit} must be at least 1, or null for all examples$"):
        go(tiny_task(), echo_model(), quick_settings(limit=limit))


def test_a_model_that_cannot_answer_is_refused_before_anything_is_loaded(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    numbers, pictures = echo_model(), tiny_task()
    numbers.outputs = (Regress,)
    pictures.parts = frozenset({"text", "image"})
    for task, model, takes in [
        (tiny_task(), numbers, "asks for text in, Generate out; model 'echo' takes text in, Regress out"),
        (pictures, echo_model(), "asks for image and text in, Generate out; model 'echo' takes text in, Generate out"),
    ]:
        assert not fits(task, model)
        with pytest.raises(BenchError) as caught:
            go(task, model, quick_settings())
        assert takes in str(caught.value)
        assert "\n" not in str(caught.value)
        assert (model.loads, model.calls) == (0, [])
    assert not quick_settings().runs_dir.exists()


def test_failed_examples_count_as_wrong_and_show_the_best_case(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    task = tiny_task(10)
    model = echo_model(fails=["t1", "t4"])
    said = model.predict

    def predict(batch: Sequence[Request]) -> list[Prediction]:
        names = [request.parts[-1].text.split()[-1] for request in batch]
        return [
            replace(p, text=f"word{name[1:]}") if name in ("t0", "t2", "t3") else p
            for p, name in zip(said(batch), names, strict=True)
        ]

    model.predict = predict
    run, folder = go(task, model, quick_settings())
    for score in run.scores:  # f1 and exact match alike: three right, two failed, five wrong
        assert (score.n, score.n_failed) == (10, 2)
        assert score.value == score.worst == pytest.approx(3 / 10)
        assert score.best == pytest.approx(5 / 10)
    errors = {p.id: p.error for p in folder.predictions() if p.error}
    assert errors == {"t1": "RuntimeError: no answer for ['t1']", "t4": "RuntimeError: no answer for ['t4']"}


def test_without_failures_there_is_no_best_case(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    run, _ = go(tiny_task(), echo_model(), quick_settings())
    assert [(score.n_failed, score.worst, score.best) for score in run.scores] == [(0, None, None)] * 2


def test_a_run_of_one_cluster_says_why_it_has_no_interval(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    run, _ = go(tiny_task(3), echo_model(), quick_settings())
    for score in run.scores:
        assert (score.low, score.high) == (None, None)
        assert score.note.startswith("no interval: clusters 1")


def test_the_record_states_what_was_run(tiny_task: Make, echo_model: Make, quick_settings: Make) -> None:
    run, folder = go(tiny_task(), echo_model(), quick_settings(limit=7, seed=3, config={"seed": 3}))
    assert (run.task, run.task_version, run.model, run.model_revision) == ("tiny", 1, "echo", "1")
    assert (run.n_examples, run.limit, run.seed, run.is_reference) == (7, 7, 3, False)
    assert (run.environment["device"], run.environment["dtype"], run.environment["threads"]) == ("cpu", "float32", 1)
    assert {"load", "predict", "score", "total"} == set(run.timings["seconds"])
    assert run.timings["peak_memory_bytes"] > 0
    assert json.loads((folder.path / "run.json").read_text())["config"] == {"seed": 3}
    assert (folder.path / "config.yaml").read_text() == "seed: 3\n"


@pytest.mark.slow
def test_cut_prompts_and_halvings_are_counted_once_however_often_the_run_stopped(
    tiny_task: Make, echo_model: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def predict(self: Any, batch: Sequence[Request]) -> list[Prediction]:
        if len(batch) > 2:
            raise MemoryError
        if self.interrupt_at == len(said):
            raise KeyboardInterrupt
        names = [request.parts[-1].text.split()[-1] for request in batch]
        said.extend(names)
        cut = {"t1": 5, "t4": 70}
        return [Prediction(r.id, text=n, truncated=cut.get(n, 0)) for r, n in zip(batch, names, strict=True)]

    monkeypatch.setattr(type(echo_model()), "predict", predict)
    run, folder = go(tiny_task(), echo_model(), quick_settings(batch_size=5))
    # Two batches of five: the first does not fit and is answered in 2, 2 and 1, and so is the other at once.
    assert [t.halvings for t in folder.timings() if t.phase == "predict"] == [1, 0, 0, 0, 0, 0]
    assert (run.timings["truncated"], run.timings["halvings"]) == (2, 1)
    said.clear()
    with pytest.raises(KeyboardInterrupt):  # within the second batch, of which nothing is kept
        go(tiny_task(), echo_model(interrupt_at=7), quick_settings(batch_size=5, fresh=True))
    assert len(said) == 7
    resumed, again = go(tiny_task(), echo_model(), quick_settings(batch_size=5))
    assert again.path != folder.path
    assert resumed.timings["attempts"] == 2
    assert resumed.timings["truncated"] == 2
    assert (again.path / JOURNAL).read_bytes() == (folder.path / JOURNAL).read_bytes()


@pytest.mark.slow
def test_a_setting_of_the_model_that_changes_no_answer_finds_the_same_run(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    def run_id(**config: Any) -> str:
        model = echo_model()
        model.incidental = frozenset({"limits", "key_env"})
        return go(tiny_task(), model, quick_settings(config={"model": config}))[0].run_id

    first = run_id(name="a", limits={"concurrency": 8}, key_env="KEY")
    assert run_id(name="a", limits={"concurrency": 1}, key_env="KEY") == first
    assert run_id(name="a", key_env="OTHER") == run_id(name="a") == first
    assert run_id(name="b", limits={"concurrency": 8}, key_env="KEY") != first


@pytest.mark.slow
def test_the_way_a_model_computed_is_recorded_and_stays_so(
    tiny_task: Make, echo_model: Make, quick_settings: Make
) -> None:
    model = echo_model()
    model.describe = lambda: {"engine": "tree", "passes": len(model.calls)}
    run, folder = go(tiny_task(), model, quick_settings())
    assert run.computed == {"engine": "tree", "passes": 4}
    assert json.loads((folder.path / "run.json").read_text())["computed"] == run.computed
    again, _ = go(tiny_task(), echo_model(), quick_settings(resamples=60))  # only scored: this model computed nothing
    assert again.computed == run.computed
