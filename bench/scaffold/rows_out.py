"""The rows of somebody's table as a task reads them: one file in UTF-8 with the columns of its kind, and what was learnt of it."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bench.data.submissions import number
from bench.errors import BenchError
from bench.scaffold.choice_rows import LETTERS, Asked, options_of, reading_of, refuse_control
from bench.scaffold.columns import Columns
from bench.scaffold.files_in import Source
from bench.text.apart import not_apart
from bench.text.normal import normalised
from bench.types import Json

Write = Callable[[Mapping[str, Json]], None]
_MOST_LABELS = 500
_SHORT = 100  # characters of a cell of which nothing may be seen
_MOST_NUMBERS = 20  # different numbers that are labels, though most rows have one of their own
_IN_WORDS = re.compile(r"[-+]?\d+,\d+ ?%?|[-+]?\d+(?:\.\d+)? ?%")
_SCALES = (
    (0.0, 1.0),
    (-1.0, 1.0),
    (1.0, 5.0),
    (0.0, 5.0),
    (1.0, 7.0),
    (1.0, 10.0),
    (0.0, 10.0),
    (0.0, 100.0),
    (-100.0, 100.0),
)
_NO_CODE = ("answer", "label", "tokens", "tags")  # roles whose texts are never a list or object that was printed
_PRINTED = re.compile(  # of Python, NumPy or JSON: {'text': …}, ['A'], ["A"], [], array(['A'], dtype=object)
    r"""\{\s*["'][^"']*["']\s*:.*\}|\[\s*(?:[bu]?(["']).*\1\s*)?\]|array\(.*\)""", re.DOTALL
)


@dataclass
class Facts:
    """What the rows are: how many, the labels in order, the ends of the scale, whether there are passages."""

    n: int = 0
    labels: list[str] = field(default_factory=list)
    low: float = float("inf")
    high: float = float("-inf")
    options: int = 0
    reading: str = ""  # of answers that are options: bench.scaffold.choice_rows
    passages: bool = False
    unanswered: int = 0
    other_script: bool = False  # whether some reference has no Latin letter and no digit, which is all that ROUGE reads
    dropped: list[str] = field(default_factory=list)
    commas: list[str] = field(default_factory=list)  # columns of a table whose numbers have a comma or %
    media: list[str] = field(default_factory=list)

    @property
    def scale(self) -> tuple[float, float]:
        """The narrowest usual scale around all numbers."""
        around = [ends for ends in _SCALES if ends[0] <= self.low and self.high <= ends[1]]
        return min(around, key=lambda ends: ends[1] - ends[0], default=(self.low, self.high))


@dataclass(frozen=True)
class Wanted:
    """What a user says beyond the columns: whether an empty answer means that there is none, how answers name their options, and
    the number of the first one.
    """

    unanswerable: bool = False
    first_option: int | None = None
    answers: str | None = None

    def refuse_unread(self, kind: str) -> None:
        """Raise BenchError for what a task of this kind would pass over."""
        said = {"--unanswerable": ("qa", self.unanswerable), "--first-option": ("choice", self.first_option is not None),
                "--answers": ("choice", self.answers is not None)}  # fmt: skip
        if wrong := next((name for name, (of, is_said) in said.items() if is_said and kind != of), None):
            raise BenchError(f"{wrong} is for tasks of kind {said[wrong][0]}, and this is of kind {kind}; leave it out")


def convert(source: Source, columns: Columns, place: Path, wanted: Wanted) -> Facts:
    """Write the rows to `place` (.csv or .jsonl) and say what they are; files that they name are copied beside it.

    Raises BenchError with the line of a row that is none: an empty cell, an id that comes twice, a file that is not there.
    """
    wanted.refuse_unread(columns.kind)
    if columns.kind == "table":
        return _table(source, columns, place)
    facts = Facts()
    seen: dict[str, str] = {}
    make = _MAKERS[columns.kind]
    reading = _reading(source, columns, wanted) if columns.kind == "choice" else ""
    with ExitStack() as stack:
        write = stack.enter_context(_Writer(place))
        for where, row in source.rows():
            facts.n += 1
            key = _id(row, columns, where, facts.n, seen)
            made = make(_Row(where, row, columns, source, wanted, reading), facts)
            if "cluster" in columns.of:
                made["cluster"] = _cell(row, columns.of["cluster"], where)
            with _whole(where):
                write({"id": key, **made})
    _refuse_few(source, columns, facts)
    for name in facts.media:
        _copy(source.path.parent / name, place.parent / name)
    return facts


class _Writer:
    """Writes rows with the keys of the first: CSV where all are texts and the file is called so, else JSON Lines."""

    def __init__(self, place: Path) -> None:
        self.is_table = place.suffix == ".csv"
        self.file = place.open("w", encoding="utf-8", newline="")
        self.table: csv.DictWriter[str] | None = None

    def __enter__(self) -> Write:
        return self._write

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _write(self, row: Mapping[str, Json]) -> None:
        if not self.is_table:
            self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
            return
        if self.table is None:
            self.table = csv.DictWriter(self.file, list(row), lineterminator="\n")
            self.table.writeheader()
        self.table.writerow(row)


@contextmanager
def _whole(where: str) -> Iterator[None]:
    """Raise BenchError where half a surrogate pair, which JSON can hold and no file in UTF-8, is written."""
    try:
        yield
    except UnicodeEncodeError as error:
        code = f"U+{ord(error.object[error.start]):04X}"
        raise BenchError(
            f"{where}: holds half a character ({code}, a surrogate alone), which no file can; correct it"
        ) from None


@dataclass(frozen=True)
class _Row:
    where: str
    cells: Mapping[str, Json]
    columns: Columns
    source: Source
    wanted: Wanted
    reading: str

    def text(self, role: str) -> str:
        """The text of the column that has this role; raises BenchError for none, and for a printed list or object."""
        name = self.columns.of[role]
        found = _cell(self.cells, name, self.where)
        if role in _NO_CODE and _PRINTED.fullmatch(found):
            raise BenchError(
                f"{self.where}: {name!r} is {found[:60]!r}, a list or object as a program prints it; write the text alone, or save "
                "the rows as JSON Lines (pandas: to_json(…, orient='records', lines=True)), where lists are read"
            )
        return found

    def may_be(self, role: str) -> str | None:
        """The text, None where there is no such column; raises BenchError for an empty cell of one."""
        return self.text(role) if role in self.columns.of else None

    def raw(self, role: str) -> Json:
        """What stands in the column."""
        return self.cells.get(self.columns.of[role])


def _cell(row: Mapping[str, Json], name: str, where: str) -> str:
    found = row.get(name)
    if isinstance(found, bool) or not isinstance(found, str | int | float | None):
        raise BenchError(
            f"{where}: {name!r} is {type(found).__name__}, expected a text; write it as one, or name another column (--columns)"
        )
    text = "" if found is None else str(found).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text or "\0" in text or (len(text) < _SHORT and not normalised(text)):
        unseen = ", ".join(f"U+{ord(sign):04X}" for sign in text[:3])
        wrong = "is empty" if not text else "holds a NUL" if "\0" in text else f"holds nothing that is seen ({unseen})"
        raise BenchError(f"{where}: {name!r} {wrong}; correct the row, or take it out")
    return text


def _id(row: Mapping[str, Json], columns: Columns, where: str, number: int, seen: dict[str, str]) -> str:
    key = _cell(row, columns.of["id"], where) if "id" in columns.of else f"r{number}"
    if key in seen:
        raise BenchError(
            f"{where}: the id {key[:60]!r} in {columns.of['id']!r} comes twice, first in line {seen[key].rpartition(' ')[2]}; "
            "give each row its own, or take the column out of the file"
        )
    seen[key] = where if "id" in columns.of else ""
    return key


def _answers(row: _Row, role: str = "answer") -> list[str]:
    """The accepted answers; of an object {"text": […]}, as reading comprehension has on the Hub, its texts."""
    found = row.raw(role)
    if isinstance(found, Mapping):
        found = found.get("text")
    if isinstance(found, list):
        return [str(one).strip() for one in found if isinstance(one, str | int | float) and normalised(str(one))]
    return [row.text(role)] if found is not None and str(found).strip() else []


def _qa(row: _Row, facts: Facts) -> dict[str, Json]:
    made: dict[str, Json] = {}
    if context := row.may_be("context"):
        made["context"] = context
        facts.passages = True
    made["question"], answers = row.text("question"), _answers(row)
    if not answers:
        facts.unanswered += 1
        if not (row.wanted.unanswerable and context):
            hint = (
                ", or say --unanswerable where that means that the passage has none" if context else ", or take it out"
            )
            raise BenchError(f"{row.where}: {row.columns.of['answer']!r} is empty; correct the row{hint}")
    return made | {"answer": answers if isinstance(row.raw("answer"), list | Mapping) else "".join(answers[:1])}


def _choice(row: _Row, facts: Facts) -> dict[str, Json]:
    asked = _asked(row)
    facts.options, facts.reading = max(facts.options, len(asked.options)), row.reading
    place = asked.place(row.reading)
    if place is None:  # in a source that has changed since its answers were looked through
        raise asked.none((row.reading,))
    made: dict[str, Json] = {"context": context} if (context := row.may_be("context")) else {}
    made["question"] = row.text("question")
    texts = list(asked.options)
    if "options" in row.columns.of:
        return made | {"options": texts, "answer": LETTERS[place]}
    return (
        made
        | dict(zip(LETTERS, texts + [""] * (len(row.columns.options) - len(texts)), strict=False))
        | {"answer": LETTERS[place]}
    )


def _asked(row: _Row) -> Asked:
    """The options and the answer of a row; raises BenchError where it has none."""
    given = row.raw("options") if "options" in row.columns.of else [row.cells.get(one) for one in row.columns.options]
    texts = options_of(given, row.where, row.columns.of.get("options", "options"))
    values = given if isinstance(given, list) else []
    is_no_text = isinstance(row.raw("answer"), int) and bool(values) and all(isinstance(one, str) for one in values)
    return Asked(row.where, texts, row.text("answer"), is_no_text)


def _reading(source: Source, columns: Columns, wanted: Wanted) -> str:
    """In which way all answers are read; raises BenchError where it cannot be told."""
    rows = (_asked(_Row(where, row, columns, source, wanted, "")) for where, row in source.rows())
    return reading_of(rows, source.called, wanted.answers, wanted.first_option)


def _labels(row: _Row, facts: Facts) -> dict[str, Json]:
    label = row.text("label")
    if label not in facts.labels:
        refuse_control(label, row.columns.of["label"], row.where)
        facts.labels.append(label)
        _refuse_many(row.where, row.columns.of["label"], facts.labels)
    return {"text": row.text("text"), "label": label}


def _scores(row: _Row, facts: Facts) -> dict[str, Json]:
    found = row.text("score").replace("\N{MINUS SIGN}", "-")
    try:
        value = number(found)  # also 1e-05, as pandas writes small ones
    except ValueError:
        raise BenchError(
            f"{row.where}: {row.columns.of['score']!r} is {found[:40]!r}, expected a number such as 0.5; correct the row"
        ) from None
    facts.low, facts.high = min(facts.low, value), max(facts.high, value)
    return {"text": row.text("text"), "score": found}


def _generation(row: _Row, facts: Facts) -> dict[str, Json]:
    found = row.raw("reference")
    facts.other_script |= not re.search(r"[A-Za-z0-9]", str(found))
    return {
        "text": row.text("text"),
        "reference": _answers(row, "reference") if isinstance(found, list) else row.text("reference"),
    }


def _spans(row: _Row, facts: Facts) -> dict[str, Json]:
    parts = []
    for role in ("tokens", "tags"):
        found = row.raw(role)
        parts.append(list(map(str, found)) if isinstance(found, list) else row.text(role).split())
    tokens, tags = parts
    if len(tokens) != len(tags):
        raise BenchError(
            f"{row.where}: {len(tokens)} tokens and {len(tags)} tags, expected one for each; correct the row"
        )
    if wrong := next((tag for tag in tags if not re.fullmatch(r"O|[BI]-\S+", tag)), None):
        raise BenchError(f"{row.where}: found the tag {wrong[:40]!r}, expected O, B-LABEL or I-LABEL; correct the row")
    for tag in dict.fromkeys(tags):
        refuse_control(tag, row.columns.of["tags"], row.where)
    facts.labels += [code for code in dict.fromkeys(tag[2:] for tag in tags if tag != "O") if code not in facts.labels]
    return {"tokens": tokens, "tags": list(map(normalised, tags))}


def _docvqa(row: _Row, facts: Facts) -> dict[str, Json]:
    answers = _answers(row) or [row.text("answer")]
    made = {"image": _file(row, "image", facts), "question": row.text("question")}
    return made | {"answer": answers if isinstance(row.raw("answer"), list) else answers[0]}


def _speech(row: _Row, facts: Facts) -> dict[str, Json]:
    return {"audio": _file(row, "audio", facts), "transcript": row.text("transcript")}


def _file(row: _Row, role: str, facts: Facts) -> str:
    """The name of a file below the folder of the table, to be copied; raises BenchError for another place."""
    name = row.text(role)
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise BenchError(
            f"{row.where}: {name[:80]!r} is not below the folder of {row.source.path.name}; put the files there"
        )
    if not (place := row.source.path.parent / path).is_file():
        raise BenchError(f"{row.where}: {place} does not exist; put the file there, or take the row out")
    if name not in facts.media:
        facts.media.append(name)
    return name


def _copy(found: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(found, place)


_MAKERS: Mapping[str, Callable[[_Row, Facts], dict[str, Json]]] = {
    "qa": _qa, "choice": _choice, "labels": _labels, "scores": _scores, "generation": _generation, "spans": _spans,
    "docvqa": _docvqa, "speech": _speech,
}  # fmt: skip


def _table(source: Source, columns: Columns, place: Path) -> Facts:
    """All columns but the ids, which no model may learn from, as they are."""
    facts, label = Facts(), columns.of["label"]
    facts.dropped = [columns.of[role] for role in ("id", "cluster") if role in columns.of]
    if any(
        not isinstance(one, str | int | float | None)
        for _, (_, row) in zip(range(100), source.rows(), strict=False)
        for one in row.values()
    ):
        raise BenchError(
            f"{source.called}: some cells hold lists or objects, which no table has; choose another --kind"
        )
    with place.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, lineterminator="\n")
        with _whole(f"{source.called}: the name of a column"):
            write.writerow(source.names)
        commas = set(source.names) - {label}
        for where, row in source.rows():
            facts.n += 1
            commas = {name for name in commas if _IN_WORDS.fullmatch(_plain(row.get(name)))}
            found = _cell(row, label, where)
            if found not in facts.labels:
                refuse_control(found, label, where)
                facts.labels.append(found)
                _refuse_many(where, label, facts.labels)
            with _whole(where):
                write.writerow([_plain(row.get(name)) for name in source.names])
    facts.commas = [name for name in source.names if name in commas]
    _refuse_few(source, columns, facts)
    return facts


def _plain(found: Json) -> str:
    return "" if found is None else " ".join(str(found).split())


def _refuse_many(where: str, name: str, labels: Sequence[str]) -> None:
    if len(labels) > _MOST_LABELS:
        raise BenchError(
            f"{where}: {name!r} has more than {_MOST_LABELS} different values, so it is no label; choose another column or --kind"
        )


def _refuse_few(source: Source, columns: Columns, facts: Facts) -> None:
    """Raise BenchError where there is nothing to evaluate, and for labels that a reader could not tell apart."""
    if not facts.n:
        raise BenchError(f"{source.called}: has no rows; give a file with some")
    if columns.kind in ("labels", "table") and len(facts.labels) < 2:
        raise BenchError(f"{source.called}: every row has the label {facts.labels[0]!r}; a task needs two or more")
    if columns.kind in ("labels", "table"):
        _refuse_quantity(source.called, columns.of["label"], facts)
    if columns.kind == "spans" and not facts.labels:
        raise BenchError(f"{source.called}: every tag is O; a task needs phrases to find")
    if columns.kind == "scores" and facts.low == facts.high:
        raise BenchError(f"{source.called}: every score is {facts.low:g}; a task needs scores that differ")
    if alike := not_apart(facts.labels, in_replies=columns.kind != "spans"):
        raise BenchError(f"{source.called}: {alike}")
    if bad := next((one for one in (*facts.labels, *source.names) if "${" in one or "\n" in one or one == "???"), None):
        raise BenchError(
            f"{source.called}: {bad[:60]!r} is ???, or holds ${{ or a line's end, which a configuration cannot; rename it"
        )


def _refuse_quantity(called: str, name: str, facts: Facts) -> None:
    """Raise BenchError for labels that are numbers of which most rows have one of their own."""
    if len(facts.labels) > max(_MOST_NUMBERS, facts.n / 2) and _are_numbers(facts.labels):
        raise BenchError(
            f"{called}: {name!r} holds {len(facts.labels):,} different numbers in {facts.n:,} rows, so it is a quantity and no "
            "label; choose another column (--columns label=NAME), put them into classes, or say --kind scores"
        )


def _are_numbers(labels: Sequence[str]) -> bool:
    try:
        return all(math.isfinite(number(label)) for label in labels)
    except ValueError:
        return False


def sample(source: Source, most: int = 1000) -> list[Mapping[str, Json]]:
    """The first rows."""
    return [row for _, (_, row) in zip(range(most), source.rows(), strict=False)]
