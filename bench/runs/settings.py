"""The settings of a run, declared once: the schema of conf/config.yaml, the command line and the loop take them from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.text import secrets
from bench.types import MOST_TOKENS, Json

RESAMPLES, SEED = (
    2000,
    0,
)  # of a run's bootstrap unless it asks for others; of every interval on a board, whatever it asked for
_KEY = {"key": True}  # a field that is a key of conf/config.yaml too; "least" and "most" bound its number


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do beside its task, model and device.

    `limit` takes the first examples, None all; `seed` is that of random models, few-shot draws and the bootstrap. A model gets at
    most `batch_size` requests and about `batch_tokens` tokens of prompts at once. `audit` is "none" or "batch_invariance",
    which asks a sample of `audit_size` examples again. `resamples` is the size of the bootstrap, `shots` the number of solved
    training examples in each prompt. `energy` says what reads the energy (`bench.runs.energy`). `max_new_tokens` replaces the
    limit of every request that generates, None keeps each task's. `shard` names the part of the run that is answered ("3/8"), None
    for all of it; it is no part of `config`, since the run is the same.

    `config` is the resolved configuration, for the record and the identity: its secrets are withheld here. With `fresh` a run
    starts anew even if it is there; with `strict`, if it was computed under other versions of what computes; with `reuse`, a new
    run takes over what an earlier one answered to the very same requests. `price` is what `bench.runs.price` read, {} for none; it
    is no part of `config`, since it changes no answer and may change while the run stays.
    """

    runs_dir: Path = field(default=Path("runs"), metadata=_KEY)
    limit: int | None = field(default=None, metadata=_KEY)
    seed: int = field(default=SEED, metadata=_KEY | {"least": 0})
    batch_size: int = field(default=256, metadata=_KEY | {"least": 1})
    batch_tokens: int = field(default=65536, metadata=_KEY | {"least": 1})
    audit: str = field(default="none", metadata=_KEY)
    audit_size: int = field(default=64, metadata=_KEY | {"least": 1})
    resamples: int = field(default=RESAMPLES, metadata=_KEY | {"least": 1})
    shots: int = field(default=0, metadata=_KEY | {"least": 0})
    energy: str = field(default="none", metadata=_KEY)
    max_new_tokens: int | None = field(default=None, metadata=_KEY | {"least": 1, "most": MOST_TOKENS})
    shard: str | None = field(default=None, metadata=_KEY)
    fresh: bool = False
    strict: bool = False
    reuse: bool = False
    config: Mapping[str, Json] = field(default_factory=dict)
    price: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", secrets.own(self.config))

    @classmethod
    def of(cls, resolved: Mapping[str, Any], **more: Any) -> Settings:
        """Those of a resolved configuration; raises BenchError for a number that is too small or too large."""
        values = {one.name: resolved[one.name] for one in fields(cls) if one.metadata.get("key")}
        for one in fields(cls):
            least, most, value = one.metadata.get("least"), one.metadata.get("most"), values.get(one.name)
            if least is not None and value is not None and value < least:
                raise BenchError(f"{one.name}={value} must be at least {least}")
            if most is not None and value is not None and value > most:
                raise BenchError(f"{one.name}={value} must be at most {most}")
        if not str(values["runs_dir"]).strip():
            raise BenchError("runs_dir is empty; name a folder, or . for this one")
        return cls(**{**values, "runs_dir": Path(values["runs_dir"])}, **more)
