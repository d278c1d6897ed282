"""The parts of a run as an array of Slurm: through submitit, which puts a part back that ran out of time, or as a file for sbatch.

Submission returns at once. Which jobs the parts are stands beside the run, for whoever asks how they are (`bench status`).
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from bench.disk import json_lettered, write_atomically
from bench.errors import BenchError
from bench.launch.local import ANSWERED
from bench.launch.settings import SlurmSettings
from bench.runs.forms import WRONG
from bench.runs.shards import FOLDER
from bench.text.secret_urls import public_url
from bench.text.shown import terminal

LAUNCHED, SCRIPT, LOGS = "launched.json", "launch.sbatch", "logs/slurm"  # below the folder of a run's parts
RUN = "run"  # the job that makes them one run
_ASKED_SECONDS = 10.0  # of Slurm
_INTERRUPTED = 130
_LOGGING = "SUBMITIT_LOG_LEVEL"
_LOOKS_SECONDS = 0.2
_PATIENCE_SECONDS = 60.0  # for what was answered to be written
# What a job must know that the command line does not say; a store's address may hold a password, and comes by sbatch's own export.
_SETTINGS = (
    "BENCH_DATA",
    "BENCH_RUNS",
    "BENCH_CONF",
    "BENCH_CACHE",
    "BENCH_OFFLINE",
    "PYTHONPATH",
)
_STORE = "MLFLOW_TRACKING_URI"


def is_public_store(address: str) -> bool:
    """Whether the address of a store may stand in a file that others read: it holds no password, or there is none."""
    return bool(address) and public_url(address) == address


class Command:
    """`bench WORDS` in a job of Slurm, in a process of its own: a signal to the job does not reach into an answer.

    submitit calls it, and its `checkpoint` when the time is over or the job has to make room: then the command is interrupted, and
    the same one goes on when the job comes to run again.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Run it to its end; raises RuntimeError where it failed, so that the job is one that failed."""
        ignored = signal.signal(
            signal.SIGUSR2, signal.SIG_IGN
        )  # which Slurm sends to every process of the job, and means this one
        self._process = subprocess.Popen([sys.executable, "-m", "bench.cli", *self.words], stdin=subprocess.DEVNULL)
        signal.signal(signal.SIGUSR2, ignored)
        while (
            code := self._process.poll()
        ) is None:  # not `wait`, inside of which the signal would find its own waiting blocked
            time.sleep(_LOOKS_SECONDS)
        if code == _INTERRUPTED:  # by the same hand that calls for a checkpoint in a moment
            time.sleep(_PATIENCE_SECONDS)
        if code not in ANSWERED:
            raise RuntimeError(f"bench {shlex.join(self.words)} ended with {code}; its lines stand above")
        return code

    def checkpoint(self) -> Any:
        """Interrupt the command, which keeps what it has answered, and say what goes on with it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return library().helpers.DelayedSubmission(Command(self.words))


def submit(run: Path, words: Sequence[str], parts: int, settings: SlurmSettings, name: str) -> Mapping[str, str]:
    """Submit all parts of the run in this folder, and a job behind them that makes them one; the jobs by part, and by `RUN`.

    Raises BenchError where Slurm or submitit is not here, refuses, or has jobs of this run that are not over.
    """
    executor = _executor(run / FOLDER / LOGS, settings)
    if waiting := {part: state for part, state in states(run).items() if state}:
        part, state = next(iter(waiting.items()))
        raise BenchError(
            f"the parts of {run} are submitted already: {'the last job' if part == RUN else f'part {part}'} is {state} "
            f"(job {launched(run)[part]}); wait for them (`bench status` shows them), or `scancel` them"
        )
    name = f"bench {name}"[:60]
    with _refusals(f"Slurm did not take the parts of {run}", "see launch.slurm"):
        executor.update_parameters(**_parameters(settings, name))
        with executor.batch():
            jobs = [
                executor.submit(Command(["run", *words, f"shard={number}/{parts}"])) for number in range(1, parts + 1)
            ]
    found = {f"{number}/{parts}": str(job.job_id) for number, job in enumerate(jobs, 1)}
    _keep(run, found)  # before anything can fail: who launches again has to know of them
    array = found[f"1/{parts}"].partition("_")[0]
    executor = _executor(run / FOLDER / LOGS, settings)
    behind = f"the parts of {run} are submitted as job {array}, and Slurm did not take the job behind them"
    with _refusals(behind, f"when they are over, `bench merge {shlex.quote(str(run))}` makes them one run"):
        own = _parameters(replace(settings, gpus=0), name)  # which asks no model
        executor.update_parameters(**own, dependency=f"afterok:{array}")
        found[RUN] = str(executor.submit(Command(["merge", str(run.absolute())])).job_id)
    _keep(run, found)
    return found


def _keep(run: Path, jobs: Mapping[str, str]) -> None:
    write_atomically(run / FOLDER / LAUNCHED, json_lettered({"by": "slurm", "jobs": jobs}) + "\n")


