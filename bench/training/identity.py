"""What a training stands on, as one hash: two trainings of one identity are the same, and share a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.runs.identity import fingerprint
from bench.types import Json


@dataclass(frozen=True)
class TrainingIdentity:
    """All that can change a weight, a score or a time.

    `asked` and `data` are the digests of the evaluated requests and examples, `taught` that of what is learned; the other names are
    those of `bench.runs.identity.Identity`. The machine counts too (`machine`, `threads`): a time is one of a machine.
    """

    task: str
    version: int
    asked: str
    data: str
    files: Mapping[str, str]
    taught: str
    model: str
    revision: str
    weights_sha256: str
    config: Json
    code: Mapping[str, str]
    target: Json
    recipe: Mapping[str, float]
    seeds: tuple[int, ...]
    limit_seconds: float | None
    device: str
    dtype: str
    threads: int
    machine: str
    batch_size: int
    batch_tokens: int

    @property
    def training_id(self) -> str:
        """12 hex digits of the hash of it all."""
        return fingerprint(vars(self) | {"seeds": list(self.seeds)})[:12]
