"""What a run's record and a bundle's manifest look like, as JSON schemas: read before anything in them is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bench.runs import readings
from bench.text.shown import terminal
from bench.types import FINISHES, Json

_NAME = {"type": "string", "minLength": 1, "maxLength": 120}
_MODEL = {"type": "string", "maxLength": 120, "pattern": r"\A[^/\\:\x00-\x1f]+\Z"}
_SHORT = {"type": "string", "maxLength": 500}
_LONG = {"type": "string", "maxLength": 2000}
_SHA256 = {"type": "string", "pattern": r"\A[0-9a-f]{64}\Z"}
_WEIGHTS = {
    "type": "string",
    "pattern": r"\A[0-9a-f]{0,64}( \+ [0-9a-f]{0,64}){0,9}\Z",
}  # those of a pipeline, one behind the other
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53}
_NUMBER = {"type": ["number", "null"]}
_SECONDS = {"type": ["number", "null"], "minimum": 0}
TIME = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?\+00:00\Z"
_TIME = {"type": "string", "pattern": TIME}
RUN_ID = {"type": "string", "pattern": r"\A[0-9a-f]{12}(-[0-9]{1,4})?\Z"}
TASK = {"type": "string", "pattern": r"\A[A-Za-z0-9_][A-Za-z0-9_-]{0,99}\Z"}


def _closed(properties: dict[str, Json], optional: tuple[str, ...] = ()) -> dict[str, Json]:
    """An object of these keys and no others, all of them needed but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_SCORE = _closed(
    {
        "metric": _NAME, "value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "n": _COUNT, "n_failed": _COUNT,
        "higher_is_better": {"type": "boolean"}, "is_fraction": {"type": "boolean"}, "worst": _NUMBER, "best": _NUMBER,
        "official": _NUMBER, "signature": _SHORT, "note": _LONG,
    }
)  # fmt: skip
_TIMINGS = _closed(
    {
        "attempts": {"type": "integer", "minimum": 1},
        "seconds": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "required": ["total"]},
        "repeated_seconds": {"type": "number"}, "first_batch_seconds": _SECONDS, "n": _COUNT, "prompt_tokens": _COUNT,
        "new_tokens": _COUNT, "truncated": _COUNT, "halvings": _COUNT, "examples_per_second": _SECONDS,
        "tokens_per_second": _SECONDS, "seconds_per_answer": _SECONDS, "started": _TIME,
        "latency_p50": _SECONDS, "latency_p90": _SECONDS,
        "peak_memory_bytes": {"type": ["integer", "null"], "minimum": 0},
        "device_memory_bytes": {"type": ["integer", "null"], "minimum": 0}, "usd": _SECONDS,
        "parts": {"type": "integer", "minimum": 1}, "wall_seconds": _SECONDS,
    },
    optional=(
        "parts", "wall_seconds", "peak_memory_bytes", "device_memory_bytes", "usd", "started", "seconds_per_answer", "latency_p50",
        "latency_p90",
    ),
)  # fmt: skip
_ENVIRONMENT = {
    "type": "object",
    "properties": {
        "commit": _SHORT, "python": _SHORT, "platform": _SHORT, "cpu": _SHORT, "cores": _COUNT, "physical_cores": _COUNT,
        "packages": {"type": "object", "additionalProperties": _SHORT}, "device": {"enum": ["cpu", "cuda"]},
        "device_name": _SHORT, "dtype": _NAME, "threads": {"type": ["integer", "null"], "minimum": 0},
    },
    "required": ["commit", "device", "dtype"],
    "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": 500},
    "maxProperties": 50,
}  # fmt: skip
_FAULT = _closed({"n": _COUNT, "first": {"type": "array", "items": _LONG, "maxItems": 10}})
_SUBMISSION = {
    "anyOf": [
        {"type": "object", "maxProperties": 0},
        {
            "type": "object",
            "properties": {
                "file": _SHORT, "sha256": _SHORT, "missing": _FAULT, "unknown": _FAULT, "duplicated": _FAULT, "malformed": _FAULT,
            },
            "required": ["missing"],
            "maxProperties": 12,
        },
    ]
}  # fmt: skip
_AUDIT = {
    "anyOf": [
        {"type": "object", "maxProperties": 0},
        {
            "type": "object",
            "properties": {
                "kind": _NAME, "n": _COUNT, "flips": _COUNT, "flip_rate": {"type": "number", "minimum": 0, "maximum": 1},
                "ids": {"type": "array", "items": _LONG}, "noise": {"type": "number", "minimum": 0, "maximum": 1},
            },
            "required": ["kind", "n", "flips", "flip_rate"],
        },
    ]
}  # fmt: skip
_RERUN = _closed(
    {
        "n": _COUNT, "seed": _COUNT, "equal": _COUNT, "examples_per_second": _SECONDS, "claimed": _SECONDS, "processor": _SHORT,
        "reproduced": {"type": "boolean"},
    }
)  # fmt: skip
_LOG = _closed(
    {
        "harness": _NAME, "version": _SHORT, "file": _SHORT, "sha256": _SHA256, "model": _SHORT, "task": _SHORT,
        "task_version": _SHORT, "cluster": _SHORT, "data": _SHORT, "date": _SHORT,
        "stated": {"type": "object", "maxProperties": 200, "additionalProperties": {"type": "number"}},
    },
    optional=("task", "task_version", "cluster", "data", "date"),
)  # fmt: skip
_ORIGIN = _closed(
    {
        "imported": _LOG,
        "bundle": _SHA256, "submitter": _SHORT, "predictions": _SHA256,
        "verified": _closed(
            {"date": _SHORT, "version": _SHORT, "commit": _SHORT, "attempt": _COUNT, "rerun": _RERUN},
            optional=("attempt", "rerun"),
        ),
    },
    optional=("imported", "bundle", "submitter", "predictions", "verified"),
)  # fmt: skip
_DIGESTS = {"type": "object", "additionalProperties": {**_SHORT, "maxLength": 80}, "maxProperties": 1000}
_VERSIONS = {"type": "object", "additionalProperties": _SHORT, "maxProperties": 100}
_CODE = {"type": "object", "maxProperties": 100, "additionalProperties": _closed(
    {"sha256": _SHORT, "version": _SHORT, "commit": _SHORT, "note": _LONG}, optional=("version", "commit", "note")
)}  # fmt: skip
_HISTORY = {"type": "array", "maxItems": 1000, "items": _closed(
    {
        "created": _TIME, "replaced": _TIME, "scorer": _DIGESTS, "resamples": _COUNT,
        "scores": {"type": "array", "items": _SCORE, "maxItems": 100},
    }
)}  # fmt: skip
_REUSED = {"type": "object", "propertyNames": RUN_ID, "additionalProperties": _COUNT, "maxProperties": 100}
_UNKNOWN = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**53}
_ANSWERS = {
    "anyOf": [
        {"type": "object", "maxProperties": 0},
        _closed(
            {
                "finishes": _closed(dict.fromkeys(FINISHES, _COUNT)),
                "n_cut": _UNKNOWN, "n_refused": _UNKNOWN, "n_empty": _UNKNOWN, "n_unparsed": _UNKNOWN,
                "if_cut": {
                    "type": "object", "maxProperties": 100, "propertyNames": _NAME,
                    "additionalProperties": _closed({"wrong": {"type": "number"}, "right": {"type": "number"}}),
                },
            }
        ),
    ]
}  # fmt: skip


