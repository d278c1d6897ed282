"""The official SQuAD 1.1 / 2.0 file format, and the same data set as the Hub has it, as examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data.files import all_or_none, field, read_json
from bench.errors import BenchError
from bench.types import Example, Json


@dataclass(frozen=True)
class Located(Example):
    """An example to learn from: `start` is where in the context the first of its answers begins, None where that is not told."""

    start: int | None = None

    @property
    def place(self) -> tuple[int, int] | None:
        """Where the first answer stands, in characters; None where the file does not tell, or tells a place of other text."""
        if self.start is None or not self.target:
            return None
        end = self.start + len(self.target[0])
        return (self.start, end) if self.inputs["context"][self.start : end] == self.target[0] else None


def taught(path: Path) -> list[Located]:
    """As `examples`, with the place of each answer."""
    return all_or_none(_located(path), str(path))


def _located(path: Path) -> Iterator[Located]:
    for example, item in _read(path):
        starts = [one.get("answer_start") for one in item.get("answers", ())]
        start = starts[0] if starts and type(starts[0]) is int and starts[0] >= 0 else None
        yield Located(**vars(example), start=start)


def examples(path: Path) -> list[Example]:
    """One example a question: inputs title, context and question; target the accepted answers, [] where there is none.

    The cluster is the paragraph. Without the key `answers`, as hidden test sets are published, the target is None. Raises
    BenchError naming the place of what is missing or malformed.
    """
    return all_or_none((example for example, _ in _read(path)), str(path))


def _read(path: Path) -> Iterator[tuple[Example, Mapping[str, Json]]]:
    """Each example, and the question that it was made of as the file has it."""
    for a, article in enumerate(field(read_json(path), "data", list, str(path))):
        title = field(article, "title", str, f"{path}: data[{a}]") if "title" in article else ""
        for p, paragraph in enumerate(field(article, "paragraphs", list, f"{path}: data[{a}]")):
            where = f"{path}: data[{a}].paragraphs[{p}]"
            context = field(paragraph, "context", str, where)
            for q, item in enumerate(field(paragraph, "qas", list, where)):
                place = f"{where}.qas[{q}]"
                inputs = {"title": title, "context": context, "question": field(item, "question", str, place)}
                answers = answers_of(item, place)
                yield Example(field(item, "id", str, place), inputs, answers, cluster=f"{a}/{p}"), item


def answers_of(item: Mapping[str, Json], where: str) -> list[str] | None:
    """The texts of a question's `answers`; None where it has no such key."""
    if not isinstance(item, dict):
        raise BenchError(
            f"{where}: found a {type(item).__name__}, expected an object {{…}}; bring the official file again"
        )
    if "answers" not in item:
        return None
    return [field(answer, "text", str, f"{where}.answers") for answer in field(item, "answers", list, where)]


def examples_from_rows(rows: Iterable[Mapping[str, Json]]) -> Iterator[Example]:
    """As `examples`, from the flat rows (id, title, context, question, answers) that the Hub's copies have."""
    number: dict[str, int] = {}
    for row in rows:
        cluster = number.setdefault(row["context"], len(number))
        inputs = {"title": row["title"], "context": row["context"], "question": row["question"]}
        yield Example(str(row["id"]), inputs, list(row["answers"]["text"]), cluster=str(cluster))


def taught_from_rows(rows: Iterable[Mapping[str, Json]]) -> Iterator[Located]:
    """As `taught`, from the rows of the Hub's copies."""
    held = list(rows)
    for example, row in zip(examples_from_rows(held), held, strict=True):
        starts = row["answers"].get("answer_start") or [None]
        yield Located(**vars(example), start=starts[0])
