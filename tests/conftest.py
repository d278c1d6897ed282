"""Fixtures that several test files share: a small task, a small model, a package of stubs, and no network."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import ipaddress
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import composed_once
import pytest
from tiny import EchoModel, TinyTask

from bench.record import Run, Score
from bench.runs.settings import Settings
from bench.task import Task

_SETTINGS_OF_A_USER = (
    "BENCH_RUNS", "BENCH_DATA", "BENCH_PRIVATE", "BENCH_CONF", "BENCH_OFFLINE", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE",
    "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI",
)  # fmt: skip

collect_ignore = ["stand_ins"]  # packages that only their own tests may import

composed_once.install()  # before any module takes these functions by name


def pytest_configure(config: pytest.Config) -> None:
    """Compile each file once: for both workers, for the other part of the suite and for every command in a process of its own."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # A shell starts what is behind an & with Ctrl-C ignored: tests of it would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _share_the_cores()


def _share_the_cores() -> None:
    """Give each worker, and the commands it starts, cores of its own: two that both count on all take three times as long."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[int(worker.removeprefix("gw")) % len(cores) :: workers] or cores)


def pytest_collection(session: pytest.Session) -> None:
    """Have each worker begin with other modules: where none is compiled yet, it compiles its share and finds the rest."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    here = Path(__file__).parent
    if not worker or here not in {Path(one).resolve() for one in session.config.args}:
        return
    for path in sorted(here.glob("test_*.py"))[int(worker.removeprefix("gw")) % workers :: workers]:
        with suppress(Exception, pytest.skip.Exception):  # collecting says what is wrong with it
            importlib.import_module(path.stem)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Ten thousand tests and all modules of this process stay: no search for garbage need go through them each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Let go of a real model with its test: what holds itself in a ring waits for a search that hardly ever comes here.

    A search goes through all that was imported, for a third of a second, so that tests which took little memory have none.
    """
    global _resident
    yield
    if item.get_closest_marker("slow") and _resident_bytes() > _resident + 200_000_000:
        gc.collect()
        _resident = _resident_bytes()


_resident = 0  # bytes, at the last search for garbage


def _resident_bytes() -> int:
    """What this process holds of the memory; where no file says it, more each time."""
    try:
        return resource.getpagesize() * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return _resident + 200_000_001


def _refuse_far(address: Any) -> None:
    """Fail the test when an address leaves this machine; `pytest.fail` passes through every `except Exception`."""
    host = address[0] if isinstance(address, tuple) else ""  # a string is a Unix socket
    if host in ("", "localhost"):
        return
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    if not near:
        pytest.fail(f"a test opened a connection to {host}; tests may reach this machine only")


class _NearSocket(socket.socket):
    def connect(self, address: Any) -> None:
        _refuse_far(address)
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        _refuse_far(address)
        return super().connect_ex(address)


@pytest.fixture(autouse=True, scope="session")
def _no_far_sockets() -> Iterator[None]:
    """Connections of this process reach loopback only."""
    with pytest.MonkeyPatch.context() as patch:
        look_up = socket.getaddrinfo

        def near_only(host: Any, *more: Any, **options: Any) -> Any:
            _refuse_far((host.decode() if isinstance(host, bytes) else host or "",))
            return look_up(host, *more, **options)

        patch.setattr(socket, "socket", _NearSocket)
        patch.setattr(socket, "getaddrinfo", near_only)
        yield


@pytest.fixture(scope="session")
def _session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _clean_environment(_session_cache: Path) -> Iterator[None]:
    """No setting of the user's own, a cache of this session unless `BENCH_CACHE` names one, and no trace afterwards."""
    before = dict(os.environ)
    for name in _SETTINGS_OF_A_USER:
        os.environ.pop(name, None)
    os.environ.setdefault("BENCH_CACHE", str(_session_cache))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def tiny_task() -> Callable[..., Task]:
    """Makes a task of `n` examples, or one with these `ids`."""
    return TinyTask


@pytest.fixture(scope="session")
def echo_model() -> Callable[..., Any]:
    """Makes a model that names its place in the batch; `fails=[ids]`, `interrupt_at=call`."""
    return EchoModel


