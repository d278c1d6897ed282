"""A run whose parts are launched on this machine: the whole command, with processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.artifacts.digest import digest
from bench.machine import lives
from bench.runs.folder import RunFolder

Main = Callable[..., tuple[int, list[str], list[str]]]
pytestmark = pytest.mark.slow
WORDS = ("run", "task=words", "task.n=40", "model=stub", "tracking=none", "batch_size=1")


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins `bench ARGUMENTS` as a process of its own, which is ended with the test."""
    under_way: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        under_way.append(
            subprocess.Popen(
                [sys.executable, "-m", "bench.cli", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL, text=True,
            )
        )  # fmt: skip
        return under_way[-1]

    yield begin
    for one in under_way:
        if one.poll() is None:
            one.kill()
        one.communicate()


def _until(ready: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.05)


def _parts(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in (folder / "shards").glob("*-of-*")}


def _answers(path: Path) -> int:
    return (path / "predictions.jsonl").read_bytes().count(b"\n") if (path / "predictions.jsonl").exists() else 0


def _owner(path: Path) -> int:
    return int(json.loads((path / ".lock").read_text())["pid"])


def test_the_run_of_four_launched_parts_is_the_run_of_one_process(own_package: Path, bench_main: Main) -> None:
    assert bench_main(*WORDS, "runs_dir=whole")[0] == 0
    code, out, err = bench_main(*WORDS, "launch=local", "launch.parts=4")
    assert code == 0, err
    assert out[-1].startswith("  answered in 4 parts: ")
    whole = next(Path("whole/words/stub").iterdir())
    for name in ("predictions.jsonl", "measurements.json"):
        assert digest(Path("runs/words/stub") / whole.name / name) == digest(whole / name)


def _slow_run(tmp_path: Path) -> Path:
    return next((tmp_path / "runs" / "words" / "stub").iterdir())


def test_what_killed_parts_and_a_killed_driver_left_is_gone_on_with(
    own_package: Path, bench_main: Main, begun: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    slow = (
        *WORDS,
        "model.seconds=1.5",
    )  # ten answers a part: time for a second launch to be refused, on a slow machine too
    driver = begun(*slow, "launch=local", "launch.parts=4")
    _until(lambda: (tmp_path / "runs").exists() and any((tmp_path / "runs").glob("*/*/*/shards")))
    folder = _slow_run(tmp_path)
    _until(lambda: len(_parts(folder)) == 4 and all(_answers(path) > 0 for path in _parts(folder).values()))
    owners = {name: _owner(path) for name, path in _parts(folder).items()}
    second = begun(*slow, "launch=local", "launch.parts=4")
    _, err = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"are launched already by process {driver.pid}" in err
    _, out, _ = bench_main("status", "words/stub")
    assert sum(line.startswith("  part ") and "running" in line for line in out) == 4
    for name in ("1-of-4", "3-of-4"):
        os.kill(owners[name], signal.SIGKILL)
    driver.kill()
    driver.communicate()
    _until(lambda: not any(map(lives, owners.values())))  # the others end with whoever launched them
    kept = sum(map(_answers, _parts(folder).values()))
    assert 4 <= kept < 40
    code, out, err = bench_main(*slow, "launch=local", "launch.parts=3")
    assert code == 0, err
    run = json.loads((folder / "run.json").read_text())
    readings = RunFolder(folder).timings()
    assert run["timings"]["parts"] == 7
    assert run["timings"]["seconds"]["total"] == pytest.approx(sum(one.seconds for one in readings))
    assert Counter(place for one in readings for place in one.places or ()) == Counter(range(40))  # nothing asked twice
    assert {one.part.split()[0] for one in readings if one.phase == "lost" and one.part} >= {"1/4", "3/4"}
    assert bench_main(*WORDS, "runs_dir=whole")[0] == 0  # whose answers are the same, and sooner there
    whole = next(Path("whole/words/stub").iterdir())
    assert digest(folder / "predictions.jsonl") == digest(whole / "predictions.jsonl")


def test_a_part_that_fails_names_its_log_and_costs_the_others_nothing(own_package: Path, bench_main: Main) -> None:
    code, _, err = bench_main(*WORDS, "batch_size=4", "model.habit=drops", "launch=local", "launch.parts=2")
    assert code == 2
    assert (
        "2 of 2 parts failed, what all have answered is kept, and the same command goes on with it; part 1/2: "
        in err[-1]
    )
    assert "model 'stub' gave no prediction for 1 of" in err[-1]
    assert "shards/1-of-2/log.txt" in err[-1]
    folder = next(Path("runs/words/stub").iterdir())
    assert all(_answers(path) >= 3 for path in _parts(folder).values())


def test_an_interruption_is_handed_on_and_the_answers_are_kept(
    own_package: Path, begun: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    driver = begun(*WORDS, "model.seconds=0.25", "launch=local", "launch.parts=2")
    _until(lambda: (tmp_path / "runs").exists() and any((tmp_path / "runs").glob("*/*/*/shards")))
    folder = _slow_run(tmp_path)
    _until(lambda: len(_parts(folder)) == 2 and all(_answers(path) > 1 for path in _parts(folder).values()))
    owners = [_owner(path) for path in _parts(folder).values()]
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "are kept, the same command goes on from there" in err
    assert not any(map(lives, owners))


def test_parts_of_which_every_example_failed_are_answered_and_the_run_says_so(
    own_package: Path, bench_main: Main
) -> None:
    words = ("run", "task=words", "model=failing", "model.every=1", "tracking=none", "launch=local", "launch.parts=2")
    code, out, err = bench_main(*words)
    assert code == 1
    assert any("answered in 2 parts" in line for line in out)
    assert any("every one of the 12 examples failed" in line for line in err)


def test_parts_end_at_once_where_the_launch_ignores_ctrl_c(
    own_package: Path, begun: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as of a job in the background of a script
    try:
        driver = begun(*WORDS, "model.seconds=0.5", "launch=local", "launch.parts=2")
    finally:
        signal.signal(signal.SIGINT, ignored)
    _until(lambda: (tmp_path / "runs").exists() and any((tmp_path / "runs").glob("*/*/*/shards")))
    folder = _slow_run(tmp_path)
    _until(lambda: len(_parts(folder)) == 2 and all(_answers(path) > 1 for path in _parts(folder).values()))
    driver.send_signal(signal.SIGTERM)
    _, err = driver.communicate(timeout=60)
    kept = sum(map(_answers, _parts(folder).values()))
    assert kept < 40  # it did not wait for the rest
    assert f"interrupted; {kept} of 40 predictions of words / stub are kept" in err


def test_a_scenario_is_timed_of_the_whole_model_behind_the_parts(own_package: Path, bench_main: Main) -> None:
    code, out, err = bench_main(
        *WORDS[:-1], "launch=local", "launch.parts=2", "timing=offline", "timing.min_count=8", "timing.min_seconds=0"
    )
    assert code == 0, err
    assert any("answered in 2 parts" in line for line in out)
    assert any("offline" in line for line in out)


def test_a_suite_and_a_sweep_are_launched_job_by_job_and_what_is_complete_is_left(
    own_package: Path, bench_main: Main
) -> None:
    words = ("run", "-m", "task=words", "model=stub", "tracking=none", "launch=local", "launch.parts=2", "task.n=6,9")
    code, out, err = bench_main(*words)
    assert code == 0, err
    assert sum("answered in 2 parts" in line for line in out) == 2
    code, out, err = bench_main(*words)
    assert (code, err) == (0, [])
    code, _, err = bench_main("run", "suite=pair", "model=stub", "tracking=none", "launch=local", "launch.parts=2")
    assert code == 0, err
    assert any("took in the answers of 2 parts" in line for line in err)


def test_begun_anew_the_parts_are_of_the_new_run(own_package: Path, bench_main: Main) -> None:
    words = ("run", "task=words", "model=stub", "tracking=none", "launch=local", "launch.parts=2")
    assert bench_main(*words)[0] == 0
    code, _, err = bench_main(*words, "--fresh")
    assert code == 0, err
    records = sorted(Path("runs/words/stub").glob("*/run.json"))
    assert [path.parent.name.partition("-")[2] for path in records] == ["", "2"]
    assert all(json.loads(path.read_text())["timings"]["parts"] == 2 for path in records)


def test_no_more_parts_are_launched_than_there_are_clusters(own_package: Path, bench_main: Main) -> None:
    assert bench_main(*WORDS, "launch=local", "launch.parts=50")[0] == 0  # of four clusters
    record = json.loads(next(Path("runs/words/stub").glob("*/run.json")).read_text())
    assert record["timings"]["parts"] == 4
