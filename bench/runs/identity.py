"""What a run stands on, as one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bench.types import Json


def canonical(value: Json) -> str:
    """One JSON text for one value, so that its hash is stable; NaN is refused."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def fingerprint(*values: Json) -> str:
    """The sha256 of the canonical JSON of the values, one a line."""
    state = hashlib.sha256()
    for value in values:
        state.update(canonical(value).encode("utf-8", "surrogatepass") + b"\n")
    return state.hexdigest()


def identity(settings: Mapping[str, Any]) -> str:
    """The run id: 12 hex digits of the hash of everything that can change a prediction."""
    return fingerprint(settings)[:12]
