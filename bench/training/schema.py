"""What a training's record looks like, as a JSON schema: read before anything in it is used."""

from __future__ import annotations

from bench.runs.record_schema import TASK, TIME, misfit
from bench.types import Json

_SHORT = {"type": "string", "maxLength": 500}
_MODEL = {"type": "string", "maxLength": 120, "pattern": r"\A[^/\\:\x00-\x1f]+\Z"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53}
_SECONDS = {"type": "number", "minimum": 0, "maximum": 1e10}
_NUMBER = {"type": "number", "minimum": -1e12, "maximum": 1e12}
_YES = {"type": "boolean"}
_DIGESTS = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 80}, "maxProperties": 1000}


def _or_none(form: dict[str, Json]) -> dict[str, Json]:
    return {"anyOf": [form, {"type": "null"}]}


def _closed(properties: dict[str, Json]) -> dict[str, Json]:
    """An object of these keys and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_SEED = _closed(
    {
        "seed": _COUNT, "reached": _YES, "why": {"enum": ["reached", "epochs", "limit"]}, "seconds": _or_none(_SECONDS),
        "hours": _or_none(_SECONDS), "trained_seconds": _SECONDS, "epoch": _SECONDS, "value": _NUMBER, "best": _NUMBER,
        "attempts": {"type": "integer", "minimum": 1},
        "curve": {"type": "array", "minItems": 1, "maxItems": 100_000,
                  "items": _closed({"step": _COUNT, "epoch": _SECONDS, "hours": _SECONDS, "value": _NUMBER})},
        "phases": {"type": "object", "additionalProperties": _SECONDS, "maxProperties": 20}, "repeated_seconds": _SECONDS,
        "lost_seconds": _SECONDS, "model": _SHORT, "sha256": {"type": "string", "pattern": r"\A[0-9a-f]{64}\Z"},
    }
)  # fmt: skip
_RESULT = _closed(
    {
        "mlperf": _closed({"seconds": _or_none(_SECONDS), "valid": _YES, "reason": _SHORT}),
        "algoperf": _closed({"seconds": _or_none(_SECONDS), "reason": _SHORT}),
        "spread": _closed({"n": _COUNT, "n_reached": _COUNT, "min": _or_none(_SECONDS), "max": _or_none(_SECONDS),
                           "std": _or_none(_SECONDS)}),
    }
)  # fmt: skip
_OPEN = {"type": "object", "maxProperties": 200}
_RECORD = _closed(
    {
        "training_id": {"type": "string", "pattern": r"\Atrain-[0-9a-f]{12}(-[0-9]{1,4})?\Z"},
        "task": {"type": "string", "pattern": TASK["pattern"]}, "task_version": _COUNT, "model": _MODEL,
        "model_revision": _SHORT, "weights_sha256": _SHORT,
        "target": _closed({"metric": _SHORT, "value": _NUMBER, "higher_is_better": _YES, "is_fraction": _YES}),
        "recipe": {"type": "object", "additionalProperties": _NUMBER, "maxProperties": 50},
        "limit_seconds": _or_none(_SECONDS), "device": {"enum": ["cpu", "cuda"]}, "dtype": _SHORT, "n_training": _COUNT,
        "n_evaluation": _COUNT, "data_fingerprint": _SHORT, "asked": _SHORT, "taught": _SHORT, "leaked": _COUNT, "split": _SHORT,
        "comparable": _YES, "untrained": _or_none(_NUMBER),
        "seeds": {"type": "array", "items": _SEED, "minItems": 1, "maxItems": 100},
        "result": _RESULT, "environment": _OPEN, "libraries": _OPEN, "code": _OPEN, "config": _OPEN, "files": _DIGESTS,
        "created": {"type": "string", "pattern": TIME}, "price": _OPEN, "energy": _OPEN,
    }
)  # fmt: skip


def problem(record: Json) -> str:
    """The first field of a training's record that does not fit, and why; "" where all fit."""
    return misfit(record, _RECORD)
