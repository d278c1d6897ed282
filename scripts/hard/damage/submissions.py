"""What `bench score` reads: journals, and the official format of each kind of task; nothing is lost or made up on the way."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.engine.asking import first_examples
from bench.submissions.reading import Submission, read
from bench.task import Task
from bench.types import Example
from scripts.hard.damage.readers import small_data
from scripts.hard.damage.subject import Damage, Subject


def _official(examples: Sequence[Example]) -> Mapping[str, str]:
    """The formats that many tasks take, of the ids alone: an object, a list, lines, a table."""
    answers = {one.id: _answer(one) for one in examples}
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            ("id", "answer"),
            *((key, value if isinstance(value, str) else json.dumps(value)) for key, value in answers.items()),
        ]
    )
    return {
        "object.json": json.dumps(answers),
        "list.json": json.dumps([{"id": key, "answer": value} for key, value in answers.items()]),
        "lines.jsonl": "".join(
            json.dumps({"id": key, "answer": value, "why": ""}) + "\n" for key, value in answers.items()
        ),
        "predictions.jsonl": "".join(json.dumps({"id": key, "answer": value}) + "\n" for key, value in answers.items()),
        "table.csv": out.getvalue(),
        "table.tsv": out.getvalue().replace(",", "\t"),
    }


def _answer(example: Example) -> Any:
    target = example.target
    if isinstance(target, list):
        return target[0] if target else ""
    return target.get("answer", target.get("label", "")) if isinstance(target, dict) else target


def subjects(stride: int = 1) -> Iterator[Subject]:
    """Each task with small data, or every so manieth, in each of the formats that it reads undamaged."""
    small = small_data()
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        folder = small.write(Path(made))
        for name in list(small.SMALL)[::stride]:
            try:
                task = small.shipped(name, folder)
                examples = first_examples(task, None)
            except Exception:
                continue
            for file, text in {**_official(examples), **_journal(task, examples)}.items():
                if subject := _subject(name, task, examples, file, text.encode(), Path(made)):
                    yield subject


def _journal(task: Task, examples: Sequence[Example]) -> Mapping[str, str]:
    lines = [json.dumps(task.ideal(one).to_json(), ensure_ascii=False) for one in examples]
    return {"predictions-of-a-run.jsonl": "".join(line + "\n" for line in lines)}


def _subject(name: str, task: Task, examples: Sequence[Example], file: str, data: bytes, made: Path) -> Subject | None:
    path = made / file
    path.write_bytes(data)
    try:
        sound = read(task, path, examples)
    except Exception:
        return None  # this task takes another format
    if sound.malformed or sound.missing:
        return None
    return Subject(
        f"submission {name} {file}", {file: data}, lambda folder: read(task, folder / file, examples),
        lambda folder, found, damage: _wrong(found, examples, sound, damage, data),
        named=lambda damage: (file, f"{name}.{file}"),
    )  # fmt: skip


def _wrong(found: Submission, examples: Sequence[Example], sound: Submission, damage: Damage, data: bytes) -> str:
    """Why what was read is not right: a prediction for no example, one twice, or an example that is neither answered nor missing."""  # noqa: E501
    ids = [one.id for one in found.predictions]
    known = {one.id for one in examples}
    if len(set(ids)) != len(ids) or not set(ids) <= known:
        return "predictions for no example, or two for one"
    if set(ids) | set(found.missing) != known or set(ids) & set(found.missing):
        return "an example that is neither answered nor missing"
    try:
        json.dumps([one.to_json() for one in found.predictions], allow_nan=False)
    except (ValueError, TypeError) as error:
        return f"a prediction that is no JSON ({error})"
    if damage.file.endswith(".jsonl"):
        lines = [
            line
            for line in damage.data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            if line.strip(b" \t\x0b\x0c\xef\xbb\xbf")
        ]
        n = len(found.predictions) + len(found.unknown) + len(found.duplicated)
        if len(lines) > 0 and n > len(lines):
            return f"{n} predictions of {len(lines)} lines"
        given = {_id(line) for line in lines}
        told = {one.strip() for one in (*ids, *found.unknown)}
        if lost := [forms for forms in given if not told & set(forms)]:
            return f"the line of {lost[0][0]!r} is neither read nor unknown"
    return ""


def _id(line: bytes) -> tuple[str, ...]:
    """The id of a line, and as a whole number where it is one with a point, as tables with a gap write it."""
    given = json.loads(line.decode("utf-8-sig"))["id"]
    text = str(given).strip()
    whole = isinstance(given, float) and given.is_integer()
    return (text, text.removesuffix(".0"), str(int(given))) if whole else (text, text.removesuffix(".0"))
