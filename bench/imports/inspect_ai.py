"""inspect_ai 0.3: `.eval` (a zip of header.json and samples/*.json) and its older JSON log.

The zip is read here and not by inspect_ai: the same way whether that is installed or not, bounded, and without its code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from bench.errors import BenchError
from bench.imports import naming, reading
from bench.imports.direction import said_to_be_lower
from bench.imports.log import (
    Log,
    Sample,
    clean,
    commit_of,
    counted,
    dated,
    failed_line,
    merged,
    named,
    number,
    refuse_version,
    shortly,
    texts_in,
)
from bench.runs.identity import fingerprint
from bench.types import Json

HARNESS = "inspect"
WHAT = "inspect_ai's LOG.json, or its zip LOG.eval"
_WORDS = {
    "C": 1.0,
    "I": 0.0,
    "P": 0.5,
    "N": 0.0,
}  # correct, incorrect, partial, no answer: as inspect_ai's own value_to_float
_YES_NO = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_FINISH = {
    "stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "refused",
    "tool_calls": "stop",
}
_ATTACHED = "attachment://"
_Row: TypeAlias = tuple[str, Mapping[str, Json]]
_VERSION = 2  # of the log's own form


def read(path: Path) -> Log:
    """The log of a file; raises BenchError for what is none, and for one whose evaluation did not end."""
    header, records = _opened(path)
    said = _mapping(header.get("eval"))
    if not isinstance(header.get("version"), int) or "task" not in said or "model" not in said:
        raise BenchError(f"{path} is no log of inspect_ai: it names no version, task and model; give {WHAT}")
    if type(header["version"]) is not int or not 1 <= header["version"] <= _VERSION:
        raise BenchError(
            f"{path} is of version {header['version']} of inspect_ai's log; versions 1 and {_VERSION} are read"
        )
    version = _mapping(said.get("packages")).get("inspect_ai")
    refuse_version(version, "inspect_ai 0.3", str(path))
    if (status := header.get("status")) != "success":
        raise BenchError(
            f"{path}: its evaluation has the status {shortly(status, 20)!r}; finish it with `inspect eval-retry` first"
        )
    rows = _in_order([(where, reading.an_object(one, where, WHAT)) for where, one in records], said)
    names = _scored(rows)
    left_out: dict[str, str] = {}
    samples = [_sample(one, where, names, left_out) for where, one in rows]
    _refuse_twice(path, rows)
    results = _mapping(header.get("results"))
    n = counted(results.get("total_samples"), f"{path}: total_samples")
    if not samples or (n is not None and len({one.id for one in samples}) < n and len(samples) < n):
        raise BenchError(
            f"{path} holds {len(samples):,} samples, its results say {n}; was it written with --no-log-samples, or cut?"
        )
    found, notes = merged(samples, "epochs")
    metrics = tuple(dict.fromkeys(name for one in found for name in one.values))
    if not metrics:
        raise BenchError(
            f"{path}: no sample has a score that is a number ({_first(left_out)}); score it with `inspect score` first"
        )
    notes += [
        f"{name} is no number a sample ({what}), so it is left out"
        for name, what in left_out.items()
        if name not in metrics
    ]
    broken = [one for one, (_, row) in zip(samples, rows, strict=True) if row.get("error")]
    lower = frozenset(name for name in metrics if said_to_be_lower(name))
    notes += [*failed_line(broken, "samples ended in an error"), *_doubtful(header, rows, str(said["model"]))]
    return Log(
        HARNESS, str(version or "unknown"), str(said["task"]), str(said["model"]), metrics, tuple(found), _stated(results),
        lower, str(said.get("task_version") or ""), len(found),
        tuple(notes), **_asked(header, said),
        commit=commit_of(_mapping(said.get("revision")).get("commit")), date=dated(said.get("created")),
    )  # fmt: skip


def _opened(path: Path) -> tuple[Mapping[str, Json], Iterator[tuple[str, Json]]]:
    """The header and the samples, each with its place."""
    reading.refuse_unread(path, WHAT)
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if not is_zip:
        if path.suffix == ".eval":
            raise BenchError(f"{path} is no zip, as a log of this name is; was it cut off or unpacked? give {WHAT}")
        found = reading.document(path, WHAT)
        samples = found.get("samples")
        rows = samples if isinstance(samples, list) else []
        return found, ((f"{path}: samples[{i}]", one) for i, one in enumerate(rows))
    archive = reading.Archive(path, WHAT)
    names = archive.names()
    if "header.json" not in names:
        why = "its evaluation did not end" if any(name.startswith("_journal/") for name in names) else "it is no log"
        raise BenchError(f"{path} has no header.json: {why}; give {WHAT}")
    header = reading.an_object(archive.json("header.json"), f"{path}: header.json", WHAT)
    inner = [name for name in names if name.startswith("samples/") and name.endswith(".json")]
    return header, ((f"{path}: {shortly(name, 80)}", archive.json(name)) for name in inner)


def _in_order(rows: list[_Row], said: Mapping[str, Json]) -> list[_Row]:
    """The samples in the order of the data set, where the log has it: in a zip they stand as they ended."""
    ids = _mapping(said.get("dataset")).get("sample_ids")
    place = {str(key): i for i, key in enumerate(ids if isinstance(ids, list) else ())}
    return sorted(
        rows, key=lambda row: (place.get(str(row[1].get("id")), len(place)), str(row[1].get("epoch")).zfill(6))
    )


def _scored(rows: Sequence[_Row]) -> tuple[str, ...]:
    """The scorers' names, in the order of the log."""
    return tuple(dict.fromkeys(str(name) for _, one in rows for name in _scores(one)))


