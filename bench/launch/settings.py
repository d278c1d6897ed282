"""How the parts of a run are launched, as `launch=` says it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from bench.errors import BenchError
from bench.runs.shards import MOST
from bench.types import Json

NONE, LOCAL, SLURM, SLURM_SCRIPT, RAY = KINDS = ("none", "local", "slurm", "slurm_script", "ray")
# Options of sbatch by which a job would not be the part that it is, or would not be found again.
_OWN_OPTIONS = frozenset(
    "array chdir D a dependency d output o error e open-mode wrap requeue no-requeue parsable help version test-only signal wait W"
    " job-name J".split()
)


@dataclass(frozen=True)
class SlurmSettings:
    """What each part asks of Slurm: where, `minutes` until it is put back into the queue, at most `requeues` times, and how much.

    `setup` are lines of shell before the command, `options` any other of sbatch's by their long names.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    minutes: int = 60
    requeues: int = 5
    gpus: int = 0
    cpus: int = 1
    memory_gb: float | None = None
    setup: Sequence[str] = ()
    options: Mapping[str, Json] = field(default_factory=dict)

    def flags(self) -> dict[str, Json]:
        """The options of sbatch, by their long names."""
        named: dict[str, Any] = {
            name: getattr(self, name) for name in ("partition", "account", "qos") if getattr(self, name)
        }
        named |= {"time": self.minutes, "cpus-per-task": self.cpus}
        if self.gpus:
            named["gpus-per-node"] = self.gpus
        if self.memory_gb is not None:
            named["mem"] = f"{round(1024 * self.memory_gb)}M"
        return {**named, **self.options}


@dataclass(frozen=True)
class RaySettings:
    """Which cluster, "" for one that is started here, and how many `gpus` and `cpus` of it each worker takes (None: a share)."""

    address: str = ""
    gpus: float | None = None
    cpus: int | None = None

    @classmethod
    def of(cls, config: Mapping[str, Json]) -> RaySettings:
        """Those of a resolved configuration, or of RAY_ADDRESS; raises BenchError for what is none."""
        given = config.get("address")
        address = (os.environ.get("RAY_ADDRESS", "") if given is None else str(given)).strip()
        if address.startswith("ray://"):
            raise BenchError(
                f"launch.ray.address={address} is of Ray Client; give that of the cluster itself, HOST:PORT, on one of its nodes"
            )
        for name, least in (("gpus", 0), ("cpus", 1)):
            if config.get(name) is not None and config[name] < least:
                raise BenchError(f"launch.ray.{name}={config[name]} must be at least {least}")
        gpus = config.get("gpus")
        if gpus is not None and gpus > 1 and gpus != int(gpus):
            raise BenchError(f"launch.ray.gpus={gpus} must be a whole number, or a share of one GPU")
        return cls("" if address == "local" else address, gpus, config.get("cpus"))


@dataclass(frozen=True)
class LaunchSettings:
    """By what (`kind`), and in how many `parts`; None leaves their number to the machine."""

    kind: str
    parts: int | None = None
    slurm: SlurmSettings = field(default_factory=SlurmSettings)
    ray: RaySettings = field(default_factory=RaySettings)

    @classmethod
    def of(cls, config: Mapping[str, Json]) -> LaunchSettings | None:
        """Those of a resolved configuration, None where one process answers all; raises BenchError for what is none."""
        kind, parts = config["kind"], config["parts"]
        if kind not in KINDS:
            raise BenchError(f"launch.kind={kind} is not one of {', '.join(KINDS)}")
        if parts is not None and not 1 <= parts <= MOST:
            raise BenchError(f"launch.parts={parts} must be at least 1 and at most {MOST}")
        if kind == NONE and parts is not None:
            raise BenchError(f"launch.parts={parts} needs launch=local, launch=ray or launch=slurm, which start them")
        if kind in (SLURM, SLURM_SCRIPT) and parts is None:
            raise BenchError(f"launch={kind} needs launch.parts=NUMBER: into how many parts the run is cut")
        _refuse_idle("slurm", config.get("slurm") or {}, SlurmSettings(), kind in (SLURM, SLURM_SCRIPT))
        _refuse_idle("ray", config.get("ray") or {}, RaySettings(), kind == RAY)
        if kind == NONE:
            return None
        return cls(
            kind, parts, _slurm(config["slurm"] or {}), RaySettings.of((config["ray"] or {}) if kind == RAY else {})
        )


def _refuse_idle(launcher: str, config: Mapping[str, Json], default: Any, is_used: bool) -> None:
    """Raise BenchError for a setting of a launcher that does not launch anything here."""
    for name, value in config.items():
        if not is_used and (value or None) != (getattr(default, name, None) or None):
            raise BenchError(
                f"launch.{launcher}.{name}={value} does nothing without launch={launcher}; leave one of them out"
            )


def _slurm(config: Mapping[str, Json]) -> SlurmSettings:
    for name, least in (("minutes", 1), ("requeues", 0), ("gpus", 0), ("cpus", 1), ("memory_gb", 0.001)):
        if config.get(name) is not None and config[name] < least:
            raise BenchError(f"launch.slurm.{name}={config[name]} must be at least {least}")
    options = {str(name): value for name, value in (config.get("options") or {}).items()}
    if own := [name for name in options if name.lstrip("-").replace("_", "-") in _OWN_OPTIONS]:
        raise BenchError(
            f"launch.slurm.options.{own[0]} is said by bench itself, or would keep a part from being answered; leave it out"
        )
    texts = (*config.get("setup", ()), *(config.get(name) or "" for name in ("partition", "account", "qos")))
    for text in (*texts, *options, *map(str, options.values())):
        if "\n" in text or "\r" in text:
            raise BenchError(
                "launch.slurm: a text of several lines is none of sbatch's; give each line of setup as one of the list"
            )
    return SlurmSettings(**{one.name: config[one.name] for one in fields(SlurmSettings) if one.name in config})
