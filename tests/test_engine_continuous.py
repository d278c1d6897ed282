"""`model.engine=continuous`: the answers of the engine that computes units, also through the whole command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from small_text_models import answered
from test_causal import CONTEXT, ask, checkpoint, loaded, questions, same

from bench.engine import feed
from bench.errors import BenchError
from bench.types import Choose, Generate, Regress, Request, Text

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return checkpoint(tmp_path_factory.mktemp("continuous") / "llama")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with places for the prompts of a task."""
    folder = tmp_path_factory.mktemp("continuous") / "long"
    found = checkpoint(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 4096}))
    return found


@pytest.fixture(scope="module")
def units(source: str) -> Any:
    return loaded(source)


@pytest.fixture
def joining(source: str) -> Any:
    model = loaded(source, engine="continuous")
    model.expects(Generate)
    return model


def mixed() -> list[Request]:
    """Texts, labels, a place on a scale, and what there is no room for."""
    return [
        *questions(), ask("scale", "How good is it?", Regress(("good",), (0.0,), (1.0,))),
        ask("wrong", "Who?", Generate(CONTEXT + 10)), ask("one", "Who?", Generate(1)),
    ]  # fmt: skip


def alike(found: Any, expected: Any) -> None:
    """Equal, numbers to 1e-4."""
    same([one.but(values=None) for one in found], [one.but(values=None) for one in expected])
    for one, other in zip(found, expected, strict=True):
        assert one.values == (other.values and pytest.approx(dict(other.values), abs=1e-4))


def test_its_answers_are_those_of_units_batch_by_batch_with_the_next_one_begun(units: Any, joining: Any) -> None:
    asked = mixed()
    expected = answered(units, asked)
    alike(answered(joining, asked), expected)
    found = []
    for start in (0, 4, 8, 12):
        joining.prepare(asked[start + 4 : start + 8])
        found += answered(joining, asked[start : start + 4])
    alike(found, expected)


def test_texts_are_one_unit_and_may_be_asked_again_by_ones_where_labels_stay_in_units(
    source: str, joining: Any
) -> None:
    joining.unit_tokens = 1
    texts = [one for one in questions() if isinstance(one.output, Generate)]
    assert joining.units(texts) == [texts]
    assert joining.schedules_itself
    assert joining.takes_at_once
    labels = loaded(source, engine="continuous")
    labels.expects(Choose)
    labels.unit_tokens = 1
    assert not labels.schedules_itself
    assert len(labels.units([one for one in questions() if isinstance(one.output, Choose)])) > 1
    assert joining.describe()["decoding"] == labels.describe()["decoding"] == "prefix tree"  # no text was written
    answered(joining, texts[:1])
    assert joining.describe()["decoding"] == "prefix tree, continuous batching"


def test_what_is_submitted_is_answered_beside_the_rest(units: Any, joining: Any) -> None:
    asked = mixed()
    futures = [joining.submit(request) for request in asked]
    alike([one.result(60) for one in futures], answered(units, asked))


