"""Answers from workers that pull units: the run of one process, whoever is lost; with workers of this process instead of Ray's."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tiny import EchoModel, TinyTask

from bench.errors import BenchError
from bench.ground import ground_of
from bench.launch.crew import Came, Cut, Event, Gone, Lost, Over, Parcel, Ready, Refused, Unpacked, Work, packed
from bench.launch.hand import Hand
from bench.launch.pooled import Pooled
from bench.launch.ray import work_of
from bench.launch.ray_settings import Share, Wanted, share
from bench.launch.settings import LaunchSettings
from bench.models.base import Device, Model
from bench.record import Run
from bench.run import evaluate
from bench.runs.folder import RunFolder
from bench.runs.ledger import readable
from bench.runs.settings import Settings
from bench.task import Task
from bench.timeline.attempts import attempts
from bench.types import Audio, Example, Generate, Prediction, Reply, Request, Text, Video

CPU, HALF = Device("cpu", "float32", 1), Device("cpu", "bfloat16", 1)
Make = Callable[..., Any]


@dataclass
class StandIn:
    """Workers in this process, whose events come in an order by chance.

    Which of them are lost before which group of which unit:
    `loses(worker, words of the unit, groups that came of it)`: "" for none, else why; "node …" takes the node with it.
    """

    n: int = 2
    loses: Callable[[int, list[str], int], str] = lambda worker, words, groups: ""
    seed: int = 0
    gone_after: int = 10**9  # events
    unloadable: int = 0  # workers that are lost before they are ready
    hands: dict[int, Hand] = field(default_factory=dict)
    asked: list[tuple[int, list[str]]] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    rests: int = 0

    def begin(self, work: Work) -> None:
        self.work, self.chance, self.n_events = work, random.Random(self.seed), 0
        self.streams: dict[int, deque[Iterator[Event]]] = {}
        for worker in range(1, self.n + 1):
            self.start(worker)

    def start(self, worker: int) -> None:
        def ready() -> Iterator[Event]:
            if self.unloadable:
                self.unloadable -= 1
                yield self._lost(worker, "it was too large")
                return
            self.hands[worker] = Hand(pickle.loads(pickle.dumps(self.work)))
            try:
                yield Ready(worker, replace(self.hands[worker].ready(), node=f"n{worker}"))
            except BenchError as error:
                yield Refused(worker, str(error))

        self.streams[worker] = deque([ready()])

    def cut(self, worker: int, ticket: int, parcel: Parcel) -> None:
        def found() -> Iterator[Event]:
            yield Cut(worker, ticket, self.hands[worker].cut(pickle.loads(pickle.dumps(parcel))))

        self.streams[worker].appendleft(found())

    def ask(self, worker: int, ticket: int, parcel: Parcel) -> None:
        self.parcels.append(parcel)
        words = [one.parts[-1].text.split()[-1] for one in parcel.requests]  # type: ignore[union-attr]
        self.asked.append((worker, words))

        def found() -> Iterator[Event]:
            hand, groups = self.hands[worker], 0
            try:
                for piece in hand.answer(pickle.loads(pickle.dumps(parcel))):
                    if why := self.loses(worker, words, groups):
                        yield self._lost(worker, why)
                        return
                    groups += 1
                    yield Came(worker, ticket, *piece)
                yield Over(worker, ticket, hand.held())
            except BenchError as error:
                yield Refused(worker, str(error), ticket)

        self.streams[worker].append(found())

    def _lost(self, worker: int, why: str) -> Lost:
        self.streams[worker] = deque()
        return Lost(worker, why, why.startswith("node"))

    def next(self) -> Event:
        self.n_events += 1
        if self.n_events > self.gone_after:
            return Gone("the Ray cluster has not answered for 30 s")
        while True:
            worker = self.chance.choice([number for number, some in self.streams.items() if some])
            event = next(self.streams[worker][0], None)
            if event is not None:
                return event
            self.streams[worker].popleft()

    def rest(self) -> None:
        self.rests += 1


def go(
    task: Task, make: Callable[[], Model], settings: Settings, crew: StandIn | None = None, *, device: Device = CPU,
    say: Callable[[str], None] = lambda line: None, but: Callable[[Work], Work] = lambda work: work,
) -> tuple[Run, RunFolder]:  # fmt: skip
    model = make()
    ground = ground_of(task, model, "echo", device, settings)
    source = None if crew is None else Pooled(crew, ground, but(work_of(ground, partial(make))), say)
    return evaluate(task, model, "echo", device, settings, ground=ground, say=say, answered_by=source)


def journal(folder: RunFolder) -> bytes:
    return (folder.path / "predictions.jsonl").read_bytes()


def n_failed(folder: RunFolder) -> int:
    return sum(one.error is not None for one in folder.predictions())


class Streams(EchoModel):
    """As EchoModel, an answer at a time."""

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:  # type: ignore[override]
        yield from super().predict(batch)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("device", [CPU, HALF], ids=["float32", "bfloat16"])
def test_the_run_of_workers_is_the_run_of_one_process(quick_settings: Make, device: Device, seed: int) -> None:
    _, whole = go(TinyTask(40), Streams, quick_settings(fresh=True), device=device)
    crew = StandIn(3, seed=seed)
    run, folder = go(TinyTask(40), Streams, quick_settings(fresh=True), crew, device=device)
    assert journal(folder) == journal(whole)
    assert (folder.path / "measurements.json").read_bytes() == (whole.path / "measurements.json").read_bytes()
    assert run.timings["parts"] == 3
    assert Counter(place for one in folder.timings() for place in one.places or ()) == Counter(range(40))
    assert crew.rests == 1
    assert {worker for worker, _ in crew.asked} == {1, 2, 3}


def test_the_id_of_the_run_says_nothing_of_who_answers(quick_settings: Make) -> None:
    _, whole = go(TinyTask(), EchoModel, quick_settings())
    crew = StandIn()
    _, folder = go(TinyTask(), EchoModel, quick_settings(), crew)
    assert folder.path == whole.path
    assert not crew.asked  # it was complete


def test_a_run_whose_answers_are_all_there_starts_nobody(quick_settings: Make) -> None:
    _, folder = go(TinyTask(), EchoModel, quick_settings())
    (folder.path / "run.json").unlink()
    crew = StandIn()
    go(TinyTask(), EchoModel, quick_settings(), crew)
    assert not crew.hands
    assert not crew.rests


@pytest.mark.slow
def test_the_times_are_of_all_workers_and_the_clock_is_of_the_longest(quick_settings: Make) -> None:
    run, folder = go(TinyTask(40), Streams, quick_settings(), StandIn(2))
    readings = folder.timings()
    of = {key: sum(one.seconds for one in readings if one.part == key) for key in {one.part for one in readings}}
    assert run.timings["seconds"]["total"] == pytest.approx(sum(of.values()))
    assert run.timings["wall_seconds"] == pytest.approx(of[None] + max(of[key] for key in of if key))
    known = json.loads((folder.path / "shards.json").read_text())
    assert {one["key"] for one in known} == {key for key in of if key}
    assert sum(one["n"] for one in known) == 40
    assert [one.title for one in attempts(readings)] == ["attempt 1", "attempt 1 (part 1/2)", "attempt 1 (part 2/2)"]
    assert not [note for one in attempts(readings) for note in one.notes]


@pytest.mark.slow
def test_what_a_lost_worker_had_is_asked_of_others_and_only_what_is_missing(quick_settings: Make) -> None:
    lost: list[int] = []

    def loses(worker: int, words: list[str], groups: int) -> str:
        if worker == 2 and groups == 1 and len(lost) < 2:
            lost.append(len(words) - 1)
            return "killed"
        return ""

    _, whole = go(TinyTask(40), Streams, quick_settings(fresh=True))
    crew = StandIn(2, loses)
    _, folder = go(TinyTask(40), Streams, quick_settings(fresh=True), crew)
    assert len(lost) == 2
    assert [one.id for one in folder.predictions()] == [one.id for one in whole.predictions()]
    assert Counter(place for one in folder.timings() for place in one.places or ()) == Counter(range(40))
    with_next = sum(len(words) for _, words in crew.asked) - 40 - sum(lost)  # the lost worker had those at hand, too
    assert 0 <= with_next <= 6


@pytest.mark.slow
def test_in_half_precision_a_unit_is_asked_again_as_a_whole_and_what_had_come_of_it_stays(quick_settings: Make) -> None:
    lost: list[list[str]] = []

    def loses(worker: int, words: list[str], groups: int) -> str:
        if groups == 2 and not lost:
            lost.append(words)
            return "killed"
        return ""

    _, whole = go(TinyTask(40), Streams, quick_settings(fresh=True), device=HALF)
    crew = StandIn(2, loses)
    run, folder = go(TinyTask(40), Streams, quick_settings(fresh=True), crew, device=HALF)
    assert journal(folder) == journal(whole)
    assert [words for _, words in crew.asked].count(lost[0]) == 2
    twice = Counter(place for one in folder.timings() for place in one.places or ())
    assert sorted(twice.values()) == [1] * 38 + [2, 2]
    assert run.timings["repeated_seconds"] > 0


@pytest.mark.slow
def test_a_request_that_ends_every_worker_is_asked_alone_and_then_its_own_error(quick_settings: Make) -> None:
    crew = StandIn(2, lambda worker, words, groups: "ended" if "t7" in words else "")
    _, folder = go(TinyTask(20), EchoModel, quick_settings(), crew)
    assert n_failed(folder) == 1
    (failed,) = [one for one in folder.predictions() if one.error is not None]
    assert (failed.id, failed.error) == (
        "t7", "WorkerLost: 3 processes in a row ended while they answered it alone",
    )  # fmt: skip
    assert [words for _, words in crew.asked].count(["t7"]) == 3


@pytest.mark.slow
def test_nodes_that_go_are_no_fault_of_a_request(quick_settings: Make) -> None:
    lost = iter(range(8))
    crew = StandIn(
        2, lambda worker, words, groups: "node died" if "t7" in words and next(lost, None) is not None else ""
    )
    _, folder = go(TinyTask(20), EchoModel, quick_settings(), crew)
    assert n_failed(folder) == 0


@pytest.mark.slow
def test_workers_that_end_while_they_load_end_the_run_with_one_line(quick_settings: Make) -> None:
    line = "3 workers in a row ended while they loaded model 'echo' \\(it was too large\\)"
    with pytest.raises(BenchError, match=line):
        go(TinyTask(), EchoModel, quick_settings(), StandIn(2, unloadable=3))
    _, folder = go(TinyTask(), EchoModel, quick_settings(), StandIn(2, unloadable=2))
    assert n_failed(folder) == 0


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 5, 9, 20])
def test_a_cluster_that_goes_away_costs_what_was_under_way(quick_settings: Make, after: int) -> None:
    _, whole = go(TinyTask(40), Streams, quick_settings(fresh=True), device=HALF)
    settings = quick_settings(runs_dir=quick_settings().runs_dir / "other")
    with pytest.raises(
        BenchError, match="not answered for 30 s; what was answered is kept, and the same command goes on"
    ):
        go(TinyTask(40), Streams, settings, StandIn(2, gone_after=after), device=HALF)
    (path,) = settings.runs_dir.glob("*/*/*")
    kept = (path / "predictions.jsonl").read_bytes().count(b"\n")
    assert kept == sum(one.n for one in RunFolder(path).timings() if one.phase == "predict")
    _, folder = go(TinyTask(40), Streams, settings, device=HALF)
    assert journal(folder) == journal(whole)


class Talk(TinyTask):
    """Dialogues whose turns see the model's own replies."""

    def examples(self) -> Sequence[Example]:
        return [Example(f"d{d}-{t}", {"d": d, "t": t}, ["x"], f"d{d}") for d in range(7) for t in range(1 + d % 4)]

    def request(self, example: Example) -> Request:
        d, t = example.inputs["d"], example.inputs["t"]
        parts: list[Any] = []
        for turn in range(t):
            parts += [Text(f"{d}.{turn}?"), Reply(of=f"d{d}-{turn}")]
        return Request(example.id, (*parts, Text(f"{d}.{t}?")), Generate(8))


