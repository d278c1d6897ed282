"""Reading records that nobody vouches for: JSON without its traps, in the form that a run's files have."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Mapping, Sequence

from bench.bundles.archive import Refused
from bench.record import Run, Timing
from bench.runs import forms, record_schema
from bench.runs.measurements import Measurements
from bench.text import claimed
from bench.text.shown import terminal
from bench.types import Json, Prediction

_DIGITS = 25  # of a whole number
_CELLS = 40_000_000  # rows times columns of a metric: 320 MB
_TEXT = 1_000_000  # characters of one answer
_DEPTH = 40  # lists and objects in each other: what is read is walked again later, from deeper in the program
_WRONG = forms.WRONG


def parsed(data: bytes, where: str) -> Json:
    """The JSON value of these bytes; raises Refused for what `json` would let pass or choke on.

    That is: bytes that are not UTF-8, NaN and infinities (also 1e999), a number of many digits, a key that comes twice, and
    nesting so deep that it cannot be followed.
    """
    try:
        text = data.decode("utf-8")
        found = json.loads(
            text, parse_constant=_constant, parse_int=_integer, parse_float=_float, object_pairs_hook=_object
        )
    except RecursionError:
        raise Refused(f"{where} is nested too deep to be read") from None
    except UnicodeDecodeError as error:
        raise Refused(f"{where} is not UTF-8 (byte {error.start})") from None
    except ValueError as error:
        raise Refused(f"{where} is not JSON that can be read: {short(error)}") from None
    if _is_deep(found):
        raise Refused(f"{where} is nested too deep: more than {_DEPTH} lists and objects in each other")
    return found


def _is_deep(value: Json) -> bool:
    """Whether more than `_DEPTH` lists and objects stand in each other."""
    level = [value]
    for _ in range(_DEPTH):
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _constant(text: str) -> Json:
    raise ValueError(f"{text} is no number")


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"a number has {len(text):,} digits")
    return int(text)


def _float(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:_DIGITS]} is too large")
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"the key {twice[:80]!r} comes twice")
    return found


def short(text: object) -> str:
    """At most 200 characters on one line, without what a terminal would obey."""
    return terminal(text, 200)


def fit(record: Json, schema: Mapping[str, Json], where: str) -> None:
    """Raise Refused, naming the field, where a record does not fit a JSON schema."""
    if wrong := record_schema.misfit(record, schema):
        raise Refused(f"{where}: {wrong}")


def refuse_unseen(record: Json, where: str) -> None:
    """Raise Refused, naming the field, for a claimed text that nobody can read as it stands."""
    if wrong := claimed.problem(record):
        raise Refused(f"{where}: {wrong}")


def run(record: Json, where: str) -> Run:
    """A run's record; raises Refused where a field is missing, unknown or of another type."""
    fit(record, record_schema.RUN, where)
    refuse_unseen(record, where)
    found = Run.from_json(record)
    _refuse_dates([found.created, *(one[name] for one in found.history for name in ("created", "replaced"))], where)
    _refuse_halves(record, where)
    return found


def manifest(record: Json, where: str) -> Json:
    """A bundle's manifest; raises Refused where a field is missing, unknown or of another type."""
    fit(record, record_schema.MANIFEST, where)
    refuse_unseen(record["runs"], where)
    _refuse_dates([record["created"]], where)
    _refuse_halves(record, where)
    return record


def _refuse_dates(texts: Sequence[str], where: str) -> None:
    for text in texts:
        try:
            datetime.datetime.fromisoformat(text)
        except ValueError:
            raise Refused(f"{where}: {short(text)} is no time") from None


def _refuse_halves(record: Json, where: str) -> None:
    """Raise Refused for half a surrogate pair, which no file can hold and no terminal show."""
    if re.search("[\ud800-\udfff]", json.dumps(record, ensure_ascii=False)):
        raise Refused(f"{where} has half a surrogate pair in a text")


def measurements(record: Json, where: str) -> Measurements:
    """A run's measurements; raises Refused for what is none, or would fill the memory."""
    try:
        if extra := set(record) - {"ids", "digests", "clusters", "failed", "slices", "fitted", "rows"}:
            raise ValueError(f"the key {min(extra)[:80]!r} is unknown")
        for name, packed in record["rows"].items():
            k = packed["k"]
            if type(k) is not int or not 1 <= k <= _CELLS // max(len(record["ids"]), 1):
                raise ValueError(
                    f"rows of {name[:80]!r}: k={short(k)} is no number of columns that {len(record['ids'])} rows may have"
                )
            if set(packed) not in ({"k", "dense"}, {"k", "sparse"}):
                raise ValueError(f"rows of {name[:80]!r} are neither dense nor sparse")
            rows = packed.get("dense", packed.get("sparse"))
            if len(rows) != len(record["ids"]):
                raise ValueError(f"rows of {name[:80]!r}: another number than of ids")
            for row in rows:
                if not all(type(cell) in (int, float) for cell in (row if isinstance(row, list) else [row])):
                    raise ValueError(f"rows of {name[:80]!r}: {short(repr(row))} holds what is no number")
        found = Measurements.from_json(record)
        if foreign := found.failed - set(found.ids):
            raise ValueError(f"{min(foreign)[:80]!r} failed, but is not among the ids")
        return found
    except _WRONG as error:
        raise Refused(f"{where}: {type(error).__name__}: {short(error)}") from None


def prediction(record: Json, where: str) -> Prediction:
    """A line of the journal with every field of its type, and none too long; raises Refused for another."""
    try:
        for name, value in record.items():
            if len(value if isinstance(value, str) else json.dumps(value)) > _TEXT:
                raise ValueError(f"{name} is longer than {_TEXT:,} characters")
        return forms.prediction(record)
    except _WRONG as error:
        raise Refused(f"{where}: not a prediction ({short(error)})") from None


def timing(record: Json, where: str) -> Timing:
    """A line of the ledger with every field of its type; raises Refused for another."""
    try:
        return forms.timing(record)
    except _WRONG as error:
        raise Refused(f"{where}: not a timing ({short(error)})") from None
