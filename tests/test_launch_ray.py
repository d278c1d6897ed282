"""`launch=ray` with real Ray: whole commands, on a cluster of this machine and on one of two nodes, parts of which go away."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.machine import lives
from bench.runs.folder import RunFolder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: `pip install .[ray]`"),
]
Main = Callable[..., tuple[int, list[str], list[str]]]
WORDS = ("run", "task=words", "task.n=60", "model=stub", "model.seconds=0.5", "tracking=none", "batch_size=2")


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins a command as a process of its own, which is ended with the test."""
    under_way: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        under_way.append(
            subprocess.Popen(
                [sys.executable, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                stdin=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        return under_way[-1]

    yield begin
    for one in reversed(under_way):
        try:
            one.communicate(timeout=60)  # closes its stdin, which ends a cluster
        except subprocess.TimeoutExpired:
            one.kill()
            one.communicate()


@pytest.fixture
def cluster(begun: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster of two nodes on loopback, of one CPU each."""
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # else its nodes seek one another by another address
    # Not a minute, in which the processes of a cluster that is gone try again and again.
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
    return Cluster(begun(str(Path(__file__).with_name("ray_cluster.py"))))


class Cluster:
    """`address`, and orders that take nodes away."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.address = next(line.strip() for line in process.stdout if line.startswith("127.0.0.1:"))

    def lose(self, what: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert next(line for line in self.process.stdout if line == "done\n")


def _until(ready: Callable[[], bool], seconds: float = 180.0) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.05)


def _answers(folder: Path) -> int:
    found = [path.read_bytes().count(b"\n") for path in folder.glob("words/stub/*/predictions.jsonl")]
    return sum(found)


def _run(tmp_path: Path) -> Path:
    return next((tmp_path / "runs" / "words" / "stub").iterdir())


def _whole(bench_main: Main, tmp_path: Path) -> bytes:
    """The answers of one process; they do not depend on the time that each takes."""
    words = [word for word in WORDS if not word.startswith("model.seconds")]
    assert bench_main(*words, "runs_dir=whole")[0] == 0
    return next((tmp_path / "whole").glob("*/*/*/predictions.jsonl")).read_bytes()


def _workers(folder: Path) -> set[int]:
    text = (folder / "log.txt").read_text()
    return {int(line.split("process ")[1].split()[0]) for line in text.split("\n") if " is ready, process " in line}


def test_a_cluster_of_this_machine_answers_a_sweep_and_ends_with_it(own_package: Path, bench_main: Main) -> None:
    words = (
        "run",
        "-m",
        "task=words",
        "task.n=12,14",
        "model=stub",
        "model.seconds=0.5",
        "tracking=none",
        "batch_size=2",
    )
    code, out, err = bench_main(*words, "launch=ray", "launch.parts=2")
    assert code == 0, err
    assert sum("  answered in " in line for line in out) == 2
    folders = list(Path("runs/words/stub").iterdir())
    first, second = (_workers(folder) for folder in folders)
    assert first & second  # who answered the one answered the other, too
    _until(lambda: not any(map(lives, first | second)), 30)
    code, _, err = bench_main(*words, "launch=ray", "launch.parts=2")
    assert (code, err) == (0, [])
    assert bench_main(*words, "runs_dir=whole")[0] == 0
    for folder in folders:
        whole = Path("whole/words/stub") / folder.name / "predictions.jsonl"
        assert whole.read_bytes() == (folder / "predictions.jsonl").read_bytes()


def test_a_node_that_is_killed_in_the_middle_costs_what_it_had_under_way(
    own_package: Path, bench_main: Main, cluster: Cluster, begun: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    driver = begun("-m", "bench.cli", *WORDS, "launch=ray", f"launch.ray.address={cluster.address}")
    _until(lambda: _answers(tmp_path / "runs") >= 16)
    assert len(_workers(_run(tmp_path))) == 2
    cluster.lose("node")
    out, err = driver.communicate(timeout=300)
    assert driver.returncode == 0, err
    assert "answered in 2 parts" in out
    folder = _run(tmp_path)
    assert "is lost" in (folder / "log.txt").read_text()
    assert (folder / "predictions.jsonl").read_bytes() == _whole(bench_main, tmp_path)
    readings = RunFolder(folder).timings()
    assert Counter(place for one in readings for place in one.places or ()) == Counter(range(60))  # nothing twice
    run = json.loads((folder / "run.json").read_text())
    assert run["timings"]["seconds"]["total"] == pytest.approx(sum(one.seconds for one in readings))


@pytest.mark.parametrize("what", ["all", "gcs"])
def test_a_cluster_that_goes_away_ends_the_run_with_a_line_and_one_process_goes_on(
    own_package: Path, bench_main: Main, cluster: Cluster, begun: Callable[..., subprocess.Popen[str]], tmp_path: Path, what: str
) -> None:  # fmt: skip
    slow = [*WORDS, "model.seconds=3"]
    driver = begun("-m", "bench.cli", *slow, "launch=ray", f"launch.ray.address={cluster.address}")
    _until(lambda: _answers(tmp_path / "runs") >= 4)
    cluster.lose(what)
    _, err = driver.communicate(timeout=300)
    assert driver.returncode == 2, err
    (last,) = [line for line in err.split("\n") if "Ray cluster" in line]
    assert "what was answered is kept, and the same command goes on with it, also with another launch=" in last
    assert "Traceback" not in err
    folder = _run(tmp_path)
    before = (folder / "predictions.jsonl").read_text().strip().split("\n")
    text = (folder / "config.yaml").read_text()
    assert "launch" not in text
    (folder.parent / "kept").write_text("\n".join(sorted(before)))
    assert len(before) == sum(one.n for one in RunFolder(folder).timings() if one.phase == "predict")


def test_workers_end_with_a_run_that_is_killed_and_the_next_goes_on(
    own_package: Path, bench_main: Main, begun: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    driver = begun("-m", "bench.cli", *WORDS, "launch=ray", "launch.parts=2")
    _until(lambda: _answers(tmp_path / "runs") >= 16)
    folder = _run(tmp_path)
    workers = _workers(folder)
    driver.kill()
    driver.communicate()
    _until(lambda: not any(map(lives, workers)), 60)
    assert workers
    kept = _answers(tmp_path / "runs")
    assert 16 <= kept < 60
    code, _, err = bench_main(*WORDS)
    assert code == 0, err
    assert (folder / "predictions.jsonl").read_bytes() == _whole(bench_main, tmp_path)
    readings = RunFolder(folder).timings()
    assert Counter(place for one in readings for place in one.places or ()) == Counter(range(60))
    assert len({one.part for one in readings if one.phase == "lost"}) == 2


def test_an_interruption_ends_the_workers_and_keeps_the_answers(
    own_package: Path, begun: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    driver = begun("-m", "bench.cli", *WORDS, "launch=ray", "launch.parts=2")
    _until(lambda: _answers(tmp_path / "runs") >= 10)
    workers = _workers(_run(tmp_path))
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=120)
    assert driver.returncode == 130
    assert f"interrupted; {_answers(tmp_path / 'runs')} of 60 predictions of words / stub are kept" in err
    _until(lambda: not any(map(lives, workers)), 30)


def test_a_cluster_that_is_not_there_is_one_line(own_package: Path, bench_main: Main) -> None:
    code, _, err = bench_main(*WORDS, "launch=ray", "launch.ray.address=127.0.0.1:1")
    assert code == 2
    assert "launch=ray: nothing answers at 127.0.0.1:1 (Connection refused); see launch.ray.address" in err[-1]


def test_a_model_that_drops_answers_is_refused_as_in_one_process(own_package: Path, bench_main: Main) -> None:
    code, _, err = bench_main(
        "run",
        "task=words",
        "model=stub",
        "model.habit=drops",
        "tracking=none",
        "batch_size=4",
        "launch=ray",
        "launch.parts=2",
    )
    assert code == 2
    assert "model 'stub' gave no prediction for 1 of 4 requests, 'w" in err[-1]