class Hears(Model):
    """Says all that it was told."""

    outputs, revision = (Generate,), "1"

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return [Prediction(one.id, text="|".join(part.text for part in one.parts)) for one in batch]  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_conversation_is_asked_turn_by_turn_each_with_what_was_said(quick_settings: Make, seed: int) -> None:
    _, whole = go(Talk(), Hears, quick_settings(fresh=True))
    crew = StandIn(3, lambda worker, words, groups: "", seed)
    _, folder = go(Talk(), Hears, quick_settings(fresh=True), crew)
    assert journal(folder) == journal(whole)
    turns = [len(one.parts) for parcel in crew.parcels for one in parcel.requests]
    assert turns == sorted(turns)


class Pairs(EchoModel):
    """Cuts a batch in a way of its own, which only the loaded model knows."""

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        assert self.loads == 1
        return [list(batch[at : at + 2]) for at in range(0, len(batch), 2)]


@pytest.mark.slow
def test_units_are_those_of_the_loaded_model_which_only_workers_have(quick_settings: Make) -> None:
    _, whole = go(TinyTask(30), Pairs, quick_settings(fresh=True, batch_size=5), device=HALF)
    crew = StandIn(3)
    _, folder = go(TinyTask(30), Pairs, quick_settings(fresh=True, batch_size=5), crew, device=HALF)
    assert journal(folder) == journal(whole)
    assert max(len(words) for _, words in crew.asked) == 2


