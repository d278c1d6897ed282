"""What a run stands on, as one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bench.types import Example, Json

# Made once: `json.dumps` makes one for each call with options.
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(value: Json) -> str:
    """One JSON text for one value, so that its hash is stable; NaN is refused."""
    return _ENCODER.encode(value)


def fingerprint(*values: Json) -> str:
    """The sha256 of the canonical JSON of the values, one a line."""
    state = hashlib.sha256()
    for value in values:
        add_value(state, value)
    return state.hexdigest()


def add_value(state: hashlib._Hash, value: Json) -> None:
    """Take one more value into the state of a `fingerprint`."""
    state.update(canonical(value).encode("utf-8", "surrogatepass") + b"\n")


def fingerprint_of(examples: Iterable[Example]) -> str:
    """The fingerprint of examples, one after the other."""
    state = hashlib.sha256()
    for example in examples:
        add_value(state, example.to_json())
    return state.hexdigest()


def digest_of(example: Example) -> str:
    """12 hex digits over one example: only examples of the same digest may be compared."""
    return fingerprint(example.to_json())[:12]


@dataclass(frozen=True)
class Identity:
    """Everything that can change an answer. Two runs of one identity are the same run, and share a folder.

    `asked` is the digest of all requests and `data` that of the examples; `files` are those that the task read, by sha256. `config`
    is the model's configuration without what changes no answer, `code` the digest of every module outside this package that
    the model is made of. `ideal` is that of the ideal answers, for a model that reads them or
    learns from them.
    """

    task: str
    version: int
    asked: str
    data: str
    files: Mapping[str, str]
    model: str
    revision: str
    weights_sha256: str
    config: Json
    code: Mapping[str, str]
    device: str
    dtype: str
    seed: int
    batch_size: int
    batch_tokens: int
    ideal: str = ""

    @property
    def run_id(self) -> str:
        """12 hex digits of the hash of it all."""
        return fingerprint(vars(self))[:12]

    def answers_as(self, other: Identity) -> bool:
        """Whether the other's answer to a request that both ask would be this one's, in the same company."""
        return replace(self, asked="", data="", files={}) == replace(other, asked="", data="", files={})