def _scores(record: Mapping[str, Json]) -> Mapping[str, Json]:
    """The scores of a sample by scorer; an early version had one, without a name."""
    found = record.get("scores")
    return found if isinstance(found, Mapping) else {"score": record["score"]} if record.get("score") else {}


def _sample(record: Mapping[str, Json], where: str, names: Sequence[str], left_out: dict[str, str]) -> Sample:
    reading.needed(dict(record), ("id", "epoch", "input"), where, WHAT)
    if isinstance(record["id"], bool) or not isinstance(record["id"], str | int):
        raise BenchError(
            f"{where}: the id is {shortly(record['id'], 40)!r}, expected a text or a whole number; give {WHAT}"
        )
    held = _mapping(record.get("attachments"))
    spoken = [_attached(text, held) for text in _spoken(record["input"])]
    prompt = "\n".join(spoken)
    texts = [prompt, *spoken, *texts_in(record.get("metadata")), *texts_in(record.get("choices"))]
    values: dict[str, float] = {}
    for name in names:
        score = _scores(record).get(name)
        value = score.get("value") if isinstance(score, Mapping) else None
        parts = {f"{name}/{key}": one for key, one in value.items()} if isinstance(value, Mapping) else {name: value}
        for key, one in parts.items():
            if (found := _number(one)) is None:
                left_out.setdefault(named(key), f"{shortly(one, 40)} in sample {shortly(record['id'], 40)}")
            else:
                values[named(key)] = found
    values = {} if record.get("error") else values  # as a failed answer, whatever a scorer made of it
    output = _mapping(record.get("output"))
    choice = _mapping(next(iter(output.get("choices") or ()), None)) if isinstance(output.get("choices"), list) else {}
    said = "".join(_content(_mapping(choice.get("message")).get("content"))) if choice else output.get("completion")
    said = _attached(said, held) if isinstance(said, str) else said
    said = _choice(record, said)
    finish = "length" if record.get("limit") else _FINISH.get(str(choice.get("stop_reason")), "none")
    return Sample(
        str(clean(record["id"])), tuple(texts), prompt, clean(record.get("target")), clean(said) if isinstance(said, str) else None,
        None, values, str(clean(record["id"])), _failed(record, said), finish, doc=_mapping(record.get("metadata")),
    )  # fmt: skip


def _asked(header: Mapping[str, Json], said: Mapping[str, Json]) -> dict[str, Any]:
    """How the samples were asked: by which solvers, with what they were given, and with what arguments of the task."""
    plan = _mapping(header.get("plan"))
    given = plan.get("steps")
    steps = [_mapping(one) for one in given] if isinstance(given, list) else []
    told = [[str(one.get("solver")), _passed(one)] for one in steps]
    system = _mapping(said.get("model_generate_config")).get("system_message") or _mapping(plan.get("config")).get(
        "system_message"
    )
    if not told:
        return {}
    words = [f"the solver {shortly(name, 40)}" for name, _ in told if name != "generate"]
    words += ["a system message"] if system else []
    return {"asked": fingerprint(clean([told, _mapping(said.get("task_args")), system])), "asking": tuple(words)}


def _passed(step: Mapping[str, Json]) -> Json:
    """What a solver was given; earlier logs say that with what it has by default."""
    found = dict(_mapping(step.get("params_passed", step.get("params"))))
    if step.get("solver") == "generate" and found.get("tool_calls") == "loop":
        del found["tool_calls"]
    return found