@pytest.mark.slow
def test_a_worker_that_is_lost_while_it_cuts_leaves_that_to_another(quick_settings: Make) -> None:
    class Loses(StandIn):
        cuts = 0

        def cut(self, worker: int, ticket: int, parcel: Parcel) -> None:
            self.cuts += 1
            if self.cuts % 2:
                self.streams[worker].appendleft(iter([Lost(worker, "killed")]))
                return
            super().cut(worker, ticket, parcel)

        def start(self, worker: int) -> None:
            super().start(worker)

    _, folder = go(TinyTask(30), Pairs, quick_settings(batch_size=5), Loses(2))
    assert n_failed(folder) == 0


class Loud(TinyTask):
    """Recordings whose names tell, and a film that cannot be shown."""

    def __init__(self, folder: Path) -> None:
        super().__init__(6)
        self.folder = folder

    def request(self, example: Example) -> Request:
        path = self.folder / f"secret-{example.id}.wav"
        path.write_bytes(b"RIFF" + example.id.encode() * 9)
        fault = "no picture" if example.id == "t3" else ""
        film = (Video(str(path), fault=fault),) if fault else (Audio(str(path)),)
        return Request(example.id, (*film, Text("say it")), Generate(8))


class Listens(Model):
    """Says the bytes that it heard."""

    outputs, revision, parts = (Generate,), "1", frozenset({"text", "audio", "video"})

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        for one in batch:
            if Path(one.parts[0].path).read_bytes().endswith(b"t5"):  # type: ignore[union-attr]
                raise RuntimeError(f"{one.id} hurts at {one.parts[0].path}")  # type: ignore[union-attr]
        return [Prediction(one.id, text=Path(one.parts[0].path).read_bytes().decode()) for one in batch]  # type: ignore[union-attr]


