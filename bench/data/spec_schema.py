"""What the JSON Schema of a specification finds wrong in one record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from bench.data.located_json import Finding, JsonPath

SPECS = Path(__file__).parent / "specs"
_NONBLANK = r"\S"
_NOUNS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
_RULES = {
    "type": "type",
    "required": "required",
    "enum": "enum",
    "minimum": "range",
    "maximum": "range",
    "exclusiveMinimum": "range",
    "minItems": "count",
    "maxItems": "count",
    "additionalProperties": "unknown-field",
    "pattern": "pattern",
}


def _whole_number(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# JSON Schema takes 1.0 for an integer, but a slice or a pixel cannot be 1.0.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", _whole_number)
_Strict = extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call]


@cache
def load(spec: str) -> dict[str, Any]:
    """The schema of a specification, as it is on disk."""
    schema: dict[str, Any] = json.loads((SPECS / f"{spec}.schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def _validator(spec: str, kind: str) -> Validator:
    made: Validator = _Strict({"$ref": f"#/$defs/{kind}", "$defs": load(spec)["$defs"]})
    return made


def keys(spec: str, kind: str) -> frozenset[str]:
    """The keys that a record of this kind may have."""
    return frozenset(load(spec)["$defs"][kind]["properties"])


def schema_findings(value: Any, spec: str, kind: str) -> Iterator[Finding]:
    """Everything in which `value` differs from the definition of its kind of record."""
    for error in _validator(spec, kind).iter_errors(value):
        path: JsonPath = tuple(error.absolute_path)
        keyword = str(error.validator)
        rule, bound = _RULES[keyword], cast("Any", error.validator_value)
        if keyword == "required":
            missing = next(key for key in bound if error.message.startswith(repr(key)))
            yield Finding((*path, missing), rule, f"found no {missing!r}; it is required here")
        elif keyword == "additionalProperties":
            yield from _unknown(error, path)
        elif keyword == "minItems" and path[-1] == "references":
            yield Finding(path, "references", _message(error))
        elif keyword == "pattern" and bound == _NONBLANK:
            yield Finding(path, "empty-text", f"found {show(error.instance)}; text with a visible character is allowed")
        else:
            yield Finding(path, rule, _message(error))


def _unknown(error: ValidationError, path: JsonPath) -> Iterator[Finding]:
    known = list(cast("dict[str, Any]", error.schema)["properties"])
    for key in cast("dict[str, Any]", error.instance):
        if key not in known and not key.startswith("x_"):
            message = f"found the key {key!r}; {', '.join(known)} and keys that begin with x_ are allowed"
            yield Finding((*path, key), "unknown-field", message)


def _message(error: ValidationError) -> str:
    bound, schema = cast("Any", error.validator_value), cast("dict[str, Any]", error.schema)
    keyword = str(error.validator)
    if keyword == "type":
        allowed = _NOUNS[bound]
    elif keyword == "enum":
        allowed = "one of " + ", ".join(bound)
    elif keyword == "pattern":
        allowed = f"{schema['description']} ({bound})"
    elif keyword == "exclusiveMinimum":
        allowed = f"more than {bound}"
    else:
        allowed = f"{bound} or {'more' if keyword.startswith('min') else 'less'}"
    return f"found {show(error.instance)}; {allowed} is allowed"


def show(value: object) -> str:
    """A value on one line, short: what it is, and itself where it is no container."""
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 60 else f"the text {value[:57]!r}..."
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a number of more than 18 digits"
    return f"the number {value!r}"
