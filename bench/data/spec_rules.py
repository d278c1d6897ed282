"""What no schema can say: rules between the fields of one record. All of them skip what has the wrong shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.data.located_json import Finding, JsonPath
from bench.data.spec_schema import show

_VERSION_2 = re.compile(r"v?2(\.|$)", re.IGNORECASE)  # not the year of "2024-03"
Record = dict[str, Any]
Identity = tuple[JsonPath, str, str]  # where an id stands, what it names, the id


def members(node: Record, path: JsonPath, key: str) -> Iterator[tuple[JsonPath, Record]]:
    """The objects in the list `node[key]`, each with its path."""
    held = node.get(key)
    for index, member in enumerate(held if isinstance(held, list) else ()):
        if isinstance(member, dict):
            yield (*path, key, index), member


def strings(node: Record, key: str) -> Iterator[tuple[int, str]]:
    """The strings in the list `node[key]`, each with its index."""
    held = node.get(key)
    yield from ((i, text) for i, text in enumerate(held if isinstance(held, list) else ()) if isinstance(text, str))


def whole(value: object) -> bool:
    """Whether it is an integer; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _questions(record: Record) -> Iterator[tuple[JsonPath, Record, object]]:
    for article_path, article in members(record, (), "data"):
        for paragraph_path, paragraph in members(article, article_path, "paragraphs"):
            for path, question in members(paragraph, paragraph_path, "qas"):
                yield path, question, paragraph.get("context")


def qa_identities(record: Record) -> Iterator[Identity]:
    """The question ids of a SQuAD file."""
    for path, question, _ in _questions(record):
        if isinstance(question.get("id"), str):
            yield (*path, "id"), "question", question["id"]


def record_identities(record: Record) -> Iterator[Identity]:
    """The id of a record, and of the questions it holds."""
    if isinstance(record.get("id"), str):
        yield ("id",), "record", record["id"]
    for path, question in members(record, (), "questions"):
        if isinstance(question.get("id"), str):
            yield (*path, "id"), "question", question["id"]


def qa_findings(record: Record) -> Iterator[Finding]:
    """SQuAD: answers stand where they say, and only impossible questions have none."""
    is_2 = _VERSION_2.match(str(record.get("version", ""))) is not None
    says_impossible = is_2 or any("is_impossible" in q for _, q, _ in _questions(record))
    for path, question, context in _questions(record):
        yield from _impossible(question, path, says_impossible)
        for answer_path, answer in members(question, path, "answers"):
            text, start = answer.get("text"), answer.get("answer_start")
            if not (isinstance(context, str) and isinstance(text, str) and isinstance(start, int) and whole(start)):
                continue
            if start >= 0 and text.strip() and not context.startswith(text, start):
                yield Finding((*answer_path, "answer_start"), "answer-offset", _offset(context, text, start))


def _impossible(question: Record, path: JsonPath, says_impossible: bool) -> Iterator[Finding]:
    impossible, answers = question.get("is_impossible", False), question.get("answers")
    if says_impossible and "is_impossible" not in question:
        message = "found no 'is_impossible'; version 2 needs it on every question, version 1.1 on none"
        yield Finding((*path, "is_impossible"), "required", message)
    if not isinstance(impossible, bool) or not isinstance(answers, list) or impossible is not bool(answers):
        return
    found = f"found is_impossible true with {show(answers)}" if impossible else "found a question without answers"
    message = f"{found}; no answers with is_impossible true, or one or more without it, are allowed"
    where = "is_impossible" if impossible else "answers"
    yield Finding((*path, where), "impossible-iff-no-answer", message)


def _offset(context: str, text: str, start: int) -> str:
    there = context[start : start + len(text)]
    places = list(_places(context, text))
    allowed = f"{', '.join(map(str, places))} is allowed" if places else "a text that occurs in the context is allowed"
    return f"found {show(there)} at {show(start).removeprefix('the number ')} instead of {show(text)}; {allowed}"


def _places(context: str, text: str, limit: int = 5) -> Iterator[int]:
    at = context.find(text)
    while at >= 0 and limit:
        yield at
        at, limit = context.find(text, at + 1), limit - 1


def dialogue_findings(record: Record) -> Iterator[Finding]:
    """Dialogues: the customer begins, speakers alternate, references stand on agent turns and differ."""
    previous: object = "agent"
    for path, turn in members(record, (), "turns"):
        speaker = turn.get("speaker")
        if speaker in ("customer", "agent") and speaker == previous:
            other = "customer" if speaker == "agent" else "agent"
            where = "first" if path[-1] == 0 else "after a turn of the same speaker"
            message = f"found {speaker!r} {where}; {other!r} is allowed here"
            yield Finding((*path, "speaker"), "alternate-speakers", message)
        previous = speaker
        if "references" in turn and speaker == "customer":
            message = "found references on a customer turn; they are allowed on agent turns"
            yield Finding((*path, "references"), "references", message)
        uses = Counter(text for _, text in strings(turn, "references"))
        for text in (text for text, n in uses.items() if n > 1):
            message = f"found {show(text)} {uses[text]} times; references that differ are allowed"
            yield Finding((*path, "references"), "references", message)


def picture_findings(record: Record) -> Iterator[Finding]:
    """Pictures: boxes lie on the page, evidence names a field."""
    yield from box_findings(record, "fields")
    yield from evidence_findings(record, "fields")


def box_findings(record: Record, key: str) -> Iterator[Finding]:
    """The boxes of `record[key]` lie on the page or in the frame."""
    for path, holder in members(record, (), key):
        box = holder.get("box")
        if isinstance(box, list) and len(box) == 4 and all(map(whole, box)):
            yield from _box(box, record.get("width"), record.get("height"), (*path, "box"))


def evidence_findings(record: Record, key: str, *, at_least_one: bool = False) -> Iterator[Finding]:
    """Evidence is the name of exactly one of `record[key]`, or of `at_least_one`: a thing has several boxes over time."""
    uses = Counter(held["name"] for _, held in members(record, (), key) if isinstance(held.get("name"), str))
    for path, question in members(record, (), "questions"):
        for index, name in strings(question, "evidence"):
            if uses[name] != 1 and not (at_least_one and uses[name]):
                what = f"of this {'film' if at_least_one else 'picture'}"
                found = f"found {name!r}, which is the name of {uses[name]} {key} {what}"
                message = f"{found}; the name of {'one or more' if at_least_one else 'exactly one'} is allowed"
                yield Finding((*path, "evidence", index), "evidence-known", message)


def _box(box: list[int], width: object, height: object, path: JsonPath) -> Iterator[Finding]:
    for axis, size, name in (("x", width, "width"), ("y", height, "height")):
        low, high = (box[0], box[2]) if axis == "x" else (box[1], box[3])
        limit = size if isinstance(size, int) and whole(size) and size > 0 else None
        if not 0 <= low < high or (limit is not None and high > limit):
            allowed = f"0 <= {axis}0 < {axis}1 <= {name}" + (f" = {limit}" if limit is not None else "")
            message = f"found {axis}0 {show(low)} and {axis}1 {show(high)}".replace("the number ", "")
            yield Finding(path, "box-inside-page", f"{message}; {allowed} is allowed")