@pytest.mark.slow
def test_recordings_travel_as_bytes_under_names_that_tell_nothing(quick_settings: Make, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    task = Loud(tmp_path / "media")
    _, whole = go(task, Listens, quick_settings(fresh=True))
    crew = StandIn(2)
    _, folder = go(task, Listens, quick_settings(fresh=True), crew)
    assert journal(folder) == journal(whole)
    assert n_failed(folder) == 2
    errors = {one.id: one.error for one in folder.predictions() if one.error}
    assert errors == {
        "t3": "ValueError: no picture",
        "t5": f"RuntimeError: t5 hurts at {tmp_path / 'media' / 'secret-t5.wav'}",
    }
    sent = pickle.dumps([(parcel.requests, sorted(parcel.files)) for parcel in crew.parcels])
    assert b"secret" not in sent
    assert b"t1" not in sent


def test_a_parcel_leaves_no_file_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    unpacked = Unpacked()
    (request,) = unpacked(packed([Request("r", (Audio(str(path)), Text("?")), Generate(8))]))
    here = Path(request.parts[0].path)  # type: ignore[union-attr]
    assert (here.read_bytes(), here.stat().st_mtime) == (b"sound", 0)
    unpacked.drop()
    assert not here.exists()
    here.parent.rmdir()


@pytest.mark.parametrize("changed", ["weights_sha256", "revision", "code"])
def test_a_worker_with_another_model_than_the_runs_is_refused(quick_settings: Make, changed: str) -> None:
    def but(work: Work) -> Work:
        return replace(work, identity={**work.identity, changed: "other"})

    with pytest.raises(
        BenchError, match=f"its model 'echo' has another {changed} than the run's: .* where other is due"
    ):
        go(TinyTask(), EchoModel, quick_settings(), StandIn(), but=but)


@pytest.mark.slow
def test_other_libraries_of_a_worker_are_said_and_recorded_and_strict_refuses_them(quick_settings: Make) -> None:
    said: list[str] = []

    def but(work: Work) -> Work:
        return replace(work, libraries={**work.libraries, "torch": "0.1"})

    _, folder = go(TinyTask(), EchoModel, quick_settings(), StandIn(), but=but, say=said.append)
    (line,) = [one for one in said if "computes under" in one]
    assert "torch " in line
    assert line.endswith("(here 0.1)")
    assert len(folder.library_attempts()) == 1  # as it happens those that this process really has
    with pytest.raises(BenchError, match="--strict: computes under torch "):
        go(TinyTask(), EchoModel, quick_settings(strict=True, fresh=True), StandIn(), but=but)


@pytest.mark.slow
def test_what_workers_of_a_killed_attempt_took_is_lost_of_each(quick_settings: Make) -> None:
    settings = quick_settings()
    with pytest.raises(BenchError):
        go(TinyTask(40), Streams, settings, StandIn(2, gone_after=20))
    (path,) = settings.runs_dir.glob("*/*/*")
    (path / ".alive").write_text("1 0000000012.5\n")
    _, folder = go(TinyTask(40), Streams, settings)
    first = [one for one in readable(folder.path / "timings.jsonl")[0] if one.attempt == 1]
    workers = {one.part for one in first if one.part}
    assert len(workers) == 2
    for part in workers:
        assert sum(one.seconds for one in first if one.part == part) == pytest.approx(12.5, abs=0.1)


def test_workers_stay_for_another_task_of_the_same_model_alone(quick_settings: Make) -> None:
    def work(task: Task, **options: Any) -> Work:
        model = EchoModel(**options)
        return work_of(ground_of(task, model, "echo", CPU, quick_settings()), partial(EchoModel, **options))

    assert work(TinyTask(5)).is_as(work(TinyTask(9)))
    assert not work(TinyTask(5)).is_as(work(TinyTask(5), fails=["t1"]))


def test_a_fault_in_a_worker_is_a_fault(quick_settings: Make) -> None:
    from bench.launch.crew import Fault

    class Breaks(StandIn):
        def next(self) -> Event:
            event = super().next()
            return event if isinstance(event, Ready) else Fault(1, "Traceback: odd")

    with pytest.raises(RuntimeError, match="worker 1 failed:\nTraceback: odd"):
        go(TinyTask(), EchoModel, quick_settings(), Breaks())


@pytest.mark.parametrize(
    ("nodes", "wanted", "due"),
    [
        ([{"CPU": 8.0}], (None, 0, None, None), (4, 2, 0, 2)),
        ([{"CPU": 2.0}, {"CPU": 2.0}], (None, 0, None, None), (4, 1, 0, 1)),
        ([{"CPU": 16.0}, {"CPU": 1.0}], (2, 0, None, None), (2, 1, 0, 1)),
        ([{"CPU": 0.0}, {"CPU": 8.0}], (2, 0, None, 3), (2, 4, 0, 3)),  # a head that works at nothing
        ([{"CPU": 8.0}], (3, 0, 2, None), (3, 2, 0, 2)),
        ([{"CPU": 8.0, "GPU": 4.0}, {"CPU": 8.0, "GPU": 2.0}], (None, 1, None, None), (6, 1, 1, 0)),
        ([{"CPU": 8.0, "GPU": 4.0}], (None, 2, None, None), (2, 1, 2, 0)),
        ([{"CPU": 8.0, "GPU": 1.0}], (None, 0.5, None, None), (2, 1, 0.5, 0)),
    ],
)
def test_workers_share_the_cluster(
    nodes: list[dict[str, float]], wanted: tuple[Any, ...], due: tuple[Any, ...]
) -> None:
    found = share(nodes, Wanted(*wanted, most=100))
    assert isinstance(found, Share)
    assert (found.n, found.cpus, found.gpus, found.threads) == due


def test_more_workers_than_there_is_room_for_wait_and_there_are_never_more_than_examples() -> None:
    found = share([{"CPU": 2.0}], Wanted(5, 0, 1, None, 100))
    assert isinstance(found, Share)
    assert found.says == "2 of 5 workers have room on the cluster at once, the others wait"
    found = share([{"CPU": 64.0}], Wanted(5, 0, 1, None, 3))
    assert isinstance(found, Share)
    assert found.n == 3


def test_a_cluster_without_room_is_refused_with_what_it_has() -> None:
    assert share([{"CPU": 4.0}], Wanted(None, 1, None, None, 9)) == (
        "launch=ray: no node has 1 CPU and 1 GPU, which each worker takes (nodes: 4 CPUs 0 GPUs); see launch.ray.gpus, "
        "launch.ray.cpus and device.kind"
    )


def _of(**ray: Any) -> LaunchSettings | None:
    return LaunchSettings.of({"kind": "ray", "parts": None, "slurm": None, "ray": ray})


def test_the_cluster_is_the_one_given_else_that_of_the_environment_else_one_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert _of(address="127.0.0.1:1").ray.address == "127.0.0.1:1"  # type: ignore[union-attr]
    assert _of().ray.address == "10.0.0.1:6379"  # type: ignore[union-attr]
    assert _of(address="local").ray.address == ""  # type: ignore[union-attr]
    monkeypatch.delenv("RAY_ADDRESS")
    assert _of().ray.address == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("ray", "line"),
    [
        ({"address": "ray://10.0.0.1:10001"}, "is of Ray Client; give that of the cluster itself, HOST:PORT"),
        ({"cpus": 0}, "launch.ray.cpus=0 must be at least 1"),
        ({"gpus": -1}, "launch.ray.gpus=-1 must be at least 0"),
        ({"gpus": 1.5}, "launch.ray.gpus=1.5 must be a whole number, or a share of one GPU"),
    ],
)
def test_settings_that_are_none_are_refused(ray: dict[str, Any], line: str) -> None:
    with pytest.raises(BenchError, match=line):
        _of(**ray)


