"""`bench run … shard=3/8`: what cannot be with it, and what is said of a part that was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.launch.settings import LaunchSettings
from bench.runs import energy
from bench.runs.journal import JOURNAL
from bench.runs.shards import Part, Shard
from bench.text.shown import tell


@dataclass(frozen=True)
class PartDone:
    """A part that was answered: of which run, `n` answers of its own, and which of the others are not finished."""

    label: str
    part: Part
    n: int
    seconds: float
    lacking: tuple[str, ...]

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.part.path.parents[1]

    def to_json(self) -> dict[str, Any]:
        """What `bench run --json` prints of it."""
        return {
            "run_id": self.run.name, "run_dir": str(self.run), "shard": str(self.part.shard), "part_dir": str(self.part.path),
            "n": self.n, "seconds": self.seconds, "lacking": list(self.lacking),
        }  # fmt: skip


def shard_of(config: Mapping[str, Any], launch: LaunchSettings | None, *, fresh: bool, timed: bool) -> Shard | None:
    """The part that a job's configuration asks for; raises BenchError for one beside what only a whole run can have."""
    if launch is not None and config["energy"] != energy.NONE:
        raise BenchError(
            f"launch={launch.kind} with energy={config['energy']}: the counters are of a whole machine, and parts at the same time "
            "would each count all of it; leave energy= out"
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


def print_part(done: PartDone) -> None:
    """What came of a part, and how the run becomes one."""
    tell(f"{done.label}, part {done.part.shard}: {done.n:,} answers, {done.seconds:.1f} s; {done.part.path / JOURNAL}")
    if done.lacking:
        tell(f"  to come: part {', '.join(done.lacking)}")
    else:
        tell(f"  all parts are answered: `bench merge {done.run}` makes them one run")
