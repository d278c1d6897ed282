"""Parts that Slurm answers: what is submitted, what goes on behind a time limit, and what is said where Slurm is not there."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.commands.shared import faults
from bench.errors import BenchError
from bench.launch import ray, slurm
from bench.launch.settings import LaunchSettings, SlurmSettings

Main = Callable[..., tuple[int, list[str], list[str]]]
WORDS = ("run", "task=words", "model=stub", "tracking=none")
_SBATCH = """#!/bin/sh
# As sbatch does: takes a file, says a number. Keeps the files, and refuses a partition that is not there.
if grep -q 'partition=gone' "$1"; then echo 'sbatch: error: invalid partition specified: gone' >&2; exit 1; fi
n=$(ls {folder} | grep -c sbatch-)
cp "$1" {folder}/sbatch-$n
echo "Submitted batch job $((100 + n))"
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs named as Slurm's that submit nothing; `queue.txt` there is what squeue says."""
    slurm.library()
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "queue.txt").touch()
    programs = {
        "sbatch": _SBATCH.format(folder=folder),
        "srun": "#!/bin/sh\n",
        "squeue": f"#!/bin/sh\ncat {folder}/queue.txt\n",
    }
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.slow
def test_an_array_of_parts_is_submitted_and_a_job_behind_it(own_package: Path, bench_main: Main, queue: Path) -> None:
    more = (
        "launch.slurm.partition=gpu",
        "launch.slurm.gpus=1",
        "launch.slurm.memory_gb=1.5",
        "+launch.slurm.options.constraint=a",
    )
    code, out, err = bench_main(
        *WORDS, "launch=slurm", "launch.parts=3", "launch.slurm.setup=[module load cuda]", *more
    )
    assert (code, err) == (0, [])
    assert out[0] == "words / stub: 3 parts are submitted as job 100, and job 101 behind them makes them one run"
    array, behind = ((queue / f"sbatch-{n}").read_text() for n in (0, 1))
    for line in (
        "array=0-2%3",
        "partition=gpu",
        "gpus-per-node=1",
        "mem=1536M",
        "constraint=a",
        "time=60",
        "signal=USR2@90",
        "requeue",
    ):
        assert f"#SBATCH --{line}\n" in array
    assert "\nmodule load cuda\n" in array
    assert "#SBATCH --dependency=afterok:100\n" in behind
    assert "#SBATCH --kill-on-invalid-dep=yes\n" in behind
    assert "gpus-per-node" not in behind
    assert not list(Path("runs").glob("*/*/*/run.json"))


@pytest.mark.slow
def test_who_asks_is_told_what_waits_and_a_second_submission_is_refused_until_all_is_over(
    own_package: Path, bench_main: Main, queue: Path
) -> None:
    words = (*WORDS, "launch=slurm", "launch.parts=2", "--json")
    found = json.loads(bench_main(*words)[1][-1])
    assert found["jobs"] == {"1/2": "100_0", "2/2": "100_1", "run": "101"}
    (queue / "queue.txt").write_text("100_1 PENDING\n101 PENDING\n99 RUNNING\n")
    code, out, _ = bench_main("status", "words/stub")
    assert code == 0
    assert out[0].endswith(": in the queue")
    assert "  part 2/2: PENDING (Slurm job 100_1)" in out
    assert "  part 1/2: is not in the queue (Slurm job 100_0)" in out
    assert "  the job that makes them one run: PENDING (Slurm job 101)" in out
    code, _, err = bench_main(*words)
    assert code == 2
    assert "are submitted already: part 2/2 is PENDING (job 100_1)" in err[-1]
    (queue / "queue.txt").write_text("")
    assert json.loads(bench_main(*words)[1][-1])["jobs"]["run"] == "103"