def _or_null(schema: dict[str, Json]) -> dict[str, Json]:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


_SPREAD = _or_null(_closed(dict.fromkeys(("mean", "min", "max", "p50", "p90", "p95", "p97", "p99"), _SECONDS)))
_TOOK, _PASSED, _VERDICT = {"type": "number", "minimum": 0}, {"type": "boolean"}, {"enum": ["VALID", "INVALID"]}
_TRIED = _closed({"qps": _TOOK, "verdict": _VERDICT, "seconds": _SECONDS, "n": _COUNT})
_SAME = _or_null(_closed({"n": _COUNT, "unlike": _COUNT, "differ": _COUNT, "passed": _PASSED}))
_CACHE = _or_null(
    _closed(
        {
            "distinct_seconds": _TOOK,
            "repeated_seconds": _TOOK,
            "ratio": _SECONDS,
            "seen_ratio": _SECONDS,
            "passed": _PASSED,
        }
    )
)
_SCENARIO = _closed(
    {
        "scenario": {"enum": ["offline", "single_stream", "server"]}, "rules": {"enum": ["default", "mlperf"]},
        "verdict": _VERDICT, "reasons": {"type": "array", "items": _LONG, "maxItems": 100},
        "percentile": _UNKNOWN, "n": _COUNT, "failed": _COUNT, "seconds": _TOOK, "examples_per_second": _SECONDS,
        "tokens_per_second": _SECONDS, "prompt_tokens": _COUNT, "new_tokens": _COUNT, "latency": _SPREAD, "ttft": _SPREAD,
        "tpot": _SPREAD, "early_stopping": _or_null(_closed({"seconds": _TOOK, "discarded": _COUNT})),
        "qps": _SECONDS, "achieved_qps": _SECONDS, "bound": _or_null(_closed({"percentile": _COUNT, "seconds": _TOOK})),
        "search": _or_null({"type": "array", "maxItems": 100, "items": _TRIED}),
        "audit": _closed({"same_answers": _SAME, "cache": _CACHE}), "client_overhead_seconds": _SECONDS,
        "environment": _closed(
            {
                "device": {"enum": ["cpu", "cuda"]}, "device_name": _SHORT, "dtype": _NAME, "threads": _UNKNOWN, "cpu": _SHORT,
                "load": _SECONDS,
            }
        ),
        "started": _TIME, "sha256": _SHA256, "caveats": {"type": "array", "items": _LONG, "maxItems": 100},
    },
    optional=("caveats",),
)  # fmt: skip
FILES = ("config.yaml", "measurements.json", "predictions.jsonl", "timings.jsonl", *readings.FILES)
_ABOVE_0 = {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1_000_000}
_TOKENS = {"type": "number", "minimum": 0, "maximum": 1_000_000}
_PRICE = {
    "anyOf": [
        {"type": "object", "maxProperties": 0},
        _closed(
            {
                "name": _NAME, "currency": {"type": "string", "pattern": r"\A[A-Z]{3}\Z"}, "per_hour": _ABOVE_0,
                "per_million": {**_closed({"prompt": _TOKENS, "completion": _TOKENS}), "type": ["object", "null"]},
                "date": {"type": "string", "pattern": r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"}, "source": {**_SHORT, "minLength": 1},
                "uncounted": _COUNT,
            },
            optional=("uncounted",),
        ),
    ]
}  # fmt: skip
_ENERGY = {
    "anyOf": [
        {"type": "object", "maxProperties": 0},
        _closed(
            {
                "joules": {"type": "number", "exclusiveMinimum": 0, "maximum": 1e15}, "how": {"enum": ["measured", "estimated"]},
                "by": _NAME, "counter": _SHORT, "covers": _SHORT,
            }
        ),
    ]
}  # fmt: skip

RUN = _closed(
    {
        "run_id": RUN_ID, "task": TASK, "task_version": {"type": "integer", "minimum": 0}, "model": _MODEL,
        "model_revision": _SHORT, "weights_sha256": _WEIGHTS,
        "is_reference": {"type": "boolean"}, "data_fingerprint": _SHA256, "n_examples": {"type": "integer", "minimum": 0},
        "limit": {"type": ["integer", "null"], "minimum": 1}, "seed": _COUNT,
        "resamples": {"type": "integer", "minimum": 1, "maximum": 100_000},
        "scores": {"type": "array", "items": _SCORE, "minItems": 1, "maxItems": 100}, "timings": _TIMINGS,
        "environment": _ENVIRONMENT, "config": {"type": "object"}, "created": _TIME,
        "files": {"type": "object", "propertyNames": {"enum": list(FILES)}, "additionalProperties": _SHA256},
        "submission": _SUBMISSION, "audit": _AUDIT, "computed": {"type": "object", "maxProperties": 100}, "origin": _ORIGIN,
        "asked": {"type": "string", "pattern": r"\A([0-9a-f]{64}|elsewhere|)\Z"}, "data_files": _DIGESTS, "code": _CODE,
        "libraries": _VERSIONS, "scorer": _DIGESTS, "history": _HISTORY, "reused": _REUSED,
        "answers": _ANSWERS, "scenarios": {"type": "object", "maxProperties": 20, "additionalProperties": _SCENARIO},
        "price": _PRICE, "energy": _ENERGY,
    },
    optional=(
        "submission", "audit", "computed", "origin", "asked", "data_files", "code", "libraries", "scorer", "history", "reused",
        "answers", "scenarios", "price", "energy",
    ),
)  # fmt: skip

_FILE = _closed({"sha256": _SHA256, "bytes": _COUNT})
_ENTRY = _closed(
    {
        "task": TASK, "version": {"type": "integer"}, "model": _MODEL, "run_id": RUN_ID, "revision": _SHORT,
        "weights_sha256": _WEIGHTS, "card": {"type": "object", "additionalProperties": _LONG, "maxProperties": 20},
        "data_fingerprint": _SHA256, "metric": _NAME, "value": _NUMBER, "low": _NUMBER, "high": _NUMBER,
        "files": {
            "type": "object", "propertyNames": {"enum": ["run.json", *FILES]}, "additionalProperties": _FILE,
            "required": ["run.json", "config.yaml", "predictions.jsonl", "timings.jsonl"],
        },
    }
)  # fmt: skip
FORMAT = 1
MANIFEST = _closed(
    {
        "format": {"const": FORMAT}, "submitter": {"type": "string", "maxLength": 200}, "created": _TIME, "version": _NAME,
        "runs": {"type": "array", "items": _ENTRY, "minItems": 1, "maxItems": 100},
    }
)  # fmt: skip


PART = {  # what a part of a run says of itself; all but the first two when it is answered
    "type": "object",
    "properties": {
        "shard": _SHORT, "together": _SHORT, "seconds": {"type": "number", "minimum": 0}, "environment": _ENVIRONMENT,
        "computed": {"type": "object", "maxProperties": 100}, "peak_memory_bytes": {"type": ["integer", "null"], "minimum": 0},
        "device_memory_bytes": {"type": ["integer", "null"], "minimum": 0},
    },
    "required": ["shard", "together"],
    "dependentRequired": {"seconds": ["environment", "computed", "peak_memory_bytes", "device_memory_bytes"]},
    "additionalProperties": False,
}  # fmt: skip


def misfit(record: Json, schema: Mapping[str, Json]) -> str:
    """The first field of a record that does not fit a schema, and why, in one line; "" where all fit."""
    return _first(_strict()(schema), record)


def problem(record: Json, *, strangers: bool = False) -> str:
    """The first field of a run's record that is of a wrong type, and why, in one line; "" for none.

    Another version may have kept more, or less; what a row of a board needs is asked for where it is shown. Of `strangers` a field
    must also have the form and size that bundles may have.
    """
    # Nearly every record fits, and of each the library makes a few hundred objects: it is asked where one does not, and says which.
    return "" if not strangers and _fits(_types_of_run(), record) else _first(_eased_run(strangers), record)


def _fits(schema: Mapping[str, Json], value: Json) -> bool:
    """Whether a value has the types of a schema that says nothing else, whose whole numbers are no 1.0.

    A walk in plain loops: a board asks this of every run.
    """
    if not schema:
        return True
    wanted = schema.get("type", ())
    kind = type(value)
    if wanted and kind not in (_KINDS[wanted] if type(wanted) is str else _kinds(tuple(wanted))):
        return False
    if kind is dict:
        known, rest = schema.get("properties", _NONE), schema.get("additionalProperties", _NONE)
        for name, one in value.items():
            inner = known.get(name, rest)
            if inner and not _fits(inner, one):
                return False
    elif kind is list and (inner := schema.get("items", _NONE)):
        for one in value:
            if not _fits(inner, one):
                return False
    return True


@cache
def _kinds(names: tuple[str, ...]) -> tuple[type, ...]:
    return tuple(kind for name in names for kind in _KINDS[name])


_NONE: dict[str, Json] = {}
_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "null": (type(None),),
}  # fmt: skip


def _first(validator: Any, record: Json) -> str:
    for error in validator.iter_errors(record):
        place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".")
        return f"{terminal(place, 200) or 'the record'}: {terminal(error.message, 200)}"
    return ""


@cache
def _strict() -> Callable[..., Any]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda checker, value: type(value) is int)  # not 1.0
    found: Callable[..., Any] = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    return found


@cache
def _types_of_run() -> dict[str, Json]:
    return _eased(RUN, forms=False)


@cache
def _eased_run(strangers: bool) -> Any:
    return _strict()(_eased(RUN, strangers))


def _eased(schema: Mapping[str, Json], forms: bool) -> dict[str, Json]:
    """The schema without what it needs and closes; without `forms` only its types, which any reader of a field relies on."""
    if "anyOf" in schema:  # nothing at all, or what the last says
        return _eased(schema["anyOf"][-1], forms)
    found = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: _eased(one, forms) for name, one in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            found[key] = _eased(value, forms)
        elif key == "type" or (forms and key not in ("required", "additionalProperties")):
            found[key] = value
    return found
