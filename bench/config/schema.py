"""The schema of the configuration: a wrong type or key fails while it is composed, with its full name."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any

from bench.runs.settings import Settings
from bench.timing.settings import TimingSettings


@dataclasses.dataclass
class DeviceConf:
    """conf/device."""

    kind: str = "auto"
    dtype: str = "auto"
    threads: int | None = None


@dataclasses.dataclass
class TrackingConf:
    """conf/tracking."""

    enabled: bool = True
    uri: str | None = None


@dataclasses.dataclass
class SuiteConf:
    """conf/suite: tasks in order, and for some of them how many examples to take."""

    tasks: list[str] = dataclasses.field(default_factory=list)
    limits: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class DataConf:
    """`data.path`: where the data of one task are, instead of the data directory."""

    path: str | None = None


@dataclasses.dataclass
class SlurmConf:
    """`launch.slurm`: what `bench.launch.settings.SlurmSettings` says."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    minutes: int = 60
    requeues: int = 5
    gpus: int = 0
    cpus: int = 1
    memory_gb: float | None = None
    setup: list[str] = dataclasses.field(default_factory=list)
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class RayConf:
    """`launch.ray`: what `bench.launch.settings.RaySettings` says."""

    address: str | None = None
    gpus: float | None = None
    cpus: int | None = None


@dataclasses.dataclass
class LaunchConf:
    """conf/launch."""

    kind: str = "none"
    parts: int | None = None
    slurm: SlurmConf = dataclasses.field(default_factory=SlurmConf)
    ray: RayConf = dataclasses.field(default_factory=RayConf)


# conf/timing: the keys that `TimingSettings` declares.
TimingConf = dataclasses.make_dataclass(
    "TimingConf",
    [
        (one.name, typing.get_type_hints(TimingSettings)[one.name], dataclasses.field(default=one.default))
        for one in dataclasses.fields(TimingSettings)
    ],
)


@dataclasses.dataclass
class TokensConf:
    """`price.per_million`: of the tokens that an endpoint reads and writes."""

    prompt: Any = None
    completion: Any = None


@dataclasses.dataclass
class PriceConf:
    """conf/price. Values are checked by `bench.runs.price`, which tells a number from a text."""

    currency: Any = None
    per_hour: Any = None
    per_million: TokensConf | None = dataclasses.field(default_factory=TokensConf)
    date: Any = None
    source: Any = None


def _settings() -> list[tuple[str, Any, Any]]:
    """The keys that `Settings` declares, a path as the text that it is in YAML."""
    kinds = typing.get_type_hints(Settings)
    return [
        (one.name, str if kinds[one.name] is Path else kinds[one.name], dataclasses.field(
            default=str(one.default) if kinds[one.name] is Path else one.default
        ))
        for one in dataclasses.fields(Settings) if one.metadata.get("key")
    ]  # fmt: skip


# conf/config.yaml. Tasks and models check themselves: see `bench.config.build`.
Conf = dataclasses.make_dataclass(
    "Conf",
    [
        ("task", Any, dataclasses.field(default=None)),
        ("model", Any, dataclasses.field(default=None)),
        ("suite", SuiteConf | None, dataclasses.field(default=None)),
        ("device", DeviceConf, dataclasses.field(default_factory=DeviceConf)),
        ("tracking", TrackingConf, dataclasses.field(default_factory=TrackingConf)),
        ("timing", TimingConf, dataclasses.field(default_factory=TimingConf)),
        ("price", PriceConf, dataclasses.field(default_factory=PriceConf)),
        ("launch", LaunchConf, dataclasses.field(default_factory=LaunchConf)),
        *_settings(),
        ("data_dir", str, dataclasses.field(default="data")),
        ("data", DataConf, dataclasses.field(default_factory=DataConf)),
    ],
)