def test_a_batch_that_is_asked_while_it_is_told_of_is_begun_once(joining: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [one for one in questions() if isinstance(one.output, Generate)]
    tokenised: list[int] = []
    tokenise = joining._tokenised

    def slowly(batch: list[Request]) -> Any:
        tokenised.append(len(batch))
        time.sleep(0.1)
        return tokenise(batch)

    monkeypatch.setattr(joining, "_tokenised", slowly)
    telling = threading.Thread(target=joining.under_way.begin, args=(asked,))
    telling.start()
    answered(joining, asked)
    telling.join()
    assert tokenised == [len(asked)]


def test_who_listens_hears_each_token_once_and_nothing_is_begun_beforehand(joining: Any) -> None:
    asked = [one for one in questions() if isinstance(one.output, Generate)]
    heard: dict[str, int] = {}
    joining.hear(lambda name, n: heard.__setitem__(name, heard.get(name, 0) + n))
    joining.prepare(asked)
    time.sleep(0.05)
    assert heard == {}
    found = answered(joining, asked)
    joining.hear(None)
    assert all(heard[one.id] - one.new_tokens in (0, 1) for one in found)


def test_who_stops_reading_cancels_what_is_under_way(units: Any, joining: Any) -> None:
    asked = [ask(str(i), f"Who lent {i} what?", Generate(60)) for i in range(20)]
    joining.unit_tokens = 200
    slow = loaded(joining.source, engine="continuous")
    reading = slow.predict(asked)
    next(reading)
    reading.close()
    assert [*slow.under_way._begun._under_way] == []
    assert answered(slow, asked[:3]) == answered(units, asked[:3])


def test_memory_that_runs_out_costs_no_answer(units: Any, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(source, engine="continuous")
    forward = model.model.forward

    def full(*args: Any, **given: Any) -> Any:
        if given["input_ids"].numel() > 90:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate too much")
        return forward(*args, **given)

    monkeypatch.setattr(model.model, "forward", full)
    asked = [ask(str(i), f"Who lent {i} what to whom, and when?", Generate(6)) for i in range(24)]
    room = feed.Room()
    assert feed.answer(model, asked, "model", room) == answered(units, asked)
    assert room.halvings > 0


def test_beginnings_are_forgotten_when_a_timing_says_so(joining: Any) -> None:
    before = [Text("You read the news of a bank and say what it means. " * 2, "system")]
    asked = [ask(str(i), f"{i}?", Generate(3), before=before) for i in range(3)]
    answered(joining, asked)
    kept = joining.under_way._serving._kept
    assert kept.tokens > 64
    joining.forget()
    assert kept.tokens == 0


def test_a_model_that_reads_no_tree_is_refused_in_a_line(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "mistral", "Mistral", sliding_window=16)
    with pytest.raises(
        BenchError, match=r"model.engine=continuous cannot run it, since its layers are .*; leave it out"
    ):
        loaded(source, engine="continuous")


# -- the whole command -------------------------------------------------------------------------------------------------


def command(tmp_path: Path, source: str, runs: str, *more: str) -> list[str]:
    """`bench run` of a task whose replies are texts, with this checkpoint."""
    words = (
        f"run task=finmm_qa model=smollm2 model.source={source} model.sha256=null model.chat=false tracking=none device.kind=cpu "
        f"device.dtype=float32 device.threads=1 limit=48 max_new_tokens=12 runs_dir={tmp_path / runs}"
    )
    return [sys.executable, "-m", "bench.cli", *words.split(), *more]


def said(folder: Path) -> dict[str, tuple[Any, ...]]:
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().split("\n") if line]
    return {one["id"]: (one["text"], one["new_tokens"], one["finish"]) for one in lines}


def run_of(runs: Path) -> Path:
    (found,) = (path.parent for path in runs.rglob("config.yaml"))
    return found


def test_a_run_that_was_killed_goes_on_to_the_answers_of_the_engine_of_units(tmp_path: Path, long: str) -> None:
    plain = command(tmp_path, long, "units")
    joining = command(tmp_path, long, "joining", "++model.engine=continuous")
    subprocess.run(plain, check=True, capture_output=True)
    killed = 0
    for _ in range(2):
        going = subprocess.Popen(joining, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + 120
        before = sum(1 for path in (tmp_path / "joining").rglob("predictions.jsonl") for _ in path.open())
        while going.poll() is None and time.monotonic() < ends:
            there = sum(1 for path in (tmp_path / "joining").rglob("predictions.jsonl") for _ in path.open())
            if there > before + 5:
                os.kill(going.pid, signal.SIGKILL)
                break
            time.sleep(0.002)
        killed += going.wait() == -signal.SIGKILL
    subprocess.run(joining, check=True, capture_output=True)
    found = said(run_of(tmp_path / "joining"))
    assert len(found) == 48
    assert found == said(run_of(tmp_path / "units"))
    assert killed > 0


def test_a_server_scenario_submits_each_request_at_its_time(tmp_path: Path, long: str) -> None:
    done = subprocess.run(
        command(
            tmp_path, long, "server", "++model.engine=continuous", "timing.scenario=server", "timing.qps=20",
            "timing.min_count=30", "timing.min_seconds=1",
        ),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    record = json.loads((run_of(tmp_path / "server") / "run.json").read_text())
    (scenario,) = [one for name, one in record["scenarios"].items() if "server" in name]
    raw = tmp_path.rglob("scenarios/*.jsonl")
    assert json.loads(next(raw).read_text().split("\n")[0])["settings"]["at_once"] is True
    assert scenario["n"] >= 30


@pytest.mark.parametrize(("how", "code"), [("sys.exit(7)", 7), ("raise ValueError", 1)])
def test_a_program_that_ends_while_texts_are_under_way_is_not_aborted(
    tmp_path: Path, source: str, how: str, code: int
) -> None:
    words = f"""
import sys, threading
from test_causal import ask, loaded
from bench.types import Generate
model, begun = loaded({source!r}, engine="continuous"), threading.Event()
model.hear(lambda name, n: begun.set())
for i in range(300):
    model.submit(ask(str(i), f"Who lent {{i}} what to whom?", Generate(100)))
begun.wait()
{how}
"""
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert "terminate called" not in done.stderr
    assert done.returncode == code


def test_labels_are_not_said_to_be_read_by_continuous_batching(source: str) -> None:
    model = loaded(source, engine="continuous")
    answered(model, [one for one in questions() if isinstance(one.output, Choose)])
    assert model.describe()["decoding"] == "prefix tree"


def test_a_batch_that_is_told_of_while_all_is_given_up_breaks_nothing() -> None:
    from concurrent.futures import Future

    from bench.models.begun import Begun

    begun, cancelled = Begun(), list[int]()

    def over(i: int) -> None:
        cancelled.append(i)
        if len(cancelled) == 1:
            begun.add(ask("more", "?", Generate(1)), Future())

    for i in range(3):
        answer: Future[Any] = Future()
        answer.add_done_callback(lambda _, i=i: over(i))  # type: ignore[misc]
        begun.add(ask(str(i), "?", Generate(1)), answer)
    begun.let_go()
    assert sorted(cancelled) == [0, 1, 2]
    assert begun._under_way == {}


def test_texts_of_a_batch_are_written_by_who_waits_for_them_and_a_thread_begins_with_what_is_submitted(
    joining: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    forward = joining.model.forward

    def noted(*args: Any, **given: Any) -> Any:
        threads.add(threading.current_thread().name)
        return forward(*args, **given)

    monkeypatch.setattr(joining.model, "forward", noted)
    asked = [one for one in questions() if isinstance(one.output, Generate)]
    joining.prepare(asked[4:])  # which only waits for a step of whoever asks
    answered(joining, asked[:4])
    answered(joining, asked[4:])
    joining.forget()
    assert threads == {threading.current_thread().name}
    joining.submit(asked[0]).result(60)
    assert threads == {threading.current_thread().name, "batching"}


def test_ctrl_c_ends_a_batch_at_once_and_the_next_is_answered(units: Any, joining: Any) -> None:
    asked = [ask(str(i), f"Who lent {i} what?", Generate(60)) for i in range(6)]
    inner, calls = joining._is_over, []

    def interrupted(*given: Any) -> bool:
        calls.append(given)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return bool(inner(*given))

    joining._is_over = interrupted
    with pytest.raises(KeyboardInterrupt):
        answered(joining, asked)
    assert len(calls) == 9
    del joining._is_over
    assert answered(joining, asked) == answered(units, asked)
