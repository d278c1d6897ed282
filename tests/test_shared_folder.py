"""Two machines on one folder, as far as one machine can show it, by the whole command.

The folder is mounted twice, by a file system on which the locks of the system hold within one mount alone, and each "machine"
sees its own mount and its own processes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import leases
from bench.artifacts.digest import digest
from bench.runs.folder import RunFolder

Main = Callable[..., tuple[int, list[str], list[str]]]
pytestmark = pytest.mark.slow
WORDS = ("run", "task=words", "task.n=40", "model=stub", "tracking=none", "batch_size=1", "model.seconds=0.5")
SILENT, BEAT = 4.0, 0.3
ELSEWHERE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
COMMAND = (
    f"import sys; from bench import leases; leases.SILENT_SECONDS, leases.BEAT_SECONDS = {SILENT}, {BEAT}\n"
    "from bench.cli import main; sys.exit(main(sys.argv[1:]))"
)


def _can() -> str:
    """Why this machine cannot show it; "" where it can."""
    if missing := [name for name in ("bindfs", "unshare", "umount") if shutil.which(name) is None]:
        return f"{', '.join(missing)} is not installed"
    tried = subprocess.run([*ELSEWHERE, "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 and Path("/dev/fuse").exists() else "it takes the right to mount"


@pytest.fixture
def here_and_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """Two mounts of one folder."""
    if why := _can():
        pytest.skip(f"two machines on one folder cannot be shown here: {why}")
    monkeypatch.setattr(leases, "SILENT_SECONDS", SILENT)
    monkeypatch.setattr("bench.runs.locks.SILENT_SECONDS", SILENT)
    monkeypatch.setattr(leases, "BEAT_SECONDS", BEAT)
    places = [tmp_path / name for name in ("folder", "here", "there")]
    for place in places:
        place.mkdir()
    for place in places[1:]:
        subprocess.run(["bindfs", str(places[0]), str(place)], check=True)
    yield places[1], places[2]
    for place in places[1:]:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def there(here_and_there: tuple[Path, Path], own_package: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The same run, begun by the other machine, which has some answers by now."""
    words = [*ELSEWHERE, sys.executable, "-c", COMMAND, *WORDS, f"runs_dir={here_and_there[1] / 'runs'}"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    until = time.monotonic() + 120
    while _answers(tmp_path / "folder") < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def _answers(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("runs/*/*/*/predictions.jsonl"))


def _inner(process: subprocess.Popen[str]) -> int:
    """The process of the other machine, by its number here."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def _is_that_of_one(folder: Path, bench_main: Main) -> None:
    """The run is that of one process, and nothing was asked twice."""
    assert bench_main(*WORDS[:-1], "runs_dir=whole")[0] == 0
    whole, run = next(Path("whole/words/stub").iterdir()), next((folder / "runs/words/stub").iterdir())
    assert digest(run / "predictions.jsonl") == digest(whole / "predictions.jsonl")
    readings = RunFolder(run).timings()
    assert (
        max(Counter(place for one in readings for place in one.places or ()).values()) <= 2
    )  # one may be lost with a kill
    assert (
        json.loads((run / "run.json").read_text())["scores"] == json.loads((whole / "run.json").read_text())["scores"]
    )


def test_a_run_that_lives_on_another_machine_is_refused_and_one_that_died_there_is_gone_on_with(
    here_and_there: tuple[Path, Path], there: subprocess.Popen[str], bench_main: Main, tmp_path: Path
) -> None:
    here = f"runs_dir={here_and_there[0] / 'runs'}"
    code, _, err = bench_main(*WORDS, here)
    assert (code, there.poll()) == (2, None)
    assert "is in use by process" in err[-1]
    _, out, _ = bench_main("status", "--runs", str(here_and_there[0] / "runs"))
    assert any("running" in line for line in out), out
    there.kill()
    there.communicate()
    assert _answers(tmp_path / "folder") < 40
    code, _, err = bench_main(*WORDS, here)
    assert code == 0, err
    assert any("waits for a sign of life" in line for line in err)
    _is_that_of_one(tmp_path / "folder", bench_main)


def test_parts_are_answered_on_two_machines_at_once_and_become_one_run(
    here_and_there: tuple[Path, Path], own_package: Path, bench_main: Main, tmp_path: Path
) -> None:
    def words(number: int) -> list[str]:
        return [
            *WORDS[:-1],
            "model.seconds=0.2",
            f"runs_dir={here_and_there[number - 1] / 'runs'}",
            f"shard={number}/2",
        ]

    other = subprocess.Popen(
        [*ELSEWHERE, sys.executable, "-c", COMMAND, *words(2)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    code, _, err = bench_main(*words(1))
    _, said = other.communicate(timeout=120)
    assert (code, other.returncode) == (0, 0), (err, said)
    assert bench_main("merge", "words/stub", "--runs", str(here_and_there[0] / "runs"))[0] == 0
    _is_that_of_one(tmp_path / "folder", bench_main)


def test_a_run_that_was_suspended_and_taken_over_writes_no_more(
    here_and_there: tuple[Path, Path], there: subprocess.Popen[str], bench_main: Main, tmp_path: Path
) -> None:
    os.kill(_inner(there), signal.SIGSTOP)
    code, _, err = bench_main(*WORDS, f"runs_dir={here_and_there[0] / 'runs'}")
    assert code == 0, err
    before = (next((tmp_path / "folder").glob("runs/*/*/*/predictions.jsonl"))).read_bytes()
    os.kill(_inner(there), signal.SIGCONT)
    _, said = there.communicate(timeout=60)
    assert there.returncode == 2
    assert "was taken over by process" in said
    assert (next((tmp_path / "folder").glob("runs/*/*/*/predictions.jsonl"))).read_bytes() == before
    _is_that_of_one(tmp_path / "folder", bench_main)