def _doubtful(header: Mapping[str, Json], rows: Sequence[_Row], model: str) -> Iterator[str]:
    """What makes the answers doubtful: samples that were made invalid, or that another model answered, a line each."""
    bad = [shortly(one["id"], 60) for _, one in rows if one.get("invalidation") or one.get("invalidated") is True]
    if bad:
        yield f"{len(bad):,} samples are marked as invalid in the log, the first is {bad[0]!r}; they are scored as the rest"
    elif header.get("invalidated") is True:
        yield "the log is marked as invalid (invalidated: true), and no sample of it by itself; all are scored"
    said = [(shortly(one["id"], 60), str(_mapping(one.get("output")).get("model") or model)) for _, one in rows]
    if others := [(key, by) for key, by in said if not _is_same(model, by)]:
        (first, by), of = others[0], shortly(naming.shown(model), 60)
        by = shortly(naming.shown(by), 60)
        yield f"{len(others):,} samples were answered by another model than {of!r}, the first is {first!r}, by {by!r}"


def _is_same(model: str, by: str) -> bool:
    """Whether a service's own name of a model, which may lack the provider or have a date, is that of the log."""
    asked, answered = (re.split(r"[/\\]", one.strip("/\\").casefold())[-1] for one in (model, by))
    return answered.startswith(asked) or asked.startswith(answered)


def _choice(record: Mapping[str, Json], said: Json) -> Json:
    """What was said; of a choice by letter, as a scorer read it, the text of that choice."""
    choices = record.get("choices")
    read = {str(_mapping(one).get("answer")) for one in _scores(record).values()}
    places = [ord(one) - ord("A") for one in read if len(one) == 1 and "A" <= one <= "Z"]
    if not isinstance(choices, list) or len(places) != 1 or places[0] >= len(choices):
        return said
    return clean(choices[places[0]])


def _failed(record: Mapping[str, Json], said: Json) -> str | None:
    """Why a sample has no answer: what inspect_ai says went wrong, or that nothing was said."""
    if error := record.get("error"):
        return shortly(_mapping(error).get("message") or error, 200)
    return None if isinstance(said, str) else "the log holds no reply"


def _number(value: Json) -> float | None:
    """A score as inspect_ai's `value_to_float` reads it, None for what it cannot read."""
    if not isinstance(value, str):
        return number(value)
    if value in _WORDS:
        return _WORDS[value]
    try:
        return _YES_NO[value.lower()] if value.lower() in _YES_NO else number(float(value))
    except ValueError:
        return None


def _spoken(given: Json) -> list[str]:
    """The texts of a sample's input: a text, or messages of which those of the user are asked."""
    if isinstance(given, str):
        return [clean(given)]
    messages = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    asked = [one for one in messages if one.get("role") == "user"] or messages
    return ["".join(_content(one.get("content"))) for one in asked]


def _content(content: Json) -> Iterator[str]:
    """The texts of a message, without its thinking."""
    if isinstance(content, str):
        yield clean(content)
    for one in content if isinstance(content, list) else ():
        if isinstance(one, Mapping) and one.get("type") == "text" and isinstance(one.get("text"), str):
            yield clean(one["text"])


def _attached(text: str, held: Mapping[str, Json]) -> str:
    """The text, or the one that the sample keeps apart for it, as inspect_ai does with long ones."""
    found = held.get(text.removeprefix(_ATTACHED)) if text.startswith(_ATTACHED) else text
    return str(clean(found)) if isinstance(found, str) else text


def _refuse_twice(path: Path, rows: Sequence[_Row]) -> None:
    seen: set[tuple[str, str]] = set()
    for where, one in rows:
        key = (str(one["id"]), str(one["epoch"]))
        if key in seen:
            raise BenchError(
                f"{where}: sample {shortly(key[0], 60)!r} stands twice in epoch {shortly(key[1], 10)}; keep one"
            )
        seen.add(key)


def _stated(results: Mapping[str, Json]) -> dict[str, float]:
    """The log's own figures: {scorer/metric: value}, {scorer/key/metric: value} of a score of several values.

    Of one that was reduced over epochs otherwise than by the mean, or in several ways, the reducer stands behind a comma.
    """
    found: dict[str, float] = {}
    scores = [_mapping(one) for one in results.get("scores") or ()] if isinstance(results.get("scores"), list) else []
    whose = [_scorer(one) for one in scores]
    for one, name in zip(scores, whose, strict=True):
        by = one.get("reducer") or ("" if whose.count(name) == 1 else len(found))
        reducer = f",{by}" if whose.count(name) > 1 or by not in ("", "mean") else ""
        for metric, told in _mapping(one.get("metrics")).items():
            value = number(_mapping(told).get("value"))
            if value is not None:
                found[named(f"{name}/{metric}{reducer}")] = value
    return found


def _scorer(score: Mapping[str, Json]) -> str:
    name, scorer = str(score.get("name")), str(score.get("scorer") or score.get("name"))
    return name if name == scorer else f"{scorer}/{name}"


def _first(left_out: Mapping[str, str]) -> str:
    return next((f"{name}: {what}" for name, what in left_out.items()), "there is none")


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