@pytest.mark.slow
def test_logs_that_are_open_stay_open_when_the_library_is_loaded() -> None:
    code = """
import io, logging, sys
stream, handler = io.StringIO(), logging.StreamHandler(sys.stderr)
closed = []
handler.close = lambda: closed.append(1)
from bench.launch import slurm
slurm.library()
print(len(closed), "SUBMITIT_LOG_LEVEL" in __import__("os").environ)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["0", "False"], done.stderr


@pytest.mark.slow
def test_what_slurm_refuses_is_one_line_in_its_own_words(own_package: Path, bench_main: Main, queue: Path) -> None:
    code, _, err = bench_main(*WORDS, "launch=slurm", "launch.parts=2", "launch.slurm.partition=gone")
    assert code == 2
    assert err[-1].startswith("bench: Slurm did not take the parts of runs/words/stub/")
    assert "sbatch: error: invalid partition specified: gone" in err[-1]


def test_an_array_whose_merging_job_is_refused_is_known_to_who_launches_again(
    own_package: Path, bench_main: Main, queue: Path
) -> None:
    refuses = "if grep -q dependency \"$1\"; then echo 'sbatch: error: DNS\nsbatch: fatal: job limit' >&2; exit 1; fi\n"
    (queue / "sbatch").write_text((queue / "sbatch").read_text().replace("n=$(", f"{refuses}n=$("))
    words = (*WORDS, "launch=slurm", "launch.parts=2")
    code, _, err = bench_main(*words)
    assert code == 2
    assert len(err) == 1
    assert "are submitted as job 100, and Slurm did not take the job behind them: sbatch: error: DNS" in err[0]
    assert "; sbatch: fatal: job limit; when they are over, `bench merge" in err[0]
    assert "when they are over, `bench merge runs/words/stub/" in err[0]
    (queue / "queue.txt").write_text("100_0 RUNNING\n100_1 PENDING\n")
    assert "are submitted already: part 1/2 is RUNNING (job 100_0)" in bench_main(*words)[2][-1]


def test_the_file_for_sbatch_holds_no_password_and_its_lines_are_quoted(
    own_package: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*WORDS[:-1], "launch=slurm_script", "launch.parts=1", "runs_dir='my %a $x'")
    for store, is_there in (("postgresql://ann:hunter2@127.0.0.1:1/ml", False), ("http://127.0.0.1:9", True)):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
        code, out, _ = bench_main(*words, "tracking=none")
        assert code == 0
        text = next(Path("my %a $x").rglob("launch.sbatch")).read_text()
        assert "hunter2" not in text
        assert (f"export MLFLOW_TRACKING_URI={store}\n" in text) == is_there
        assert "/my %%a $x/" in next(line for line in text.split("\n") if "--output=" in line)
        assert out[0].startswith("words / stub: sbatch 'my %a $x/words/stub/")
        assert out[1].startswith("  submits 1 part; when all are answered, `bench merge 'my %a $x/words/stub/")


@pytest.mark.slow
def test_where_slurm_or_its_library_is_not_there_a_line_says_what_to_do(
    own_package: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    words = (*WORDS, "launch=slurm", "launch.parts=2")
    assert "launch=slurm needs sbatch, srun, squeue, which is not on this machine" in bench_main(*words)[2][-1]
    monkeypatch.setitem(sys.modules, "submitit", None)
    assert (
        "launch=slurm needs submitit, which is not installed; `pip install 'finai-bench[slurm]'`"
        in bench_main(*words)[2][-1]
    )


@pytest.mark.slow
def test_the_file_for_sbatch_is_what_each_job_runs(own_package: Path, bench_main: Main) -> None:
    code, out, err = bench_main(*WORDS, "launch=slurm_script", "launch.parts=2", "+launch.slurm.options.nice=true")
    assert (code, err) == (0, [])
    script = Path(out[0].removeprefix("words / stub: sbatch "))
    text = script.read_text()
    assert "#SBATCH --array=1-2\n" in text
    assert "#SBATCH --nice\n" in text
    for number in ("1", "2"):
        done = subprocess.run(
            ["bash", str(script)], env={**os.environ, "SLURM_ARRAY_TASK_ID": number}, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    code, out, _ = bench_main("merge", "words/stub")
    assert code == 0
    assert any(line.startswith("  answered in 2 parts: ") for line in out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "launch=slurm needs launch.parts=NUMBER"),
        (("launch.parts=2", "launch.slurm.minutes=0"), "launch.slurm.minutes=0 must be at least 1"),
        (("launch.parts=2", "launch.slurm.gpus=-1"), "launch.slurm.gpus=-1 must be at least 0"),
        (("launch.parts=2", "launch.slurm.minute=5"), "launch.slurm.minute"),
        (("launch.parts=2", "timing=offline"), "launch=slurm with timing=: a scenario is measured of the whole model"),
        (
            ("launch.parts=2", "model=minilm", "task=finmm_emotion", "launch.slurm.gpus=1"),
            "this machine does not know what the parts find",
        ),
    ],
)
def test_what_cannot_be_asked_of_slurm_is_one_line(
    own_package: Path, bench_main: Main, more: tuple[str, ...], said: str
) -> None:
    code, _, err = bench_main(*WORDS, "launch=slurm", *more)
    assert code == 2
    assert said in err[-1]


def test_a_text_of_several_lines_is_no_option() -> None:
    with pytest.raises(BenchError, match="a text of several lines is none of sbatch's"):
        LaunchSettings.of({"kind": "slurm", "parts": 2, "slurm": {"setup": ["a\nb"]}})
    with pytest.raises(BenchError, match="a text of several lines is none of sbatch's"):
        LaunchSettings.of({"kind": "slurm", "parts": 2, "slurm": {"options": {"comment": "a\nrm b"}}})
    for name in ("array", "chdir", "wrap", "no_requeue"):
        with pytest.raises(BenchError, match=f"launch.slurm.options.{name} is said by bench itself"):
            LaunchSettings.of({"kind": "slurm_script", "parts": 2, "slurm": {"options": {name: "1-9"}}})
    assert SlurmSettings(gpus=2, options={"time": "1-0"}).flags() == {
        "time": "1-0",
        "cpus-per-task": 1,
        "gpus-per-node": 2,
    }


@pytest.mark.slow
def test_a_command_that_is_out_of_time_keeps_its_answers_and_the_same_one_goes_on(
    own_package: Path, bench_main: Main, tmp_path: Path
) -> None:
    slurm.library()
    bench_main("--version")  # which goes to the folder
    words = (*WORDS, "batch_size=1", "model.seconds=0.3", "shard=1/1")
    command = slurm.Command(words)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            command._process = subprocess.Popen([sys.executable, "-m", "bench.cli", *words], cwd=tmp_path)
            command._process.wait()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 60
    while not list((tmp_path / "runs").glob("words/stub/*/shards/*/predictions.jsonl")) and time.monotonic() < until:
        time.sleep(0.05)
    again = command.checkpoint()
    thread.join()
    assert not failed
    assert command._process is not None
    assert command._process.returncode == 130
    part = next((tmp_path / "runs").glob("words/stub/*/shards/1-of-1"))
    kept = (part / "predictions.jsonl").read_bytes()
    assert 0 < kept.count(b"\n") < 12
    assert again.function.words == words
    assert again.result() == 0
    assert (part / "predictions.jsonl").read_bytes().count(b"\n") == 12
    with pytest.raises(RuntimeError, match=r"bench run .* ended with 2"):
        slurm.Command((*words, "nonsense=1"))()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "due"),
    [
        (("launch=local", "launch.slurm.gpus=1"), "launch.slurm.gpus=1 does nothing without launch=slurm"),
        (("launch.slurm.setup=[module load cuda]",), "does nothing without launch=slurm"),
        (("launch=slurm", "launch.parts=2", "launch.ray.cpus=2"), "launch.ray.cpus=2 does nothing without launch=ray"),
        (
            ("launch.ray.address=auto",),
            "launch.ray.address=auto does nothing without launch=ray; leave one of them out",
        ),
    ],
)
def test_a_setting_of_another_launcher_is_refused(
    own_package: Path, bench_main: Main, words: tuple[str, ...], due: str
) -> None:
    code, _, err = bench_main(*WORDS, *words)
    assert code == 2
    assert due in err[-1]


def test_the_cluster_of_a_machine_without_ray_is_a_line_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "ray_runs_here", lambda: False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{server.getsockname()[1]}")
        ray.refuse_silent("auto")  # it answers
    with pytest.raises(
        BenchError, match=r"launch.ray.address=auto means the cluster of this machine, and Ray does not run here"
    ):
        ray.refuse_silent("auto")


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "free space"), (errno.EROFS, "see that it can be written to")]
)
def test_a_file_that_cannot_be_written_says_what_helps(number: int, remedy: str) -> None:
    line = faults.limit(OSError(number, os.strerror(number), "part/.lock"))
    assert (
        line
        == f"part/.lock cannot be written ({os.strerror(number)}); {remedy} and run the same command again: {faults.KEPT}"
    )