@contextmanager
def _refusals(what: str, remedy: str) -> Iterator[None]:
    """What sbatch answers, by submitit, and what submitit says of options, as one line; a fault of ours stays one."""
    core = library().core.utils
    try:
        with redirect_stderr(StringIO()):  # submitit prints there what it raises with as well
            yield
    except (
        core.UncompletedJobError,
        core.FailedSubmissionError,
        subprocess.CalledProcessError,
        ValueError,
        OSError,
    ) as error:
        raise BenchError(f"{what}: {terminal(_errors(error), 400)}; {remedy}") from None


def _errors(error: Exception) -> str:
    """The lines of what was raised that name an error, the last of which says what sbatch gave up with; else its last line."""
    said = [line.strip() for line in str(error).split("\n") if line.strip()]
    found = [line for line in said if "error" in line.lower() or "fatal" in line.lower()]
    return "; ".join(dict.fromkeys(found)) or (said[-1] if said else type(error).__name__)


def library() -> Any:
    """submitit; raises ImportError.

    It would give this process's logging a configuration of its own when it is imported, which closes every log that is open.
    """
    before = os.environ.get(_LOGGING)
    os.environ[_LOGGING] = "NOCONFIG"
    try:
        import submitit
    finally:
        os.environ.pop(_LOGGING)
        if before is not None:
            os.environ[_LOGGING] = before
    return submitit


def _executor(folder: Path, settings: SlurmSettings) -> Any:
    try:
        submitit = library()
    except ImportError:
        raise BenchError(
            "launch=slurm needs submitit, which is not installed; `pip install 'finai-bench[slurm]'`, or write the file with "
            "launch=slurm_script"
        ) from None
    if missing := [name for name in ("sbatch", "srun", "squeue") if shutil.which(name) is None]:
        raise BenchError(
            f"launch=slurm needs {', '.join(missing)}, which is not on this machine; go to one that submits to Slurm, or write the "
            "file with launch=slurm_script"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return submitit.SlurmExecutor(folder=folder, max_num_timeout=settings.requeues)


def _parameters(settings: SlurmSettings, name: str) -> dict[str, Any]:
    """As submitit calls them."""
    flags = settings.flags()
    known = {"partition", "account", "qos", "time", "cpus-per-task", "gpus-per-node", "mem"}
    found = {key.replace("-", "_"): value for key, value in flags.items() if key in known}
    others = {key: value for key, value in flags.items() if key not in known}
    return {
        **found, "job_name": name, "setup": list(settings.setup) or None, "stderr_to_stdout": True,
        "signal_delay_s": min(90, 20 * settings.minutes),
        "additional_parameters": {**others, "requeue": True, "kill-on-invalid-dep": "yes"},
    }  # fmt: skip


def write_script(run: Path, words: Sequence[str], parts: int, settings: SlurmSettings, name: str) -> Path:
    """Write the file that `sbatch` takes: an array with a part for each job; the part goes on where a job ran out of time."""
    folder = run / FOLDER
    (folder / LOGS).mkdir(parents=True, exist_ok=True)
    logs = str(folder.absolute() / LOGS).replace("%", "%%")  # which sbatch reads as a sign for something
    flags = {
        "job-name": f"bench {name}"[:60], "array": f"1-{parts}", "output": f"{logs}/%A_%a.log",
        "open-mode": "append", "chdir": str(Path.cwd()), **settings.flags(),
    }  # fmt: skip
    lines = ["#!/bin/bash"]
    lines += [
        f"#SBATCH --{key}" if value is True else f"#SBATCH --{key}={shlex.quote(str(value))}"
        for key, value in flags.items()
    ]
    lines += ["#SBATCH --requeue"]
    lines += [f"export {name}={shlex.quote(os.environ[name])}" for name in _SETTINGS if os.environ.get(name)]
    if is_public_store(os.environ.get(_STORE, "")):
        lines += [f"export {_STORE}={shlex.quote(os.environ[_STORE])}"]
    lines += settings.setup
    command = shlex.join([sys.executable, "-m", "bench.cli", "run", *words])
    lines += [f'{command} "shard=$SLURM_ARRAY_TASK_ID/{parts}"']
    path = folder / SCRIPT
    write_atomically(path, "\n".join(lines) + "\n")
    return path


def launched(run: Path) -> Mapping[str, str]:
    """The jobs that the parts of a run were submitted as, and the one behind them (`RUN`); {} where none were."""
    try:
        jobs = json.loads((run / FOLDER / LAUNCHED).read_text(encoding="utf-8"))["jobs"]
        return {str(part): str(job)[:40] for part, job in jobs.items()}
    except (OSError, *WRONG):
        return {}


def states(run: Path) -> Mapping[str, str]:
    """What Slurm says of each job that the run was launched as ("PENDING", "RUNNING"), "" for what is over or not known."""
    jobs = launched(run)
    if not jobs or shutil.which("squeue") is None:
        return dict.fromkeys(jobs, "")
    arrays = sorted({job.partition("_")[0] for job in jobs.values() if job.partition("_")[0].isdecimal()})
    try:
        done = subprocess.run(
            ["squeue", "--noheader", "--array", "--format=%i %T", f"--jobs={','.join(arrays)}"],
            capture_output=True, text=True, timeout=_ASKED_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return dict.fromkeys(jobs, "")
    found = dict(line.split(None, 1) for line in done.stdout.split("\n") if len(line.split()) == 2)
    return {part: terminal(found.get(job, ""), 40) for part, job in jobs.items()}
