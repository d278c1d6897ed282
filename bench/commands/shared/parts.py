"""`bench run … shard=3/8`: what cannot be with it, and what is said of a part that was answered."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.judging.changes import one_line
from bench.launch.settings import LOCAL, RAY, LaunchSettings
from bench.launch.slurm import RUN
from bench.models.base import Device
from bench.runs import energy
from bench.runs.journal import JOURNAL
from bench.runs.shards import Part, Shard
from bench.text.shown import tell
from bench.timing.settings import TimingSettings


@dataclass(frozen=True)
class PartDone:
    """A part that was answered: of which run, `n` answers of its own, and which of the others are not finished."""

    label: str
    part: Part
    n: int
    seconds: float
    lacking: tuple[str, ...]
    n_failed: int = 0
    first: str = ""

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.part.path.parents[1]

    def to_json(self) -> dict[str, Any]:
        """What `bench run --json` prints of it."""
        return {
            "run_id": self.run.name, "run_dir": str(self.run), "shard": str(self.part.shard), "part_dir": str(self.part.path),
            "n": self.n, "n_failed": self.n_failed, "seconds": self.seconds, "lacking": list(self.lacking),
        }  # fmt: skip


@dataclass(frozen=True)
class Launched:
    """A run whose parts others answer from now on: the jobs by part and of the one behind them, or the file that `sbatch` takes."""

    label: str
    run: Path
    n: int
    jobs: Mapping[str, str]
    script: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """What `bench run --json` prints of it."""
        script = {} if self.script is None else {"script": str(self.script)}
        return {"run_id": self.run.name, "run_dir": str(self.run), "parts": self.n, "jobs": dict(self.jobs), **script}


def print_launched(done: Launched) -> None:
    """Where the parts of a run are, and what is to be done."""
    if done.script is not None:
        tell(f"{done.label}: sbatch {shlex.quote(str(done.script))}")
        tell(
            f"  submits {done.n} part{'s' if done.n > 1 else ''}; when all are answered, "
            f"`bench merge {shlex.quote(str(done.run))}` makes them one run"
        )
        return
    array = done.jobs[f"1/{done.n}"].partition("_")[0]
    tell(
        f"{done.label}: {done.n} parts are submitted as job {array}, and job {done.jobs[RUN]} behind them makes them one run"
    )
    tell(f"  bench status {shlex.quote(str(done.run))}")


def shard_of(config: Mapping[str, Any], launch: LaunchSettings | None, *, fresh: bool, timed: bool) -> Shard | None:
    """The part that a job's configuration asks for; raises BenchError for one beside what only a whole run can have."""
    if launch is not None and config["energy"] != energy.NONE:
        raise BenchError(
            f"launch={launch.kind} with energy={config['energy']}: the counters are of a whole machine, and parts at the same time "
            "would each count all of it; leave energy= out"
        )
    if launch is not None and launch.kind not in (LOCAL, RAY) and timed:
        raise BenchError(
            f"launch={launch.kind} with timing=: a scenario is measured of the whole model; leave one of them out"
        )
    if config["shard"] is None:
        return None
    if launch is not None:
        raise BenchError(
            f"shard={config['shard']} with launch={launch.kind}, which starts every part; leave one of them out"
        )
    shard = Shard.parsed(str(config["shard"]))
    if fresh:
        raise BenchError(
            f"shard={shard} with --fresh: each part would begin another run; begin it anew with `bench run --fresh … launch=local` "
            "or remove the run's folder"
        )
    if timed:
        raise BenchError(
            f"shard={shard} with timing=: a scenario is measured of the whole model; leave one of them out"
        )
    if config["energy"] != energy.NONE:
        raise BenchError(
            f"shard={shard} with energy={config['energy']}: the counters are of a whole machine, and parts at the same time would "
            "each count all of it; leave energy= out"
        )
    return shard


def elsewhere(config: Mapping[str, Any]) -> Device | None:
    """The device of parts that are answered on other machines, which need not be here; None where it is this machine's.

    Raises BenchError where only those machines could say what it is.
    """
    launch, device = LaunchSettings.of(config["launch"]), config["device"]
    if launch is None or launch.kind == LOCAL:
        return None
    if launch.kind == RAY:
        return _of_workers(config, launch) if launch.ray.address and device["kind"] == "cuda" else None
    if launch.slurm.gpus and (device["kind"] != "cuda" or device["dtype"] == "auto"):
        raise BenchError(
            f"launch={launch.kind} with launch.slurm.gpus={launch.slurm.gpus}: this machine does not know what the "
            "parts find there; say device.kind=cuda and the device.dtype, such as bfloat16"
        )
    if not launch.slurm.gpus:
        return None
    return Device("cuda", device["dtype"], device["threads"] or launch.slurm.cpus)


def _of_workers(config: Mapping[str, Any], launch: LaunchSettings) -> Device | None:
    """The GPUs of the nodes of a cluster, where this one has none; raises BenchError for what only this one could do."""
    import torch

    if torch.cuda.is_available():
        return None
    if config["device"]["dtype"] == "auto":
        raise BenchError(
            "launch=ray with device.kind=cuda: this machine has no GPU and does not know what the workers find; say the "
            "device.dtype, such as bfloat16"
        )
    if TimingSettings.of(config["timing"]) is not None or config["audit"] != "none":
        raise BenchError(
            "launch=ray with timing= or audit= is done by this process, which has no GPU; leave it out, or run it where one is"
        )
    return Device("cuda", config["device"]["dtype"], config["device"]["threads"] or launch.ray.cpus or 1)


def print_part(done: PartDone) -> None:
    """What came of a part, and how the run becomes one."""
    failed = f" ({done.n_failed:,} failed, the first by {one_line(done.first)})" if done.n_failed else ""
    answers = f"{done.n:,} answer{'' if done.n == 1 else 's'}"
    tell(f"{done.label}, part {done.part.shard}: {answers}{failed}, {done.seconds:.1f} s; {done.part.path / JOURNAL}")
    if done.lacking:
        tell(f"  to come: part {', '.join(done.lacking)}")
    else:
        tell(f"  all parts are answered: `bench merge {shlex.quote(str(done.run))}` makes them one run")
