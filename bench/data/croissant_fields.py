"""The record sets and fields of Croissant metadata, out of the schema of a specification and the keys that occur."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.data.check import Kind
from bench.data.files import read_jsonl
from bench.data.spec_schema import load

PASSAGES = "#passages"  # readers want one number of records from one file object
_TYPES = {"string": "sc:Text", "number": "sc:Float", "integer": "sc:Integer", "boolean": "sc:Boolean"}


def record_sets(folder: Path, path: Path, spec: str, kind: Kind) -> Iterator[dict[str, Any]]:
    """The record sets of one annotation file; lists inside lists (the words of segments) are no fields."""
    name, stem = path.relative_to(folder).as_posix(), path.relative_to(folder).with_suffix("").as_posix()
    if kind.whole_file:
        yield from _squad(name, stem)
        return
    there: dict[str, set[str]] = {}
    n_records = 0
    for _, record in read_jsonl(path):
        n_records += 1
        for key, value in record.items():
            inner = there.setdefault(key, set())
            for one in value if isinstance(value, list) else ():
                inner.update(one if isinstance(one, dict) else ())
    fields = list(_fields(stem, name, load(spec)["$defs"], kind.name, there))
    yield _record_set(stem, f"{n_records} records of kind {kind.name}, specification {spec} 1", fields, key="id")


def _record_set(stem: str, description: str, fields: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet", "@id": stem, "name": stem, "description": description, "key": {"@id": f"{stem}/{key}"},
        "field": fields,
    }  # fmt: skip


def _fields(
    stem: str, name: str, defs: Mapping[str, Any], kind: str, there: Mapping[str, set[str]]
) -> Iterator[dict[str, Any]]:
    """Of each key that occurs: a field; of a list of objects a repeated field for each of its simple members."""
    for key, schema in defs[kind]["properties"].items():
        if key not in there:
            continue
        schema = _resolved(schema, defs)
        source = {"fileObject": {"@id": name}, "extract": {"column": key}}
        if schema.get("type") != "array":
            yield _field(f"{stem}/{key}", schema, source)
            continue
        inner = _resolved(schema["items"], defs)
        if inner.get("type") != "object":
            yield _field(f"{stem}/{key}", inner, source, repeated=True)
            continue
        for member, each in inner["properties"].items():
            simple = _resolved(each, defs)
            if member in there[key] and simple.get("type") not in ("array", "object"):
                steps, said = (
                    {**source, "transform": {"jsonPath": member}},
                    {"description": f"{member} of each of {key}"},
                )
                yield _field(f"{stem}/{key}/{member}", said | simple, steps, repeated=True)


def _resolved(schema: dict[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without its reference."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return dict(defs[name]) if name else schema


def _field(
    name: str, schema: Mapping[str, Any], source: Mapping[str, Any], *, repeated: bool = False
) -> dict[str, Any]:
    kind = _TYPES[schema["type"]] if "type" in schema else "sc:Text"  # an enumeration is of texts
    described = schema.get("description") or ", ".join(schema.get("enum", ())) or name.rpartition("/")[2]
    made = {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        "description": described,
        "dataType": kind,
        "source": dict(source),
    }
    return made | ({"repeated": True} if repeated else {})


def _squad(name: str, stem: str) -> Iterator[dict[str, Any]]:
    """A SQuAD file's questions, and its passages, which are as many as they are: hence the second name of the file."""
    asked, source = "$.data[*].paragraphs[*].qas[*]", {"fileObject": {"@id": name}}
    rows: Sequence[tuple[str, str, dict[str, Any], bool]] = (
        ("id", f"{asked}.id", {"type": "string"}, False),
        ("question", f"{asked}.question", {"type": "string"}, False),
        (
            "answers",
            f"{asked}.answers",
            {"type": "string", "description": "accepted answers, none where there is none"},
            True,
        ),
    )
    fields = [
        _field(
            f"{stem}/{key}", schema,
            {**source, "extract": {"jsonPath": path}} | ({"transform": {"jsonPath": "text"}} if repeated else {}),
            repeated=repeated,
        )
        for key, path, schema, repeated in rows
    ]  # fmt: skip
    yield _record_set(stem, "questions on passages (SQuAD), specification text 1", fields, key="id")
    context = {"fileObject": {"@id": f"{name}{PASSAGES}"}, "extract": {"jsonPath": "$.data[*].paragraphs[*].context"}}
    passage = _field(f"{stem}/passages/context", {"type": "string", "description": "a passage"}, context)
    yield _record_set(f"{stem}/passages", "the passages that the questions are asked on", [passage], key="context")