@pytest.fixture
def quick_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with a runs directory of their own, batches of three and few resamples."""

    def make(**changes: Any) -> Settings:
        return Settings(**{"runs_dir": tmp_path / "runs", "batch_size": 3, "resamples": 50} | changes)

    return make


@pytest.fixture(scope="session")
def run_record() -> Callable[..., Run]:
    """Makes a finished Run as read from a `run.json`; `value`, `kind` and the fields of Run can be set."""

    def make(
        model: str = "alpha", *, value: float = 0.5, kind: str = "cpu", dtype: str = "float32", **changes: Any
    ) -> Run:
        f1 = Score("f1", value, value - 0.1, value + 0.1, 100, 0, signature="squad-v1.1")
        exact = Score("exact_match", value / 2, None, None, 100, 0)
        timings = {
            "attempts": 1, "seconds": {"load": 1.5, "predict": 8.0, "score": 0.5, "total": 10.0}, "n": 100,
            "examples_per_second": 12.5, "tokens_per_second": None, "seconds_per_answer": 0.08,
        }  # fmt: skip
        fields = {
            "run_id": "0123456789ab", "task": "squad_v1", "task_version": 1, "model": model, "model_revision": "r1",
            "weights_sha256": "ab" * 32, "is_reference": False, "data_fingerprint": "d" * 64, "n_examples": 100,
            "limit": None, "seed": 0, "resamples": 2000, "scores": (f1, exact), "timings": timings,
            "environment": {
                "commit": "abc123", "python": "3.11.7", "cpu": "one", "packages": {"numpy": "2"}, "device": kind, "dtype": dtype,
            },
            "config": {"task": {"sources": ["file:x"]}, "model": {"chat": True}, "seed": 0},
            "created": "2026-01-02T03:04:05+00:00",
        }  # fmt: skip
        return Run(**fields | changes)

    return make


_STUBS = '''
"""A model and a task of somebody's own."""

import time

from bench.metrics.reading import EXACT_MATCH
from bench.models.base import Model
from bench.task import Task
from bench.types import Example, Generate, Prediction, Request, Text


class Stub(Model):
    """Sleeps, then answers with its place in the batch; `habit` is what is wrong with it."""

    outputs, revision, uses_device = (Generate,), "1", False

    def __init__(self, seconds: float = 0.0, load_seconds: float = 0.0, habit: str = "") -> None:
        self.seconds, self.load_seconds, self.habit = seconds, load_seconds, habit

    def load(self, device, *, seed):
        time.sleep(self.load_seconds)

    def predict(self, batch):
        time.sleep(self.seconds)
        found = [Prediction(r.id, text=f"{i} of {len(batch)} after {batch[0].id}") for i, r in enumerate(batch)]
        if self.habit == "reorders":
            found.reverse()
        if self.habit == "drops":
            found.pop()
        if self.habit == "repeats":
            found.append(found[-1])
        return found


class Words(Task):
    """Say the number of the question."""

    name, version, metrics, output = "words", 1, (EXACT_MATCH,), Generate

    def __init__(self, n: int = 12, repeat: bool = False) -> None:
        self.n, self.repeat = n, repeat

    def examples(self):
        numbers = [0 if self.repeat else i for i in range(self.n)]
        return [Example(f"w{i}", {"question": f"number {i}"}, [str(i)], cluster=f"c{i % 4}") for i in numbers]

    def request(self, example):
        return Request(example.id, (Text(example.inputs["question"]),), Generate(8))

    def answer(self, prediction):
        return prediction.text or ""

    def ideal(self, example):
        return Prediction(example.id, text=example.target[0])
'''


_STUB_MODEL = """
# Sleeps, then answers
_target_: bench_own_stubs.Stub
seconds: 0.0
load_seconds: 0.0
habit: ''
"""
_STUB_SUITE = """
# @package _global_
# One task that fits the stub, one that does not
suite:
  tasks: [words, finmm_emotion]
"""


@pytest.fixture(scope="session")
def _stub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    files = {
        "bench_own_stubs/__init__.py": _STUBS,
        "conf/model/stub.yaml": _STUB_MODEL,
        "conf/task/words.yaml": "# Numbers as words\n_target_: bench_own_stubs.Words\nn: 12\nrepeat: false\n",
        "conf/suite/pair.yaml": _STUB_SUITE,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    return folder


@pytest.fixture
def own_package(_stub_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of somebody's own, importable here and in subprocesses, with `BENCH_CONF` at its conf/.

    It has model=stub (seconds, load_seconds, habit: reorders, drops or repeats), task=words (n, repeat), suite=pair.
    """
    monkeypatch.setenv("BENCH_CONF", str(_stub_folder / "conf"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(_stub_folder), os.environ.get("PYTHONPATH")])))
    monkeypatch.syspath_prepend(str(_stub_folder))
    return _stub_folder


@pytest.fixture
def bench_main(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, list[str], list[str]]]]:
    """Runs `bench ARGUMENTS` in this process, in an empty folder: exit code, lines of stdout, lines of stderr."""
    from bench.cli import main

    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: str) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as end:  # argparse ends --help and --version so
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench_main: Callable[..., Any]) -> Any:
    """Files of this test's own, with `BENCH_CONF` at their conf/."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within a second must be seen
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "conf"))
    from tests.own_study import Study

    return Study(tmp_path, f"study_{tmp_path.name}".replace("-", "_"), bench_main)


@pytest.fixture(scope="session")
def script() -> Callable[[str], Any]:
    """Loads a file of scripts/ as a module, which it is not otherwise."""

    def load(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "scripts" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def as_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings are taken as their records say: a raw file of 10,570 answers for each would tell nothing new."""
    from bench.leaderboard import evidence

    monkeypatch.setattr(evidence, "_told", lambda folder, run, scenario, found: dict(found))
