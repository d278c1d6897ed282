"""The schema of the configuration: a wrong type or key fails while it is composed, with its full name."""

from __future__ import annotations

import dataclasses
from typing import Any


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
class Conf:
    """The schema of conf/config.yaml. Tasks and models check themselves: see `build`."""

    task: Any = None
    model: Any = None
    suite: SuiteConf | None = None
    device: DeviceConf = dataclasses.field(default_factory=DeviceConf)
    tracking: TrackingConf = dataclasses.field(default_factory=TrackingConf)
    limit: int | None = None
    seed: int = 0
    batch_size: int = 256
    batch_tokens: int = 65536
    audit: str = "none"
    audit_size: int = 64
    resamples: int = 2000
    shots: int = 0
    runs_dir: str = "runs"
    data_dir: str = "data"
    data: DataConf = dataclasses.field(default_factory=DataConf)
