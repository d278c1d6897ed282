"""The official SQuAD 1.1 / 2.0 file format, and the same data set as the Hub has it, as examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bench.data.files import all_or_none, field, read_json
from bench.types import Example, Json


def examples(path: Path) -> list[Example]:
    """One example a question: inputs title, context and question; target the accepted answers, [] where there is none.

    The cluster is the paragraph. Without the key `answers`, as hidden test sets are published, the target is None. Raises
    BenchError naming the place of what is missing or malformed.
    """
    return all_or_none(_examples(path), str(path))


def _examples(path: Path) -> Iterator[Example]:
    for a, article in enumerate(field(read_json(path), "data", list, str(path))):
        title = field(article, "title", str, f"{path}: data[{a}]") if "title" in article else ""
        for p, paragraph in enumerate(field(article, "paragraphs", list, f"{path}: data[{a}]")):
            where = f"{path}: data[{a}].paragraphs[{p}]"
            context = field(paragraph, "context", str, where)
            for q, item in enumerate(field(paragraph, "qas", list, where)):
                place = f"{where}.qas[{q}]"
                inputs = {"title": title, "context": context, "question": field(item, "question", str, place)}
                answers = answers_of(item, place)
                yield Example(field(item, "id", str, place), inputs, answers, cluster=f"{a}/{p}")


def answers_of(item: Mapping[str, Json], where: str) -> list[str] | None:
    """The texts of a question's `answers`; None where it has no such key."""
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