def _device_of(*words: str) -> Device | None:
    from bench.commands.shared.parts import elsewhere
    from bench.config import compose

    config, _ = compose.compose(["launch=ray", *words])
    return elsewhere(compose.plain(config))


@pytest.mark.slow
def test_the_gpus_of_a_cluster_need_not_be_here(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    far = ("launch.ray.address=10.0.0.1:6379", "device.kind=cuda")
    assert _device_of(*far, "device.dtype=bfloat16") == Device("cuda", "bfloat16", 1)
    assert (
        _device_of("device.kind=cuda", "device.dtype=bfloat16") is None
    )  # a cluster that is started here has what is here
    with pytest.raises(BenchError, match=r"say the device\.dtype, such as bfloat16"):
        _device_of(*far)
    for word in ("timing=offline", "audit=batch_invariance"):
        with pytest.raises(BenchError, match="is done by this process, which has no GPU"):
            _device_of(*far, "device.dtype=bfloat16", word)


def test_a_prediction_that_was_in_another_process_has_the_line_that_it_had() -> None:
    one = Prediction("a", text="x", span=(1, 2), label_scores=None, truncated=3)
    assert pickle.loads(pickle.dumps(one)) == one
    assert pickle.loads(pickle.dumps(one)).to_json() == one.to_json()
    failed = Prediction("a", error="no")
    assert pickle.loads(pickle.dumps(failed)).to_json() == failed.to_json()


@pytest.mark.slow
def test_a_process_that_launches_on_ray_imports_none_of_it() -> None:
    code = "import sys, bench.commands.run, bench.commands.shared.jobs, bench.run; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}).returncode == 0


class Knows(EchoModel):
    """A reference row: says the ideal answers that it was shown."""

    reads_targets, is_reference = True, True

    def reveal(self, ideal: Any) -> None:
        self.ideal = ideal

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return [self.ideal[one.id] for one in batch]


@pytest.mark.slow
def test_a_reference_row_is_shown_the_ideal_answers_by_the_names_that_workers_know(quick_settings: Make) -> None:
    _, whole = go(TinyTask(20), Knows, quick_settings(fresh=True))
    _, folder = go(TinyTask(20), Knows, quick_settings(fresh=True), StandIn(2))
    assert journal(folder) == journal(whole)
    assert b"word7" in journal(folder)
