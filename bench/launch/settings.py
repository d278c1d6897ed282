"""How the parts of a run are launched, as `launch=` says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BenchError
from bench.runs.shards import MOST
from bench.types import Json

NONE, LOCAL = KINDS = ("none", "local")


@dataclass(frozen=True)
class LaunchSettings:
    """By what (`kind`), and in how many `parts`; None leaves their number to the machine."""

    kind: str
    parts: int | None = None

    @classmethod
    def of(cls, config: Mapping[str, Json]) -> LaunchSettings | None:
        """Those of a resolved configuration, None where one process answers all; raises BenchError for what is none."""
        kind, parts = config["kind"], config["parts"]
        if kind not in KINDS:
            raise BenchError(f"launch.kind={kind} is not one of {', '.join(KINDS)}")
        if parts is not None and not 1 <= parts <= MOST:
            raise BenchError(f"launch.parts={parts} must be at least 1 and at most {MOST}")
        if kind == NONE and parts is not None:
            raise BenchError(f"launch.parts={parts} needs launch=local, which starts them")
        return None if kind == NONE else cls(kind, parts)
